"""Pods are read directly, Prometheus is the record: which of them is asked when, and what counts."""

import asyncio
import contextlib
import logging
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from tests.support.evenpods import EvenPods
from tests.support.fakesource import SCRAPE_INTERVAL, pod_of

from davylamp.adapters.errors import SourceFault
from davylamp.adapters.pods.metrics import PodTarget, Sweep
from davylamp.adapters.prometheus.user_query import ArmNames, QueryScope, RangeQuery
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence import ingest
from davylamp.controller.evidence.ingest import scrapes_of
from davylamp.controller.evidence.subjects import Subject
from davylamp.controller.evidence.tracker import EvidenceTracker
from davylamp.controller.settings import MetricSettings
from davylamp.gates import (
    ERRORS,
    LATENCY,
    Channel,
    ErrorRate,
    JudgementContext,
    Latency,
    Query,
    Sample,
    ShareChange,
    Trial,
    Verdict,
    judge_all,
)
from davylamp.gates.missing_data import unread
from davylamp.gates.samples import PodKey

NOW = 10_000.0
A, B = Key("models", "a"), Key("models", "b")
PER_SECOND = 100


def served(seconds: float) -> float:
    """Requests of a pod until so long after `NOW`, since the last scrape that is a second old."""
    return PER_SECOND * (SCRAPE_INTERVAL + seconds)


@dataclass(kw_only=True)
class Pods(EvenPods):
    """What pods count, read by Prometheus every 5 s and by a sweep whenever it comes.

    A pod answers a sweep `delay` seconds after it began: it has counted on by then.
    """

    now: float = NOW
    rate: int = PER_SECOND
    bad_since: float = NOW
    own: Callable[[str, float], float] = lambda _promql, _time: 0.0
    failing: set[str] = field(default_factory=set)
    silent: set[tuple[str, Channel]] = field(default_factory=set)
    delay: float = 0.0
    hanging: set[str] = field(default_factory=set)
    """Pods whose sweep does not end."""
    sweeps: list[tuple[float, tuple[str, ...]]] = field(default_factory=list)
    ended: asyncio.Queue[float] = field(default_factory=asyncio.Queue)
    """When sweeps were made."""

    async def sweep(self, pods, channels):
        if self.hanging & {pod.name for pod in pods}:
            await asyncio.Event().wait()
        self.sweeps.append((self.now, tuple(pod.name for pod in pods)))
        failed = {pod.key: "no answer within 1 s" for pod in pods if pod.name in self.failing}
        samples = {
            channel: {
                pod.key: (self.sample(pod.name, self.now, channel, read_at=self.now + self.delay),)
                for pod in pods
                if pod.key not in failed and (pod.name, channel) not in self.silent
            }
            for channel in channels
        }
        sweep = Sweep(self.now, samples, failed)
        self.ended.put_nowait(sweep.at)
        self.now += self.seconds_per_question
        return sweep

    def asked(self) -> Counter:
        """Queries to Prometheus, by second."""
        return Counter(query.at - NOW for query in self.queries)


def pods_of(name: str, *, more=0) -> tuple[PodTarget, ...]:
    names = [pod_of(f"{name}-new"), pod_of(f"{name}-old")]
    names += [f"{name}-old-5d7f-x{number}" for number in range(more)]
    return tuple(PodTarget("models", each, each, "10.0.0.1", 8000) for each in names)


def trial(rule=None, started_at=NOW):
    return Trial(rule or ErrorRate(burst=1.0), started_at, (ShareChange(started_at, 0.5),))


def subject(name="a", trials=None, *, every=1.0, pods=None, scope=None):
    return Subject(
        "models",
        f"{name}-new",
        f"{name}-old",
        trials or {"errors": trial()},
        scope,
        sweep_every=every,
        pods=pods_of(name) if pods is None else pods,
    )


@pytest.fixture
def land() -> Pods:
    return Pods()


@pytest.fixture
def news() -> list[Key]:
    return []


def made(land, on_news, *, tick=1.0, **settings) -> EvidenceTracker:
    return EvidenceTracker(
        land,
        MetricSettings(**{"user_queries": True, **settings}),
        on_news=on_news,
        tick=tick,
        clock=lambda: land.now,
        monotonic=lambda: land.now,
        pods=land,
    )


