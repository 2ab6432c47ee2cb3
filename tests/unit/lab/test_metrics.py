"""Reading the text the operator shows."""

from lab.metrics import parse, total

TEXT = """\
# HELP davylamp_api_requests_total Requests to the API server.
# TYPE davylamp_api_requests_total counter
davylamp_api_requests_total{verb="apply",kind="Service",code="200"} 3.0
davylamp_api_requests_total{verb="apply",kind="Deployment",code="200"} 2.0
davylamp_api_requests_total{verb="create",kind="Event",code="201"} 7.0
# HELP davylamp_leader Whether this process holds the lease.
# TYPE davylamp_leader gauge
davylamp_leader 1.0
"""


def test_totals_are_narrowed_by_labels():
    samples = parse(TEXT)
    assert total(samples, "davylamp_api_requests_total") == 12
    assert total(samples, "davylamp_api_requests_total", verb="apply") == 5
    assert total(samples, "davylamp_api_requests_total", verb="apply", kind="Service") == 3
    assert total(samples, "davylamp_leader") == 1


def test_what_is_not_there_is_zero():
    assert total(parse(TEXT), "davylamp_rollbacks_total") == 0
