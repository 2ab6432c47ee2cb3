"""What is asked of Prometheus, to the letter."""

import pytest

from davylamp.adapters.promql import CounterQuery


def query(*workloads: tuple[str, str], **names: object) -> CounterQuery:
    return CounterQuery(workloads=frozenset(workloads), at=1000.0, window=30.0, **names)


def test_one_range_selector_asks_about_every_workload() -> None:
    asked = query(("b", "y-4be2000001"), ("a", "x-9a01000002"), ("a", "y-4be2000001"))
    assert asked.text == (
        'model_requests_total{route="predict",namespace=~"a|b",'
        'pod=~"(?:x-9a01000002|y-4be2000001)-[a-z0-9]+-[a-z0-9]{5}"}[30000ms]'
    )


def test_names_and_selector_come_from_the_settings() -> None:
    asked = query(
        ("a", "x"),
        metric="http:requests_total",
        selector=' handler="/predict", job!~"b.*" ',
        namespace_label="kubernetes_namespace",
        pod_label="kubernetes_pod_name",
    )
    assert asked.text == (
        'http:requests_total{handler="/predict", job!~"b.*",kubernetes_namespace=~"a",'
        'kubernetes_pod_name=~"(?:x)-[a-z0-9]+-[a-z0-9]{5}"}[30000ms]'
    )


def test_an_empty_selector_adds_nothing() -> None:
    assert query(("a", "x"), selector="").text.startswith('model_requests_total{namespace=~"a",')


def test_names_are_escaped_for_both_languages() -> None:
    asked = query(("a.b", 'x"} or up{a="'))
    assert r'namespace=~"a\\.b"' in asked.text
    assert r'pod=~"(?:x\"\\} or up\\{a=\")-' in asked.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"metric": "a-b"},
        {"metric": ""},
        {"metric": 'up{job="a"}'},
        {"code_label": "code space"},
        {"pod_label": "pod:name"},
        {"namespace_label": "1st"},
        {"selector": 'a="b"} or vector(1)'},
        {"selector": 'a="b",'},
        {"selector": 'a="b\n"'},
        {"selector": "a=b"},
        {"error_codes": "5.("},
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