@pytest.fixture
def sampler(land, news) -> EvidenceTracker:
    return made(land, news.append)


async def polled(sampler, land, seconds=1):
    for _ in range(seconds):
        await sampler.poll()
        land.now += 1


def state(sampler, key=A, gate="errors"):
    return sampler.evidence(key).family.states[gate]


def judged(sampler, land, key=A):
    found = sampler.evidence(key)
    around = JudgementContext(
        land.now,
        frozenset({pod_of(f"{key.name}-new")}),
        frozenset({pod_of(f"{key.name}-old")}),
        unread={
            name: unread(found.errors[channel].fault.value, str(found.errors[channel]))
            for name, trial in found.trials.items()
            if (channel := trial.rule.channel) in found.errors
        },
    )
    return judge_all(found.trials, found.family, around)


# --- history first, then sweeps ------------------------------------------------------------------


async def test_prometheus_tells_the_history_once_and_then_pods_tell_the_rest(sampler, land):
    sampler.follow(A, subject())
    await polled(sampler, land, 30)
    assert land.asked() == {0.0: 1}
    assert land.queries[0].window >= 600
    assert [at - NOW for at, _ in land.sweeps] == list(range(1, 30))
    assert state(sampler).survey.total.requests > 50_000
    assert state(sampler).candidate.requests == served(29)
    assert state(sampler).account.joint.evidence.blocks == 29


async def test_a_bad_canary_is_found_within_seconds(sampler, land):
    sampler.follow(A, subject())
    await polled(sampler, land, 2)
    land.bad = {pod_of("a-new"): 0.2}
    found = None
    while found is None and land.now < NOW + 20:
        await polled(sampler, land)
        said = judged(sampler, land)["errors"]
        found = land.now if said.verdict is Verdict.FAIL else None
    assert found is not None
    assert found <= NOW + 6


@contextlib.asynccontextmanager
async def running(sampler):
    """The loops at work, a hundred times as often as in earnest."""
    task = asyncio.create_task(sampler.run())
    async with asyncio.timeout(10):
        yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_prometheus_that_never_answers_holds_no_sweep_up(land, news):
    """One rollout waits for it, the other's pods are read all the same."""
    sampler = made(land, news.append, tick=0.01)
    sampler.follow(A, subject())
    await polled(sampler, land)
    land.hangs, land.seconds_per_question = lambda _query: True, 1.0
    sampler.follow(B, subject("b", every=None))
    async with running(sampler):
        sweeps = [await land.ended.get() for _ in range(5)]
    assert sweeps == [NOW + at for at in range(1, 6)]
    assert len(land.queries) <= 3, "each is asked about once, and waited for"


async def test_a_pod_that_hangs_holds_up_no_other_rollouts_sweep(land):
    news = asyncio.Queue()
    sampler = made(land, news.put_nowait)
    sampler.follow(A, subject("a"))
    sampler.follow(B, subject("b"))
    await polled(sampler, land)
    assert {news.get_nowait(), news.get_nowait()} == {A, B}
    land.hanging = {pod_of("a-new")}
    turn = asyncio.create_task(sampler.poll())
    async with asyncio.timeout(10):
        assert await news.get() == B
    assert news.empty()
    assert not turn.done()
    turn.cancel()


async def test_a_user_query_that_hangs_holds_up_nobodys_counters(land):
    news = asyncio.Queue()
    sampler = made(land, news.put_nowait, tick=0.01)
    land.hangs, land.seconds_per_question = lambda query: isinstance(query, RangeQuery), 1.0
    sampler.follow(A, replace(with_own_query(), sweep_every=None))
    async with running(sampler):
        while state(sampler).candidate.requests < 10 * PER_SECOND:
            assert await news.get() == A
    assert len(land.user_queries) == 1


