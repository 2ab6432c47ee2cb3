"""A pod that is scraped twice counts once, or not at all: then the reason says what to change."""

import time

import pytest

from davylamp.adapters.errors import SourceError, SourceFault
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.scrapes import read_scrapes
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.gates import LATENCY

POD = "x-1-7d4b9c-abcde"
WORKLOADS = frozenset({("a", "x-1")})


def series(values, code="200", **labels):
    metric = {"namespace": "a", "pod": POD, "code": code, **labels}
    return {"metric": metric, "values": [[time, str(value)] for time, value in values]}


def query(replicas="", **changes):
    names = SeriesNames(replica_labels=replicas)
    return CounterQuery(workloads=WORKLOADS, at=1000.0, window=30.0, series=names, **changes)


def samples(*result, replicas=""):
    known = read_scrapes(query(replicas), list(result))
    return [(s.time, s.requests, s.errors) for s in known.get(("a", POD), ())]


def refusal(*result, replicas="", asked=None):
    with pytest.raises(SourceError) as caught:
        read_scrapes(asked or query(replicas), list(result))
    assert caught.value.fault is SourceFault.BAD_ANSWER
    return caught.value.message


PODS = series([(11, 91), (16, 93)], job="kubernetes-pods", instance="10.0.0.1:8080")
ENDPOINTS = series(
    [(10, 90), (15, 92)], job="kubernetes-service-endpoints", instance="10.0.0.1:8080"
)


def test_a_pod_that_two_jobs_scrape_is_a_bad_answer_that_names_both_and_the_value_to_paste():
    assert refusal(PODS, ENDPOINTS) == (
        "Prometheus: pod a/x-1-7d4b9c-abcde is scraped twice, as "
        '{job="kubernetes-service-endpoints"} and as {job="kubernetes-pods"}, '
        "which would count every request twice: let one job scrape it, or choose one in the "
        "chart's value prometheus.requests.selector: "
        '\'route="predict", job="kubernetes-service-endpoints"\''
    )


def test_the_value_to_paste_is_that_of_the_channel_and_makes_one_target_of_it():
    name = {"__name__": "model_request_seconds_count"}
    asked = query(channel=LATENCY)
    told = refusal(
        series([(10, 1)], job="a", **name), series([(10, 1)], job="b", **name), asked=asked
    )
    assert 'prometheus.latency.selector: \'route="predict", job="a"\'' in told
    selector = told.rpartition(": ")[2].strip("'")
    assert SeriesNames(latency_selector=selector).matchers(LATENCY)[1].text == 'job="a"'


def test_one_scrape_of_each_is_enough_to_tell():
    assert "scraped twice" in refusal(series([(10, 90)], job="a"), series([(12, 91)], job="b"))


def test_two_ports_of_a_pod_are_two_targets():
    one = series([(10, 90)], job="pods", instance="10.0.0.1:8080")
    other = series([(10, 7)], job="pods", instance="10.0.0.1:9090")
    told = refusal(one, other)
    assert '{instance="10.0.0.1:8080"} and as {instance="10.0.0.1:9090"}' in told
    assert "scrape one port of it" in told


def test_a_second_job_without_anything_that_counts_is_no_second_target():
    name = {"__name__": "model_request_seconds_sum"}
    count = series([(10, 3)], job="a", __name__="model_request_seconds_count")
    bucket = series([(10, 3)], job="a", le="1", __name__="model_request_seconds_bucket")
    asked = query(channel=LATENCY)
    known = read_scrapes(asked, [count, bucket, series([(10, 9)], job="b", **name)])
    assert known["a", POD][0].requests == 3


def test_a_job_that_was_renamed_goes_on_under_its_new_name():
    before = series([(0, 80), (5, 85)], job="old")
    after = series([(10, 90), (15, 92)], job="new")
    assert [time for time, *_ in samples(after, before)] == [0, 5, 10, 15]


REPLICAS = [
    series([(10, 90), (15, 95)], job="pods", prometheus_replica="prometheus-k8s-0"),
    series([(12, 92), (17, 97)], job="pods", prometheus_replica="prometheus-k8s-1"),
]


def test_replicas_of_one_prometheus_are_told_apart_only_where_the_chart_names_their_label():
    told = refusal(*REPLICAS)
    assert told.endswith("set the chart's prometheus.replicaLabels=[prometheus_replica]")
    assert samples(*REPLICAS, replicas="prometheus_replica") == [(10, 90, 0), (15, 95, 0)]


