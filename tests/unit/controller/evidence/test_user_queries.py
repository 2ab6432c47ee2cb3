"""All questions of a tick: one for each channel, user queries on their grid, one error each."""

import math

import pytest
from tests.support.evenpods import EvenPods

from davylamp.adapters.errors import SourceError, SourceFault
from davylamp.adapters.pod_names import pattern_of_pods
from davylamp.adapters.prometheus.user_query import ArmNames, QueryScope
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.batches import Batch, Part
from davylamp.controller.evidence.counter_queries import LONGEST_WINDOW, CounterQueries
from davylamp.controller.evidence.subjects import Subject
from davylamp.controller.evidence.tracked import TrackedRollout, TrackedRollouts
from davylamp.controller.evidence.tracker import EvidenceTracker
from davylamp.controller.evidence.user_queries import MOST_POINTS, UserQueries
from davylamp.controller.fairness.errands import Errands
from davylamp.controller.settings import MetricSettings
from davylamp.gates import ERRORS, LATENCY, ErrorRate, Latency, Query, ShareChange, Trial

NOW = 9_000.0
A, B = Key("models", "a"), Key("models", "b")
OF_PODS = 'up{pod=~"{{ pods }}"}'


def trial(rule=None, started_at=NOW):
    return Trial(rule or ErrorRate(), started_at, (ShareChange(started_at, 0.5),))


def own(promql="up", **settings):
    return Query(**{"promql": promql, "highest": 5.0, "interval": 15.0} | settings)


def subject(*rules, name="a", started_at=NOW, stable=True):
    trials = {f"gate-{number}": trial(rule, started_at) for number, rule in enumerate(rules)}
    scope = QueryScope(
        namespace="models",
        model=name,
        candidate=ArmNames("rev-new", f"{name}-new"),
        stable=ArmNames("rev-old", f"{name}-old") if stable else None,
        interval=15.0,
    )
    return Subject("models", f"{name}-new", f"{name}-old" if stable else None, trials, scope)


def followed(*rules, **settings):
    found = subject(*rules, **settings)
    return TrackedRollout.begin(found, found.beginning(NOW, 5.0))


@pytest.fixture
def source() -> EvenPods:
    return EvenPods(now=NOW, own=lambda promql, _time: 3.0 if "new" in promql else 1.0)


@pytest.fixture
def sampler(source) -> EvidenceTracker:
    return EvidenceTracker(
        source, MetricSettings(user_queries=True), on_news=lambda _: None, clock=lambda: source.now
    )


async def polled(sampler, source, seconds):
    for _ in range(seconds):
        await sampler.poll()
        source.now += 1


async def counters(source, group):
    """What is answered about the counters of all rollouts together."""
    parts = tuple(Part(key, each, each.subject.channels) for key, each in group.items())
    queries = CounterQueries(source, MetricSettings())
    return await queries.counters(Batch(NOW, is_present=True, parts=parts))


async def answered(source, rollout, *, are_allowed=True):
    """What is answered to each user query of a rollout."""
    queries = UserQueries(
        source,
        TrackedRollouts(on_news=lambda _: None),
        are_allowed=are_allowed,
        clock=lambda: NOW,
        errands=Errands(1),
    )
    return {
        gate: await queries.answers(rollout, gate, rule, NOW)
        for gate, rule in rollout.subject.queries.items()
    }


# --- counters ------------------------------------------------------------------------------------


async def test_one_question_for_each_channel_about_all_rollouts_that_need_it(source):
    group = {
        A: followed(ErrorRate(), Latency(over=0.1), name="a"),
        B: followed(ErrorRate(), ErrorRate(ratio=2.0), name="b"),
    }
    found = await counters(source, group)
    workloads = {query.channel: {name for _, name in query.workloads} for query in source.queries}
    assert len(source.queries) == 2
    assert workloads == {
        ERRORS: {"a-new", "a-old", "b-new", "b-old"},
        LATENCY: {"a-new", "a-old"},
    }
    assert found.keys() == {ERRORS, LATENCY}


async def test_the_window_reaches_back_to_who_needs_most_but_not_for_ever(source):
    early, late = followed(ErrorRate(), name="a"), followed(ErrorRate(), name="b")
    early.since, late.since = NOW - 900, NOW - 30
    await counters(source, {A: early, B: late})
    early.since = NOW - 100 * 3600
    await counters(source, {A: early, B: late})
    assert [query.window for query in source.queries] == [900, LONGEST_WINDOW]


async def test_p3_an_error_of_one_channel_is_not_the_others(sampler, source):
    source.faults = {LATENCY: SourceFault.BAD_ANSWER}
    sampler.follow(A, subject(ErrorRate(), Latency(over=0.1, warm_up=0.0)))
    await polled(sampler, source, 12)
    found = sampler.evidence(A)
    assert {channel: error.fault for channel, error in found.errors.items()} == {
        LATENCY: SourceFault.BAD_ANSWER
    }
    assert found.family.states["gate-0"].candidate.requests == 100
    source.faults = {}
    await polled(sampler, source, 1)
    assert sampler.evidence(A).errors == {}
    assert sampler.evidence(A).family.states["gate-1"].candidate.requests == 100