async def test_a_bug_met_by_one_sweep_ends_judging_for_nobody_else(
    sampler, land, monkeypatch, caplog
):
    real = ingest.take_in

    def broken(trials, family, scrapes, own):
        if land.sweeps and any(pod.startswith("a-") for s in scrapes.values() for pod in s.stable):
            raise ZeroDivisionError
        return real(trials, family, scrapes, own)

    monkeypatch.setattr(ingest, "take_in", broken)
    sampler.follow(A, subject("a"))
    sampler.follow(B, subject("b"))
    await polled(sampler, land, 10)
    assert state(sampler, B).candidate.requests == served(9)
    assert {record.fields["name"] for record in caplog.records} == {"a"}
    assert len(land.asked()) == 10, "who is not told by pods is told by Prometheus"


async def test_what_the_fast_lane_cannot_read_is_told_once_and_so_is_its_end(sampler, land, caplog):
    caplog.set_level(logging.INFO)
    sampler.follow(A, subject())
    await polled(sampler, land, 2)
    land.failing = {pod_of("a-old")}
    await polled(sampler, land, 10)
    land.failing = set()
    await polled(sampler, land, 10)
    assert [record.getMessage() for record in caplog.records] == [
        f"pod {pod_of('a-old')}: no answer within 1 s; Prometheus instead",
        "pods are read directly again",
    ]


def test_no_sample_later_than_the_watermark_is_kept():
    samples = {pod_of("a-new"): tuple(Sample(NOW + at, 1.0, 0.0) for at in range(4))}
    kept = scrapes_of(subject(), {("models", "a-new"): samples}, until=NOW + 2, after=NOW)
    assert [each.time - NOW for each in kept.candidate[pod_of("a-new")]] == [1, 2]


async def test_news_is_told_with_every_sweep(sampler, land, news):
    sampler.follow(A, subject())
    await polled(sampler, land)
    news.clear()
    await polled(sampler, land, 5)
    assert news == [A] * 5


@pytest.mark.parametrize("slow", [{"every": None}, {"pods": ()}])
async def test_without_leave_or_without_pods_prometheus_is_asked(sampler, land, slow):
    sampler.follow(A, subject(**slow))
    await polled(sampler, land, 10)
    assert land.sweeps == []
    assert len(land.asked()) == 10


async def test_where_pods_may_not_be_read_at_all_prometheus_is_asked(land, news):
    sampler = EvidenceTracker(land, MetricSettings(), on_news=news.append, clock=lambda: land.now)
    sampler.follow(A, subject())
    await polled(sampler, land, 10)
    assert len(land.asked()) == 10
    assert state(sampler).candidate.requests > 0


async def test_several_channels_are_read_in_one_sweep(sampler, land):
    trials = {"errors": trial(), "slow": trial(Latency(over=0.1, warm_up=0.0))}
    sampler.follow(A, subject(trials=trials))
    await polled(sampler, land, 10)
    assert land.asked() == {0.0: 2}
    assert len(land.sweeps) == 9
    for gate in trials:
        assert state(sampler, gate=gate).candidate.requests == served(9)
    assert sampler.recording(A).channels.keys() == {ERRORS, LATENCY}


async def test_before_a_canary_sweeps_go_on_with_the_survey(sampler, land):
    sampler.follow(A, subject(trials={"errors": trial(started_at=math.inf)}))
    await polled(sampler, land)
    before = state(sampler).survey.total.requests
    await polled(sampler, land, 30)
    assert state(sampler).survey.total.requests >= before + 20 * PER_SECOND
    assert state(sampler).candidate.requests == 0


# --- pods that cannot be read --------------------------------------------------------------------


async def test_a_pod_that_fails_makes_its_own_rollout_alone_fall_back(sampler, land):
    sampler.follow(A, subject("a"))
    sampler.follow(B, subject("b"))
    await polled(sampler, land, 10)
    land.queries.clear()
    land.failing = {pod_of("a-old")}
    await polled(sampler, land, 10)
    workloads = {name for query in land.queries for _, name in query.workloads}
    assert workloads == {"a-new", "a-old"}
    assert len(land.asked()) == 10
    assert state(sampler, B).account.joint.evidence.blocks == 19
    assert state(sampler, A).candidate.requests > 9 * PER_SECOND


