"""The operator's own metrics: bounded by what exists."""

import functools

from prometheus_client import CollectorRegistry
from tests.support.operation import Land

from davylamp.controller.cluster.cache import Key
from davylamp.controller.metrics import Metrics

KEY = Key("models", "risk")


def series(registry: CollectorRegistry, name: str) -> list[str]:
    return [
        sample.name
        for family in registry.collect()
        for sample in family.samples
        if sample.labels.get("name") == name
    ]


async def test_a_rollout_under_way_is_shown_and_then_no_more():
    land = Land()
    land.apply("v1")
    await land.settle()
    registry = land.operator.metrics.registry
    labels = {"namespace": "models", "name": "risk"}

    def weight() -> float | None:
        return registry.get_sample_value("davylamp_canary_weight", labels)

    assert weight() is None
    land.apply("v2")
    await land.until(lambda: weight() == 20)
    land.prometheus.error_share["v2"] = 0.3
    await land.settle()
    assert weight() is None
    assert registry.get_sample_value("davylamp_rollbacks_total", labels) == 1
    gate = labels | {"gate": "errors", "verdict": "Fail", "reason": "ErrorRateWorse"}
    told = registry.get_sample_value("davylamp_gate_verdicts_total", gate)
    assert told in {None, 1.0}


async def test_an_object_that_is_gone_leaves_no_series_and_others_keep_theirs():
    land = Land()
    land.apply("v1", name="other")
    land.apply("v1")
    await land.settle()
    metrics = land.operator.metrics
    assert series(metrics.registry, "risk")
    metrics.forget_object(KEY)
    metrics.forget_object(KEY)
    assert series(metrics.registry, "risk") == []
    assert series(metrics.registry, "other")


def test_queries_tell_whether_the_source_is_up():
    metrics = Metrics(CollectorRegistry())
    up = functools.partial(metrics.registry.get_sample_value, "davylamp_source_up")
    metrics.on_query("SourceDown", 8.0)
    metrics.on_query("BadAnswer", 0.1)
    assert up() == 1, "a user's own query says nothing about Prometheus"
    metrics.on_source_down()
    metrics.on_query("BadAnswer", 0.1)
    assert up() == 0
    metrics.on_query("ok", 0.1)
    assert up() == 1
