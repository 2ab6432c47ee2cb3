"""What is wrong in the environment is said at the start, by the variable's name."""

import pytest

from davylamp.controller.settings import Settings


def said(**variables: str) -> Settings:
    return Settings.from_environment({f"DAVYLAMP_{k}": v for k, v in variables.items()})


def test_nothing_said_is_fine():
    plain = said()
    assert plain.metrics == Settings().metrics
    assert plain.leader_election
    assert plain.namespaces == ()


def test_namespaces_may_have_spaces_around_them():
    assert said(NAMESPACES=" a, b ,,c").namespaces == ("a", "b", "c")


def test_everything_of_the_query_is_taken_over():
    told = said(
        REQUESTS_METRIC="http_requests_total",
        REQUESTS_SELECTOR='job="models"',
        CODE_LABEL="status",
        ERROR_CODES="5..|429",
        NAMESPACE_LABEL="kubernetes_namespace",
        POD_LABEL="pod_name",
        SCRAPE_INTERVAL="15s",
    ).metrics
    assert told.requests_metric == "http_requests_total"
    assert told.error_codes == "5..|429"
    assert told.scrape_interval == 15


def test_no_selector_is_a_selector():
    assert said(REQUESTS_SELECTOR="").metrics.requests_selector == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REQUESTS_METRIC", "requests total"),
        ("REQUESTS_METRIC", ""),
        ("REQUESTS_SELECTOR", 'route="predict"} or vector(1'),
        ("CODE_LABEL", "status-code"),
        ("ERROR_CODES", "5(.."),
        ("NAMESPACE_LABEL", 'namespace="x"'),
        ("POD_LABEL", ""),
        ("SCRAPE_INTERVAL", "often"),
        ("SCRAPE_INTERVAL", "0s"),
        ("LEASE_DURATION", "0s"),
        ("METRICS_PORT", "http"),
        ("LEADER_ELECTION", "no"),
    ],
)
def test_what_is_wrong_is_named(name, value):
    with pytest.raises(ValueError, match=f"^DAVYLAMP_{name}: "):
        said(**{name: value})
