"""Before a canary: what a gate looks for, and which series there are instead."""

import math

import pytest
from tests.support.evenpods import EvenPods

from davylamp.adapters.errors import SourceFault
from davylamp.adapters.prometheus.suggestions import OtherSeries
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.subjects import Subject
from davylamp.controller.evidence.suggestions import SuggestionSearch
from davylamp.controller.evidence.tracked import TrackedRollouts
from davylamp.controller.evidence.tracker import EvidenceTracker
from davylamp.controller.fairness.errands import Errands
from davylamp.controller.settings import MetricSettings
from davylamp.gates import (
    ERRORS,
    SCORES,
    ErrorRate,
    Query,
    ScoreDistance,
    ShareChange,
    Trial,
)

NOW = 9_000.0
A, B = Key("models", "a"), Key("models", "b")
QUERY = Query(promql="up", highest=5.0, interval=15.0)


def subject(*rules, name="a", started_at=NOW):
    weights = (ShareChange(started_at, 0.5),)
    trials = {f"gate-{n}": Trial(rule, started_at, weights) for n, rule in enumerate(rules)}
    return Subject("models", f"{name}-new", f"{name}-old", trials)


@pytest.fixture
def source() -> EvenPods:
    return EvenPods(now=NOW)


@pytest.fixture
def sampler(source) -> EvidenceTracker:
    return EvidenceTracker(
        source, MetricSettings(), on_news=lambda _: None, clock=lambda: source.now
    )


async def polled(sampler, source, seconds):
    for _ in range(seconds):
        await sampler.poll()
        source.now += 1


LABELS = OtherSeries(is_there=True)


async def suggested(source):
    search = SuggestionSearch(
        source,
        TrackedRollouts(on_news=lambda _: None),
        MetricSettings(),
        clock=lambda: NOW,
        errands=Errands(1),
    )
    return await search.suggestion(subject(ErrorRate(), started_at=math.inf), ERRORS, NOW)


async def test_what_is_missing_is_told_with_the_labels_that_are_there(source):
    source.other = LABELS
    text = await suggested(source)
    series = MetricSettings().series
    assert text.startswith(
        f"no series {series['requests_metric']}{{{series['requests_selector']}}} of "
    )
    name, pods = series["requests_metric"], '{namespace=~"models",pod=~"(?:a-old|a-new)-'
    assert f"with other labels, see in Prometheus: {name}{pods}" in text.replace(
        "a-new|a-old", "a-old|a-new"
    )


async def test_or_with_the_metrics_that_are_there(source):
    source.other = OtherSeries(metrics=("http_requests_total",), others=2)
    text = await suggested(source)
    assert "; metrics that are there: http_requests_total, 2 others; see in Prometheus: " in text
    assert 'count by (__name__) ({namespace=~"models",pod=~' in text
    source.other = OtherSeries(others=2)
    assert "; metrics that are there: 2 that look like it; see" in await suggested(source)


@pytest.mark.parametrize("fault", [None, SourceFault.DOWN])
async def test_or_alone_where_there_is_nothing_or_no_answer(source, fault):
    source.fault = fault
    assert (await suggested(source)).startswith("no series ")


async def test_it_is_asked_now_and_then_before_a_canary_for_gates_that_find_nothing(
    sampler, source
):
    source.is_empty, source.other = True, LABELS
    sampler.follow(A, subject(ErrorRate(), ScoreDistance(), QUERY, started_at=math.inf))
    await polled(sampler, source, 20)
    looks = [(query.at - NOW, query.channel) for query in source.searches]
    both = (ERRORS, SCORES)
    assert looks == [(at, channel) for at in (0, 10) for channel in both]
    assert sampler.evidence(A).suggestions.keys() == {"gate-0", "gate-1"}
    source.is_empty = False
    await polled(sampler, source, 6)
    assert sampler.evidence(A).suggestions == {}


async def test_it_is_not_asked_of_a_gate_that_sees_stable_or_of_a_canary_with_traffic(
    sampler, source
):
    sampler.follow(A, subject(ErrorRate(), started_at=math.inf))
    await polled(sampler, source, 10)
    source.is_empty = True
    sampler.follow(B, subject(ErrorRate(), name="b"))
    await polled(sampler, source, 10)
    assert source.searches == []