async def test_the_fallback_asks_for_what_the_sweeps_did_not_bring_and_no_more(sampler, land):
    sampler.follow(A, subject())
    await polled(sampler, land, 300)
    land.queries.clear()
    land.failing = {pod_of("a-old")}
    await polled(sampler, land, 2)
    assert max(query.window for query in land.queries) < 60


async def test_a_pod_that_tells_only_some_of_it_counts_as_one_that_fails(sampler, land):
    """The rest may be in Prometheus, from elsewhere than the pod."""
    trials = {"errors": trial(), "slow": trial(Latency(over=0.1, warm_up=0.0))}
    sampler.follow(A, subject(trials=trials))
    land.silent = {(pod.name, LATENCY) for pod in pods_of("a")}
    await polled(sampler, land, 20)
    assert len(land.asked()) == 20
    assert state(sampler, gate="slow").candidate.requests > 0


async def test_pods_that_can_be_read_again_are_read_again(sampler, land):
    sampler.follow(A, subject())
    await polled(sampler, land, 10)
    land.failing = {pod_of("a-new")}
    await polled(sampler, land, 10)
    land.failing = set()
    land.queries.clear()
    await polled(sampler, land, 10)
    assert land.queries == []
    assert state(sampler).candidate.requests == served(29)


@pytest.mark.parametrize("delay", [0.0, 0.4, 0.99])
@pytest.mark.parametrize("until", range(11, 17))
async def test_p2_changing_between_both_never_lets_a_counter_fall(sampler, land, delay, until):
    """A counter that falls counts as a restart: all that the pod ever counted, at once.

    A pod answers a sweep late, so a scrape of Prometheus shortly after may know less than it.
    """
    land.delay = delay
    sampler.follow(A, subject())
    await polled(sampler, land, 10)
    for _ in range(3):
        land.failing = {pod_of("a-old")}
        await polled(sampler, land, until)
        land.failing = set()
        await polled(sampler, land, 4)
    found = state(sampler)
    most = served(land.now - NOW + delay)
    assert found.candidate.requests <= most
    assert found.stable.requests <= most
    assert found.candidate.requests >= most - 3 * PER_SECOND
    assert found.candidate.errors == found.stable.errors == 0


async def test_scrapes_of_the_first_second_after_a_sweep_are_left_out(sampler, land):
    """The last sweep is at 9.5 s, the scrape at 10 s is nearer than a pod may answer late."""
    land.now = NOW + 0.5
    sampler.follow(A, subject())
    await polled(sampler, land, 10)
    assert land.sweeps[-1][0] == NOW + 9.5
    land.failing = {pod_of("a-old")}
    await polled(sampler, land, 5)
    assert state(sampler).last[_key("a-new")].time == NOW + 9.5
    await polled(sampler, land, 3)
    assert state(sampler).last[_key("a-new")].time == NOW + 15


def _key(deployment):
    arm = "candidate" if deployment.endswith("new") else "stable"
    return PodKey(arm, pod_of(deployment))


# --- Prometheus that cannot be asked -------------------------------------------------------------


async def test_p3_with_prometheus_down_readable_pods_are_judged_all_the_same(sampler, land):
    land.fault = SourceFault.DOWN
    land.bad = {pod_of("a-new"): 0.5}
    sampler.follow(A, subject())
    await polled(sampler, land, 2)
    await polled(sampler, land, 8)
    assert sampler.evidence(A).errors == {}
    assert state(sampler).candidate.requests > 0
    assert judged(sampler, land)["errors"].verdict is Verdict.FAIL


async def test_an_outage_of_prometheus_in_the_fast_lane_is_not_even_noticed(sampler, land, news):
    sampler.follow(A, subject())
    await polled(sampler, land, 5)
    land.fault = SourceFault.DOWN
    await polled(sampler, land, 20)
    assert sampler.evidence(A).errors == {}
    assert state(sampler).candidate.requests == served(24)


async def test_p3_with_both_out_of_reach_nothing_is_known(sampler, land):
    sampler.follow(A, subject())
    await polled(sampler, land, 5)
    land.fault, land.failing = SourceFault.DOWN, {pod_of("a-new")}
    await polled(sampler, land, 2)
    answer = judged(sampler, land)["errors"]
    assert (answer.verdict, answer.reason) == (Verdict.UNKNOWN, "SourceDown")


