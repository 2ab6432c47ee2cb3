"""The operator's own metrics: bounded by what exists."""

import asyncio
import functools
from datetime import UTC, datetime

import aiohttp
from prometheus_client import CollectorRegistry
from tests.support.operation import Land

from davylamp.api.names import Reason
from davylamp.api.status import ModelDeploymentStatus
from davylamp.api.status_parts import GateStatus
from davylamp.controller import endpoints
from davylamp.controller.cluster.cache import Key
from davylamp.controller.metrics import MOST_GATE_NAMES, Metrics

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


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    metrics.refresh()
    return metrics.registry.get_sample_value(name, labels)


def test_a_namespace_with_very_many_models_has_series_for_some_and_another_for_its_own():
    metrics = Metrics(CollectorRegistry(), shown=3)
    metrics.watch_limits(lambda: {("other", "rollouts"): 2})
    for number in range(1000):
        metrics.show_refused(Key("hostile", f"h{number}"), {Reason.WRITE_FAILING: 1})
    metrics.show_refused(KEY, {Reason.WRITE_FAILING: 1})
    shown = [
        sample.labels["namespace"]
        for family in metrics.registry.collect()
        if family.name == "davylamp_refused_writes"
        for sample in family.samples
    ]
    assert sorted(shown) == ["hostile"] * 3 + ["models"]

    def left_out(**labels: str) -> float | None:
        metrics.refresh()
        return value(metrics, "davylamp_left_out", **labels)

    assert left_out(namespace="hostile", limit="shownModels") == 997
    assert left_out(namespace="other", limit="rollouts") == 2
    metrics.forget_object(Key("hostile", "h0"))
    metrics.forget_object(Key("hostile", "h999"))
    metrics.show_refused(Key("hostile", "h500"), {Reason.WRITE_FAILING: 1})
    assert left_out(namespace="hostile", limit="shownModels") == 995
    for number in range(1000):
        metrics.forget_object(Key("hostile", f"h{number}"))
    assert left_out(namespace="hostile", limit="shownModels") is None


def test_gates_that_are_renamed_all_the_time_leave_a_bounded_number_of_series():
    metrics = Metrics(CollectorRegistry())
    empty = ModelDeploymentStatus()
    for number in range(500):
        gate = GateStatus(
            name=f"g{number}",
            verdict="Pass",
            reason="ErrorRateAcceptable",
            message="well",
            at=datetime(2026, 11, 1, tzinfo=UTC),
        )
        metrics.show(KEY, empty, ModelDeploymentStatus(probation_gates=(gate,)))
    counted = [
        sample
        for family in metrics.registry.collect()
        if family.name == "davylamp_gate_verdicts"
        for sample in family.samples
        if sample.name.endswith("_total")
    ]
    assert 1 <= len(counted) <= MOST_GATE_NAMES


async def test_what_is_watched_is_looked_at_on_the_event_loop(unused_tcp_port):
    """The text is made in a thread, which has no event loop: an age that asks for its clock would fail."""
    metrics = Metrics(CollectorRegistry())
    metrics.watch_queue(lambda: 2.0, lambda: asyncio.get_running_loop().time() * 0 + 7.0)
    metrics.watch_unread(lambda kind: float(len(kind)), ["Pod"])
    page = endpoints.metrics(metrics.registry, refresh=metrics.refresh)
    async with (
        endpoints.serving(page, unused_tcp_port),
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{unused_tcp_port}/metrics") as response,
    ):
        lines = (await response.text()).splitlines()
    assert response.status == 200
    assert {
        "davylamp_queue_depth 2.0",
        "davylamp_queue_oldest_seconds 7.0",
        'davylamp_unread_objects{kind="Pod"} 3.0',
    } <= set(lines)


def test_namespaces_that_come_and_go_leave_no_series():
    metrics = Metrics(CollectorRegistry())
    names = {f"ns-{number}" for number in range(50)}
    for name in names:
        for model in ("a", "b"):
            metrics.show(Key(name, model), ModelDeploymentStatus(), ModelDeploymentStatus())
        metrics.on_reading(name, "ok", 0.1)
        metrics.forget_object(Key(name, "a"))
    metrics.on_reading("", "ok", 0.1)

    def shown() -> set[str | None]:
        families = metrics.registry.collect()
        labels = [sample.labels for family in families for sample in family.samples]
        return {each["namespace"] for each in labels if "namespace" in each}

    assert shown() == {*names, ""}, "another model of it is there"
    for name in names:
        metrics.forget_object(Key(name, "b"))
    assert shown() == {""}
