"""What is asked of Prometheus, to the letter."""

import pytest

from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.gates import ERRORS, GROUPS, LATENCY, SCORES, SHARES, Channel

PODS = 'namespace=~"a",pod=~"(?:x)-[a-z0-9]+-[a-z0-9]{5}"}[30000ms]'


def query(*workloads: tuple[str, str], channel: Channel = ERRORS, **names: str) -> CounterQuery:
    return CounterQuery(
        workloads=frozenset(workloads),
        at=1000.0,
        window=30.0,
        channel=channel,
        series=SeriesNames(**names),
    )


def test_one_range_selector_asks_about_every_workload() -> None:
    asked = query(("b", "y-4be2000001"), ("a", "x-9a01000002"), ("a", "y-4be2000001"))
    assert asked.text == (
        'model_requests_total{route="predict",namespace=~"a|b",'
        'pod=~"(?:x-9a01000002|y-4be2000001)-[a-z0-9]+-[a-z0-9]{5}"}[30000ms]'
    )


def test_names_and_selector_come_from_the_settings() -> None:
    asked = query(
        ("a", "x"),
        requests_metric="http:requests_total",
        requests_selector=' handler="/predict", job!~"b.*" ',
        namespace_label="kubernetes_namespace",
        pod_label="kubernetes_pod_name",
    )
    assert asked.text == (
        'http:requests_total{handler="/predict",job!~"b.*",kubernetes_namespace=~"a",'
        'kubernetes_pod_name=~"(?:x)-[a-z0-9]+-[a-z0-9]{5}"}[30000ms]'
    )


def test_an_empty_selector_adds_nothing() -> None:
    assert query(("a", "x"), requests_selector="").text.startswith(
        'model_requests_total{namespace=~"a",'
    )


@pytest.mark.parametrize(
    ("channel", "metrics", "selector"),
    [
        (
            LATENCY,
            [
                "model_request_seconds",
                "model_request_seconds_bucket",
                "model_request_seconds_count",
            ],
            'route="predict",',
        ),
        (
            SCORES,
            [f"model_prediction_score{suffix}" for suffix in ("", "_bucket", "_count")],
            "",
        ),
        (SHARES, ["model_explanation_share_sum", "model_explanation_share_count"], ""),
        (GROUPS, ["model_group_requests_total", "model_group_predictions_total"], ""),
    ],
)
def test_each_channel_is_one_range_selector_over_its_metrics(channel, metrics, selector) -> None:
    names = "|".join(metrics)
    assert query(("a", "x"), channel=channel).text == f'{{__name__=~"{names}",{selector}{PODS}'


def test_names_are_escaped_for_both_languages() -> None:
    asked = query(("a.b", 'x"} or up{a="'))
    assert r'namespace=~"a\\.b"' in asked.text
    assert r'pod=~"(?:x\"\\} or up\\{a=\")-' in asked.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"requests_metric": "a-b"},
        {"requests_metric": ""},
        {"requests_metric": 'up{job="a"}'},
        {"code_label": "code space"},
        {"pod_label": "pod:name"},
        {"namespace_label": "1st"},
        {"requests_selector": 'a="b"} or vector(1)'},
        {"requests_selector": 'a="b",'},
        {"requests_selector": 'a="b\n"'},
        {"requests_selector": "a=b"},
        {"error_codes": "5.("},
        {"latency_metric": "seconds|up"},
        {"latency_selector": 'a="b"} or vector(1)'},
        {"scores_metric": 'score", job="x'},
        {"scores_selector": "{}"},
        {"shares_metric": ""},
        {"shares_selector": "a=1"},
        {"group_requests_metric": "a b"},
        {"group_predictions_metric": ".*"},
        {"groups_selector": "a"},
        {"feature_label": "le:"},
        {"group_label": ""},
        {"outcome_label": "a-b"},
        {"positive_outcome": ""},
    ],
)
def test_what_promql_does_not_allow_there_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        query(("a", "x"), **wrong)


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(ValueError, match="window"):
        CounterQuery(workloads=frozenset(), at=1.0, window=0.0)


@pytest.mark.parametrize(
    ("namespace", "pod", "owner"),
    [
        ("a", "x-1-7d4b9c-abcde", ("a", "x-1")),
        ("b", "x-1-7d4b9c-abcde", None),
        ("a", "x-1-extra-7d4b9c-abcde", None),
        ("a", "x-1", None),
        ("a", "", None),
    ],
)
def test_a_pod_belongs_to_the_deployment_in_its_name(namespace, pod, owner) -> None:
    assert query(("a", "x-1"), ("b", "y")).owner(namespace, pod) == owner
