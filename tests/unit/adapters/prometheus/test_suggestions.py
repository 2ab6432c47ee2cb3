"""What is there instead of the wanted series."""

from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.suggestions import (
    OtherSeries,
    all_names_text,
    names_text,
    read_names,
    read_presence,
    unselected_text,
)
from davylamp.gates import LATENCY

ERRORS = CounterQuery(workloads=frozenset({("a", "x")}), at=1.0, window=1.0)
LATENCY = CounterQuery(workloads=frozenset({("a", "x")}), at=1.0, window=1.0, channel=LATENCY)
PODS = 'namespace=~"a",pod=~"(?:x)-[a-z0-9]+-[a-z0-9]{5}"}'


def names(*metrics: str) -> list[dict]:
    return [{"metric": {"__name__": metric}, "value": [1, "2"]} for metric in metrics]


def test_the_queries_are_about_the_pods_in_play_and_leave_the_selector_out() -> None:
    asked = names_text(ERRORS)
    assert asked.startswith('count by (__name__) ({__name__=~"(?:model)(?:_.*)?|.*(?:request|')
    assert asked.endswith(f'",{PODS})')
    assert all_names_text(ERRORS) == f"count by (__name__) ({{{PODS})"
    assert unselected_text(ERRORS) == f"model_requests_total{{{PODS}"
    assert '{__name__=~"model_request_seconds|' in unselected_text(LATENCY)


def test_names_of_common_servers_come_in_order_of_likeness_and_others_are_counted() -> None:
    others = [f"seconds_{n}" for n in range(20)]
    there = read_names(ERRORS, names(*others, "http_requests_total", "istio_requests_total"))
    assert there == OtherSeries(("istio_requests_total", "http_requests_total"), others=20)
    assert read_names(LATENCY, names("http_request_duration_seconds_bucket")).metrics
    assert read_names(ERRORS, []) == OtherSeries()


def test_whether_the_metric_is_there_at_all() -> None:
    assert read_presence(names("m"))
    assert not read_presence([])
