"""What is there instead of the wanted series."""

from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.suggestions import (
    OtherSeries,
    labels_text,
    names_text,
    read_labels,
    read_names,
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
    assert labels_text(ERRORS) == (
        "topk(3, count without (le, quantile, instance, namespace, pod) "
        f"(model_requests_total{{{PODS}))"
    )
    assert '{__name__=~"model_request_seconds|' in labels_text(LATENCY)


def test_names_come_in_order_of_likeness_and_not_too_many() -> None:
    others = [f"seconds_{n}" for n in range(20)]
    found = read_names(ERRORS, names(*others, "http_requests_total", "model_request_total"))
    assert found[:2] == ("model_request_total", "http_requests_total")
    assert len(found) == 10


def test_label_sets_are_told_apart_shortened_and_harmless() -> None:
    long = "v" * 100
    found = read_labels(
        [
            {"metric": {"code": "200", "route": long}, "value": [1, "2"]},
            {"metric": {"code": "200", "route": long + "w"}, "value": [1, "2"]},
            {"metric": {"code": "500\n\x1b[31m", "__name__": "m"}, "value": [1, "2"]},
        ]
    )
    assert found == ({"code": "200", "route": "v" * 39 + "…"}, {"code": "500??[31m"})


def test_label_sets_read_like_promql() -> None:
    seen = OtherSeries(("m",), ({"code": '2"0', "route": "/"}, {"code": "5"}))
    assert seen.labels_text == r'{code="2\"0",route="/"} {code="5"}'
    assert OtherSeries().labels_text == ""