# --- users' own queries ----------------------------------------------------------------------------


async def test_an_own_query_is_asked_on_its_grid_once_for_each_time(sampler, source):
    sampler.follow(A, subject(own()))
    await polled(sampler, source, 62)
    times = [
        time
        for query in source.user_queries
        for time in range(query.start, query.end + 1, query.step)
        if time > NOW
    ]
    assert times == [9015, 9030, 9045, 9060]
    alone = [query for query in source.user_queries if query.start > NOW]
    assert [query.start for query in alone] == times, "none of them again"
    assert sampler.evidence(A).family.states["gate-0"].account.good == 4
    assert source.queries == []


async def test_who_is_far_behind_is_told_some_points_at_a_time_and_all_in_the_end(sampler, source):
    sampler.follow(A, subject(own(interval=1.0), started_at=NOW - 1200))
    await polled(sampler, source, 6)
    points = [set(range(query.start, query.end + 1, query.step)) for query in source.user_queries]
    assert max(map(len, points)) <= MOST_POINTS
    assert sum(map(len, points)) == len(set.union(*points))
    assert set.union(*points) >= set(range(int(NOW) - 1199, int(source.now) - 2))


async def test_with_a_ratio_both_revisions_are_asked_for_the_same_times(sampler, source):
    sampler.follow(A, subject(own(OF_PODS, highest=math.inf, ratio=2.0)))
    await polled(sampler, source, 32)
    first, second = source.user_queries[0::2], source.user_queries[1::2]
    assert {query.promql for query in first} == {f'up{{pod=~"{pattern_of_pods("a-new")}"}}'}
    assert {query.promql for query in second} == {f'up{{pod=~"{pattern_of_pods("a-old")}"}}'}
    spans = [[(query.start, query.end) for query in each] for each in (first, second)]
    assert spans[0] == spans[1]
    book = sampler.evidence(A).family.states["gate-0"].account
    assert (book.last.candidate, book.last.stable) == (3.0, 1.0)
    assert book.bad == 2


async def test_without_a_ratio_only_the_canary_is_asked(source):
    await answered(source, followed(own(OF_PODS)))
    assert len(source.user_queries) == 1
    assert "a-new" in source.user_queries[0].promql


async def test_each_query_has_its_own_interval(source):
    """Not the shortest of all: rates over it would be other than meant."""
    slow, fast = own("a[{{ interval }}]", interval=60.0), own("b[{{ interval }}]", interval=15.0)
    await answered(source, followed(slow, fast))
    assert [query.promql for query in source.user_queries] == ["a[60s]", "b[15s]"]
    assert [query.step for query in source.user_queries] == [60, 15]


async def test_p3_an_error_of_one_query_is_not_the_others(sampler, source):
    source.query_errors = {"broken": SourceError(SourceFault.BAD_ANSWER, "parse error")}
    sampler.follow(A, subject(own("broken"), own("works"), ErrorRate()))
    sampler.follow(B, subject(own("works"), name="b"))
    await polled(sampler, source, 20)
    found = sampler.evidence(A)
    assert {gate: error.fault for gate, error in found.query_errors.items()} == {
        "gate-0": SourceFault.BAD_ANSWER
    }
    assert found.errors == {}
    assert found.family.states["gate-1"].account.good == 1
    assert found.family.states["gate-2"].candidate.requests > 0
    assert sampler.evidence(B).query_errors == {}


async def test_what_an_error_kept_back_is_asked_again(sampler, source):
    sampler.follow(A, subject(own("sometimes")))
    await polled(sampler, source, 5)
    source.query_errors = {"sometimes": SourceError(SourceFault.DOWN, "no answer")}
    await polled(sampler, source, 40)
    source.query_errors = {}
    await polled(sampler, source, 2)
    assert sampler.evidence(A).family.states["gate-0"].account.good == 3
    assert sampler.evidence(A).query_errors == {}


async def test_with_a_ratio_an_error_of_one_side_counts_for_neither(sampler, source):
    source.query_errors = {"a-old": SourceError(SourceFault.DOWN, "no answer")}
    sampler.follow(A, subject(own(OF_PODS, ratio=2.0)))
    await polled(sampler, source, 20)
    assert sampler.evidence(A).query_errors.keys() == {"gate-0"}
    source.query_errors = {}
    await polled(sampler, source, 2)
    assert sampler.evidence(A).family.states["gate-0"].account.last.stable == 1.0


async def test_where_user_queries_are_not_allowed_none_is_asked_and_the_gate_says_why(source):
    error = (await answered(source, followed(own()), are_allowed=False))["gate-0"]
    assert source.user_queries == []
    assert error.fault is SourceFault.BAD_ANSWER
    assert "gates.userQueries" in str(error)


async def test_a_probation_asks_about_what_serves_alone(source):
    await answered(source, followed(own(OF_PODS), stable=False))
    assert [query.promql for query in source.user_queries] == [
        f'up{{pod=~"{pattern_of_pods("a-new")}"}}'
    ]
