"""A hostile namespace and a victim, by a virtual clock: what the victim waits for has a number."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field

import pytest
from tests.support.evenpods import EvenPods
from tests.support.fakesource import Scrapes, pod_of

from davylamp.adapters.errors import SourceError, SourceFault, TooLate, TooMuch
from davylamp.adapters.pods.metrics import PodTarget, Sweep
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.user_query import ArmNames, QueryScope, RangeQuery
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.subjects import Subject
from davylamp.controller.evidence.tracker import EvidenceTracker
from davylamp.controller.fairness.limits import Limits
from davylamp.controller.settings import MetricSettings
from davylamp.gates import ErrorRate, Query, Rule, ShareChange, Trial

pytestmark = pytest.mark.looptime

START = 100_000.0
DEADLINE = 8.0
"""Seconds that Prometheus gets for one query."""
VICTIM = Key("victim", "risk")
HOSTILE = [Key("hostile", f"h{number}") for number in range(150)]
OWN = Query(promql="up", highest=5.0, interval=15.0)


def now() -> float:
    return START + asyncio.get_running_loop().time()


def subject(key: Key, rule: Rule | None = None, *, started_at: float, pods: int = 0) -> Subject:
    trial = Trial(rule or ErrorRate(burst=1.0), started_at, (ShareChange(started_at, 0.5),))
    names = [pod_of(f"{key.name}-new"), pod_of(f"{key.name}-old")]
    names += [f"{key.name}-old-5d7f-x{number}" for number in range(pods - 2)]
    return Subject(
        key.namespace,
        f"{key.name}-new",
        f"{key.name}-old",
        {"gate": trial},
        QueryScope(
            namespace=key.namespace,
            model=key.name,
            candidate=ArmNames("new", f"{key.name}-new"),
            stable=ArmNames("old", f"{key.name}-old"),
            interval=15.0,
        ),
        sweep_every=1.0 if pods else None,
        pods=tuple(PodTarget(key.namespace, n, n, "10.0.0.1", 8000) for n in names[:pods]),
    )


@dataclass(kw_only=True)
class Prometheus(EvenPods):
    """Answers at once, but for what is asked about the hostile namespace."""

    now: float = START
    is_slow: bool = False
    """Every query about the namespace runs into the deadline."""
    is_long: bool = False
    """Every answer about the namespace is a bad one."""
    most: int = 10_000
    asked_at: list[tuple[float, CounterQuery]] = field(default_factory=list)

    async def scrapes(self, query: CounterQuery, *, until: float | None = None) -> Scrapes:
        self.now = now()
        self.asked_at.append((now(), query))
        await asyncio.sleep(0.02)
        await self._suffer({namespace for namespace, _ in query.workloads})
        return await super().scrapes(query, until=until)

    async def values(
        self, query: RangeQuery, *, until: float | None = None
    ) -> Mapping[float, float]:
        await self._suffer({"hostile"} if "hostile" in query.promql else set())
        return await super().values(query, until=until)

    async def _suffer(self, namespaces: Iterable[str]) -> None:
        if "hostile" in namespaces and self.is_slow:
            await asyncio.sleep(DEADLINE)
            raise TooLate("no answer within 8 s")
        if "hostile" in namespaces and self.is_long:
            raise TooMuch("more than 4194304 bytes")


@dataclass
class Pods:
    """Pods that count; those of the hostile namespace hang until a sweep gives them up."""

    prometheus: Prometheus
    at: dict[str, list[float]] = field(default_factory=dict)

    async def sweep(self, pods, channels):
        namespace = pods[0].namespace
        began = now()
        self.at.setdefault(namespace, []).append(began)
        if namespace == "hostile":
            await asyncio.sleep(1.0)
            return Sweep(began, {c: {} for c in channels}, {pod.key: "hangs" for pod in pods})
        samples = {
            channel: {p.key: (self.prometheus.sample(p.name, began, channel),) for p in pods}
            for channel in channels
        }
        return Sweep(began, samples, {})


@pytest.fixture
def source() -> Prometheus:
    return Prometheus()


@pytest.fixture
def pods(source) -> Pods:
    return Pods(source)


@contextlib.asynccontextmanager
async def running(source, pods=None, **settings) -> AsyncIterator[tuple[EvidenceTracker, list]]:
    """A tracker at work, and when it had news of whom."""
    news: list[tuple[float, Key]] = []
    tracker = EvidenceTracker(
        source,
        MetricSettings(user_queries=True),
        on_news=lambda key: news.append((now(), key)),
        clock=now,
        monotonic=asyncio.get_running_loop().time,
        pods=pods,
        **settings,
    )
    task = asyncio.create_task(tracker.run())
    try:
        yield tracker, news
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def longest_silence(news: list[tuple[float, Key]], since: float) -> float:
    """Seconds that the victim waited for news at most."""
    times = [since, *(at for at, key in news if key == VICTIM and at >= since), now()]
    return max(later - earlier for earlier, later in itertools.pairwise(times))


def follow_hostile(tracker: EvidenceTracker, **options) -> None:
    for key in HOSTILE:
        tracker.follow(key, subject(key, started_at=now(), **options))


async def test_the_survey_of_a_new_rollout_does_not_wait_for_slow_ones_of_a_neighbour(source):
    """A hundred and fifty that take 8 s each are behind, three at a time: that is seven minutes."""
    source.is_slow = True
    async with running(source, limits=Limits(rollouts=1000)) as (tracker, news):
        follow_hostile(tracker)
        await asyncio.sleep(20)
        began = now()
        tracker.follow(VICTIM, subject(VICTIM, started_at=now()))
        await asyncio.sleep(5)
        assert tracker.evidence(VICTIM).answered
        assert min(at for at, key in news if key == VICTIM) - began < 1.2, "the next tick"


@pytest.mark.parametrize(("fault", "bound"), [("is_slow", 5 + DEADLINE + 1.5), ("is_long", 6.5)])
async def test_a_neighbours_queries_that_go_bad_delay_one_reading_at_most(source, fault, bound):
    """They were read together. From then on the neighbour is read apart.

    A scrape comes every 5 s, and is asked for within a second. The reading during which the fault
    begins may take until the deadline.
    """
    async with running(source, limits=Limits(rollouts=1000)) as (tracker, news):
        for key in HOSTILE[:30]:
            tracker.follow(key, subject(key, started_at=now()))
        tracker.follow(VICTIM, subject(VICTIM, started_at=now()))
        await asyncio.sleep(30)
        setattr(source, fault, True)
        began = now()
        await asyncio.sleep(100)
        assert longest_silence(news, began) <= bound
        later = [at for at, key in news if key == VICTIM and at > began + 20]
        assert max(b - a for a, b in itertools.pairwise(later)) <= 6.5
        assert tracker.evidence(VICTIM).errors == {}
        setattr(source, fault, False)
        await asyncio.sleep(90)
        asked = {
            frozenset(ns for ns, _ in q.workloads) for at, q in source.asked_at if at > now() - 10
        }
        assert asked == {frozenset({"hostile", "victim"})}, "both are read together again"


async def test_a_real_outage_is_told_to_all_and_ends_for_all(source):
    other = Key("other", "risk")
    async with running(source) as (tracker, _):
        for key in (VICTIM, other):
            tracker.follow(key, subject(key, started_at=now()))
        await asyncio.sleep(10)

        async def late(_namespaces: Iterable[str]) -> None:
            await asyncio.sleep(DEADLINE)
            raise TooLate("no answer within 8 s")

        well, source._suffer = source._suffer, late
        await asyncio.sleep(30)
        for key in (VICTIM, other):
            (error,) = tracker.evidence(key).errors.values()
            assert error.fault is SourceFault.DOWN
        source._suffer = well
        await asyncio.sleep(12)
        assert tracker.evidence(VICTIM).errors == tracker.evidence(other).errors == {}


async def test_a_namespace_with_very_many_is_read_less_often_and_nobody_else(source):
    async with running(source, limits=Limits(rollouts=1000)) as (tracker, _):
        follow_hostile(tracker)
        tracker.follow(VICTIM, subject(VICTIM, started_at=now()))
        await asyncio.sleep(150)
        asked: dict[str, int] = {}
        for at, query in source.asked_at:
            if at > now() - 50:
                for namespace in {ns for ns, _ in query.workloads}:
                    asked[namespace] = asked.get(namespace, 0) + 1
        assert asked["victim"] >= 48
        assert asked["hostile"] <= 12


async def test_user_queries_that_run_into_the_deadline_delay_no_neighbours(source):
    """Of a hundred and fifty, four are asked at a time: with 8 s each, that is five minutes for a round."""
    source.own = lambda _promql, _time: 1.0
    slow = Query(promql='up{namespace="hostile"}', highest=5.0, interval=15.0)
    source.is_slow = True
    async with running(source, limits=Limits(rollouts=1000, user_queries=1000)) as (tracker, news):
        for key in HOSTILE:
            tracker.follow(key, subject(key, slow, started_at=now()))
        await asyncio.sleep(20)
        tracker.follow(VICTIM, subject(VICTIM, OWN, started_at=now()))
        began = now()
        await asyncio.sleep(120)
        assert longest_silence(news, began) <= 15 + 1.5, "its interval, and a tick"
        assert tracker.evidence(VICTIM).queried == {"gate"}


async def test_pods_that_hang_and_are_many_take_no_sweep_from_a_neighbour(source, pods):
    """Thirty times as many pods as the budget has; a sweep of the victim is due each second."""
    async with running(source, pods, limits=Limits(rollouts=1000)) as (tracker, news):
        follow_hostile(tracker, pods=10)
        tracker.follow(VICTIM, subject(VICTIM, started_at=now(), pods=4))
        await asyncio.sleep(30)
        pods.at.clear()
        began = now()
        await asyncio.sleep(60)
        assert len(pods.at["victim"]) >= 58
        assert longest_silence(news, began) <= 2.1
        assert len(pods.at["hostile"]) * 10 <= 46 * 60 + 60, "what the victim leaves of the budget"


async def test_a_rollout_with_too_many_pods_is_read_from_prometheus_and_that_is_told(
    source, pods, caplog
):
    async with running(source, pods, limits=Limits(scraped_pods=50)) as (tracker, _):
        tracker.follow(VICTIM, subject(VICTIM, started_at=now(), pods=51))
        await asyncio.sleep(20)
        assert pods.at == {}
        assert tracker.evidence(VICTIM).scraped
        assert tracker.left_out() == {("victim", "scrapedPods"): 1}
    told = [record.message for record in caplog.records if "51 pods" in record.message]
    assert told == [
        "51 pods, at most 50 are read directly (chart value limits.scrapedPods); Prometheus instead"
    ]


# --- limits --------------------------------------------------------------------------------------


async def test_of_too_many_rollouts_the_last_wait_before_their_first_traffic_and_are_told_why(
    source,
):
    never = float("inf")
    async with running(source, limits=Limits(rollouts=3)) as (tracker, news):
        for key in HOSTILE[:5]:
            tracker.follow(key, subject(key, started_at=never))
        tracker.follow(VICTIM, subject(VICTIM, started_at=never))
        await asyncio.sleep(5)
        errors = {key.name for key in HOSTILE[:5] if tracker.evidence(key).errors}
        assert errors == {"h3", "h4"}
        (error,) = tracker.evidence(HOSTILE[4]).errors.values()
        assert str(error) == (
            "3 rollouts of namespace hostile are judged already, this one begins when one of them has "
            "ended (chart value limits.rollouts)"
        )
        assert tracker.evidence(VICTIM).errors == {}
        assert tracker.left_out() == {("hostile", "rollouts"): 2}
        tracker.follow(HOSTILE[0], None)
        assert news[-1][1] == HOSTILE[3]
        await asyncio.sleep(5)
        assert tracker.evidence(HOSTILE[3]).errors == {}
        assert tracker.evidence(HOSTILE[3]).answered


async def test_whatever_has_traffic_is_judged_also_above_the_limit(source):
    async with running(source, limits=Limits(rollouts=2)) as (tracker, _):
        for key in HOSTILE[:5]:
            tracker.follow(key, subject(key, started_at=now()))
        await asyncio.sleep(5)
        assert all(tracker.evidence(key).answered for key in HOSTILE[:5])
        assert tracker.left_out() == {}


async def test_of_too_many_user_queries_the_last_are_not_asked_and_their_gates_say_why(source):
    source.own = lambda _promql, _time: 1.0
    async with running(source, limits=Limits(user_queries=2)) as (tracker, _):
        for key in (*HOSTILE[:3], VICTIM):
            tracker.follow(key, subject(key, OWN, started_at=float("inf")))
        await asyncio.sleep(40)
        (error,) = tracker.evidence(HOSTILE[2]).query_errors.values()
        assert isinstance(error, SourceError)
        assert "2 user queries of namespace hostile" in str(error)
        assert "limits.userQueries" in str(error)
        assert tracker.evidence(HOSTILE[1]).query_errors == {}
        assert tracker.evidence(VICTIM).query_errors == {}
        assert tracker.left_out() == {("hostile", "userQueries"): 1}


async def test_the_user_queries_of_a_canary_are_asked_also_above_the_limit_and_after_a_restart(
    source,
):
    """After a restart rollouts come in any order, and a limit may be another one than before."""
    source.own = lambda _promql, _time: 1.0
    async with running(source, limits=Limits(user_queries=2)) as (tracker, _):
        for key in HOSTILE[:3]:
            tracker.follow(key, subject(key, OWN, started_at=float("inf")))
        for key in HOSTILE[3:6]:
            tracker.follow(key, subject(key, OWN, started_at=now()))
        await asyncio.sleep(40)
        assert {key.name for key in HOSTILE[:6] if tracker.evidence(key).query_errors} == {
            "h0",
            "h1",
            "h2",
        }
        assert all(tracker.evidence(key).queried for key in HOSTILE[3:6])