# --- own queries beside ------------------------------------------------------------------------


def with_own_query():
    trials = {"errors": trial(), "own": trial(Query(promql="up", highest=1.0, interval=15.0))}
    scope = QueryScope(
        namespace="models",
        model="a",
        candidate=ArmNames("new", "a-new"),
        stable=ArmNames("old", "a-old"),
        interval=15.0,
    )
    return subject(trials=trials, scope=scope)


async def test_user_queries_are_asked_of_prometheus_and_counters_of_the_pods(sampler, land, news):
    sampler.follow(A, with_own_query())
    await polled(sampler, land, 60)
    assert len(land.queries) == 1
    assert [query.end - NOW for query in land.user_queries if query.end > NOW] == [
        5.0,
        20.0,
        35.0,
        50.0,
    ]
    assert state(sampler).candidate.requests == served(59)
    assert state(sampler, gate="own").account.good == 4


async def test_p3_an_own_query_that_cannot_be_asked_leaves_what_pods_tell_alone(
    sampler, land, news
):
    sampler.follow(A, with_own_query())
    await polled(sampler, land, 5)
    land.fault = SourceFault.DOWN
    news.clear()
    await polled(sampler, land, 40)
    found = sampler.evidence(A)
    assert found.errors == {}
    assert found.query_errors["own"].fault is SourceFault.DOWN
    assert state(sampler).candidate.requests == served(44)
    assert judged(sampler, land)["errors"].verdict is not Verdict.UNKNOWN


async def test_values_of_an_outage_are_asked_for_when_it_is_over(sampler, land, news):
    land.fault = SourceFault.DOWN
    sampler.follow(A, with_own_query())
    await polled(sampler, land, 90)
    land.fault = None
    await polled(sampler, land, 2)
    assert state(sampler, gate="own").account.good == 6


# --- the budget ----------------------------------------------------------------------------------


async def test_the_budget_is_kept_and_shared_fairly(land, news):
    sampler = made(land, news.append, pod_metrics_per_second=8.0)
    keys = [Key("models", f"m{number}") for number in range(8)]
    for key in keys:
        sampler.follow(key, subject(key.name))
    await polled(sampler, land, 61)
    read = Counter(names[0] for _, names in land.sweeps)
    assert sum(len(names) for _, names in land.sweeps) <= 8 * 61 + 8
    assert len(read) == 8
    assert max(read.values()) - min(read.values()) <= 2
    assert min(read.values()) >= 25, "each gets its half"


async def test_within_the_budget_nobody_waits_and_nobody_asks_prometheus(land, news):
    sampler = made(land, news.append, pod_metrics_per_second=16.0)
    keys = [Key("models", f"m{number}") for number in range(8)]
    for key in keys:
        sampler.follow(key, subject(key.name))
    await polled(sampler, land, 20)
    assert land.asked() == {0.0: 8}, "each of its own past"
    assert len(land.sweeps) == 8 * 19


async def test_who_waits_longer_for_a_sweep_than_for_a_scrape_is_told_by_prometheus(land, news):
    """Else gates would take pods for lost whose turn has not come."""
    sampler = made(land, news.append, pod_metrics_per_second=2.0)
    keys = [Key("models", f"m{number}") for number in range(20)]
    for key in keys:
        sampler.follow(key, subject(key.name))
    await polled(sampler, land, 60)
    for key in keys:
        newest = max(each.time for each in state(sampler, key).last.values())
        assert newest >= land.now - 2 * SCRAPE_INTERVAL - 1
        assert judged(sampler, land, key)["errors"].verdict is not Verdict.UNKNOWN


async def test_a_sweep_is_as_rare_as_the_rollout_wants_it(sampler, land):
    sampler.follow(A, subject(every=3.0))
    await polled(sampler, land, 20)
    times = [at - NOW for at, _ in land.sweeps]
    assert times == [1.0, 4.0, 7.0, 10.0, 13.0, 16.0, 19.0]
    assert land.asked() == {0.0: 1}