def test_a_replica_that_missed_scrapes_is_not_read():
    full = series([(12, 92), (17, 97), (22, 99)], job="pods", replica="b")
    torn = series([(10, 90)], job="pods", replica="a")
    assert samples(torn, full, replicas="replica") == [(12, 92, 0), (17, 97, 0), (22, 99, 0)]


def test_replicas_do_not_hide_that_two_jobs_scrape():
    other = series([(11, 90), (16, 95)], job="other", prometheus_replica="prometheus-k8s-0")
    assert "scraped twice" in refusal(*REPLICAS, other, replicas="prometheus_replica")


def test_replicas_under_a_label_that_nobody_told_of_are_known_by_their_times():
    one = series([(10, 90), (15, 95)], job="pods", receive="a")
    other = series([(12, 92), (17, 97)], job="pods", receive="b")
    told = refusal(one, other)
    assert '{receive="a"} and as {receive="b"}' in told
    assert "replicaLabels=[receive]" in told
    assert samples(one, other, replicas="receive") == [(10, 90, 0), (15, 95, 0)]


def test_codes_that_come_and_go_with_restarts_are_no_second_target():
    ok = series([(10, 5), (25, 2), (30, 3)])
    errors = series([(15, 1), (20, 2)], code="500")
    assert [time for time, *_ in samples(ok, errors)] == [10, 15, 20, 25, 30]


def test_what_a_target_is_called_is_quoted_as_one_short_line():
    told = refusal(series([(10, 1)], job="a\n\x1b[31m" + "y" * 200), series([(10, 1)], job="b"))
    assert "\n" not in told
    assert "\x1b" not in told
    assert len(told) < 600


def test_thousands_of_series_that_share_no_scrape_take_no_longer_than_their_samples():
    many = [series([(n / 1000, 1)], code=str(n)) for n in range(20_000)]
    began = time.process_time()
    samples(*many)
    assert time.process_time() - began < 5


def through(service, values, job=None, instance="10.0.0.1:8080", **labels):
    """A series as the Prometheus operator labels it: the job is the Service's name, if nothing else is."""
    found = {"job": job or service, "service": service, "endpoint": "http", "instance": instance}
    return series(values, **found, **labels)


@pytest.mark.parametrize("job", [None, "models"])
def test_a_service_monitor_that_selects_all_services_of_a_model_scrapes_no_pod_twice(job):
    main = [(10, 90), (15, 92), (20, 94)]
    own = [(12, 91), (17, 93), (22, 95)]
    found = samples(
        through("x", main, job), through("x-stable", own, job), through("x", main, job, code="500")
    )
    assert found == [(10, 180, 90), (15, 184, 92), (20, 188, 94)]


def test_a_pod_that_was_found_through_the_canarys_service_alone_goes_on_through_the_main_one():
    own = through("x-canary", [(2, 80), (7, 85), (12, 91), (17, 93)])
    assert [time for time, *_ in samples(through("x", [(15, 92)]), own)] == [2, 7, 12, 17]


def test_a_service_monitor_beside_a_pod_monitor_two_ports_or_an_unknown_port_are_still_two():
    at = [(10, 90), (15, 92)]
    assert "scraped twice" in refusal(
        through("x", at), series(at, job="pods", instance="10.0.0.1:8080")
    )
    assert "scraped twice" in refusal(through("x", at), through("y", at, instance="10.0.0.1:9"))
    assert "scraped twice" in refusal(
        through("x", at, instance=POD), through("y", at, instance=POD)
    )


def test_a_label_of_the_models_own_called_service_is_no_service_and_adds_up():
    at = [(10, 90), (15, 92)]
    found = samples(through("a", at, job="pods"), through("b", at, job="pods"))
    assert found == [(10, 180, 0), (15, 184, 0)]


def test_the_replicas_label_is_found_whichever_series_of_each_comes_first():
    one = [(10, 90), (15, 95), (20, 99)]
    other = [(12, 92), (17, 97), (22, 99)]
    found = [
        series(one, job="pods", replica="a", route="predict"),
        series(other, job="pods", replica="b", route="explain"),
        series(other, job="pods", replica="b", route="predict"),
        series(one, job="pods", replica="a", route="explain"),
    ]
    assert refusal(*found).endswith("set the chart's prometheus.replicaLabels=[replica]")
    assert [requests for _, requests, _ in samples(*found, replicas="replica")] == [180, 190, 198]
