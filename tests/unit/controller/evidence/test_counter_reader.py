"""One query for everything, evidence by subject, outages told once."""

import asyncio
import contextlib
import logging
import math
import threading

import pytest
from tests.support.evenpods import EvenPods

from davylamp.adapters.errors import SourceFault
from davylamp.adapters.prometheus.user_query import ArmNames, QueryScope
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence import batches, ingest
from davylamp.controller.evidence.batches import SLICE
from davylamp.controller.evidence.counter_reader import PAST_ROLLOUTS_AT_A_TIME
from davylamp.controller.evidence.subjects import Subject
from davylamp.controller.evidence.tracker import EvidenceTracker
from davylamp.controller.settings import MetricSettings
from davylamp.gates import (
    ERRORS,
    LATENCY,
    Count,
    ErrorRate,
    Latency,
    Query,
    ShareChange,
    Trial,
)

NOW = 10_000.0
A, B = Key("models", "a"), Key("models", "b")


def trial(started_at: float = NOW, rule: ErrorRate | None = None) -> Trial:
    return Trial(rule or ErrorRate(), started_at, (ShareChange(started_at, 0.5),))


def subject(name: str, started_at: float | None = NOW) -> Subject:
    trials = {"errors": trial(started_at)} if started_at else {}
    return Subject("models", f"{name}-new", f"{name}-old", trials)


@pytest.fixture
def source() -> EvenPods:
    return EvenPods(now=NOW)


@pytest.fixture
def news() -> list[Key]:
    return []


@pytest.fixture
def sampler(source, news) -> EvidenceTracker:
    return EvidenceTracker(
        source, MetricSettings(user_queries=True), on_news=news.append, clock=lambda: source.now
    )


async def polled(sampler: EvidenceTracker, source: EvenPods, times: int = 1) -> None:
    for _ in range(times):
        await sampler.poll()
        source.now += 1


async def test_nothing_is_asked_while_nothing_is_followed(sampler, source):
    await sampler.poll()
    sampler.follow(A, subject("a"))
    sampler.follow(A, None)
    await sampler.poll()
    assert source.queries == []


async def test_one_query_a_poll_however_many_are_followed(sampler, source):
    for number in range(50):
        sampler.follow(Key("models", str(number)), subject(str(number)))
    await polled(sampler, source, 10)
    assert len(source.queries) == 50 + 9, "each of its own past first"
    assert len(source.queries[-1].workloads) == 100


async def test_an_answer_that_is_too_long_is_asked_for_in_parts(sampler, source):
    for number in range(10):
        sampler.follow(Key("models", str(number)), subject(str(number)))
    source.most_workloads = 6
    await polled(sampler, source, 12)
    for number in range(10):
        evidence = sampler.evidence(Key("models", str(number)))
        assert evidence.errors == {}
        assert evidence.family.states["errors"].candidate == Count(100)


async def test_what_is_too_long_of_a_single_one_is_asked_for_in_shorter_times(sampler, source):
    sampler.follow(A, subject("a", NOW - 3000))
    source.longest_window = 300.0
    await polled(sampler, source, 30)
    assert sampler.evidence(A).errors == {}
    assert ERRORS in sampler.evidence(A).answered
    whole = EvidenceTracker(
        source, MetricSettings(), on_news=lambda _: None, clock=lambda: source.now - 1
    )
    source.longest_window = math.inf
    whole.follow(A, subject("a", NOW - 3000))
    for _ in range(6):
        await whole.poll()
    assert sampler.evidence(A).family == whole.evidence(A).family


async def test_of_one_that_is_behind_only_one_answer_is_waited_for_at_a_time(
    sampler, source, monkeypatch
):
    busy, most = 0, 0
    real = source.scrapes

    async def counted(query, *, until=None):
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0)
        busy -= 1
        return await real(query, until=until)

    monkeypatch.setattr(source, "scrapes", counted)
    sampler.follow(A, two_gates("a", NOW - 3000))
    await polled(sampler, source)
    assert most == 1
    await polled(sampler, source, 6)
    assert most == 2, "that of one that is up to date is not long"


def two_gates(name: str, started_at: float) -> Subject:
    """A rollout whose errors and latencies are read."""
    rules = {"errors": ErrorRate(), "slow": Latency(over=0.25)}
    trials = {gate: trial(started_at, rule) for gate, rule in rules.items()}
    return Subject("models", f"{name}-new", f"{name}-old", trials)


@pytest.mark.parametrize("fault", list(SourceFault))
async def test_a_channel_that_stays_unread_holds_up_nothing_else(sampler, source, fault):
    """After a restart: both are hours behind, and one channel of one of them never comes."""
    sampler.follow(A, two_gates("a", NOW - 9000))
    sampler.follow(B, subject("b", NOW - 5000))
    source.faults[LATENCY] = fault
    await polled(sampler, source, 30)
    assert ERRORS in sampler.evidence(B).answered
    assert sampler.evidence(B).errors == {}
    assert sampler.evidence(A).answered == {ERRORS}
    assert sampler.evidence(A).errors.keys() == {LATENCY}
    source.faults.clear()
    await polled(sampler, source, 30)
    assert sampler.evidence(A).errors == {}


async def test_channels_read_unequally_far_are_both_read_to_the_end(sampler, source):
    """One was too slow once, and is too long since."""
    sampler.follow(A, two_gates("a", NOW - 3000))
    source.faults[LATENCY] = SourceFault.DOWN
    await polled(sampler, source, 2)
    source.faults.clear()
    source.longest_window = 300.0
    await polled(sampler, source, 40)
    assert sampler.evidence(A).answered == {ERRORS, LATENCY}
    assert sampler.evidence(A).errors == {}


async def test_who_begins_is_asked_about_before_those_that_are_far_behind(sampler, source):
    for number in range(9):
        sampler.follow(Key("models", str(number)), subject(str(number), NOW - 20_000))
    await polled(sampler, source)
    asked = len(source.queries)
    sampler.follow(A, subject("a"))
    await polled(sampler, source)
    first = [{name for _, name in query.workloads} for query in source.queries[asked:]]
    assert {"a-new", "a-old"} in first[:PAST_ROLLOUTS_AT_A_TIME]


async def test_the_strange_series_of_one_blind_no_other(sampler, source):
    for number in range(9):
        sampler.follow(Key("models", str(number)), subject(str(number)))
    source.strange = "3-new"
    await polled(sampler, source, 12)
    without_baseline = {n for n in range(9) if sampler.evidence(Key("models", str(n))).errors}
    assert without_baseline == {3}
    assert sampler.evidence(Key("models", "4")).family.states["errors"].candidate == Count(100)


async def test_samples_count_for_their_own_subject_from_its_start_on(sampler, source):
    sampler.follow(A, subject("a", NOW))
    sampler.follow(B, subject("b", NOW - 10))
    await polled(sampler, source, 12)
    counts = [sampler.evidence(key).family.states["errors"].candidate for key in (A, B)]
    assert counts == [Count(100), Count(200)]


async def test_one_that_has_to_catch_up_is_asked_about_in_slices_beside_the_others(
    sampler, source, news
):
    sampler.follow(A, subject("a", NOW - 3000))
    sampler.follow(B, subject("b", NOW))
    await polled(sampler, source, 3)
    assert news.count(A) == 0, "nothing can be said before the present is reached"
    assert ERRORS not in sampler.evidence(A).answered
    await polled(sampler, source, 4)
    behind = [query for query in source.queries if ("models", "a-new") in query.workloads]
    assert max(query.window for query in behind) <= SLICE + 40
    ends = [query.at - NOW for query in behind]
    assert ends == [-2680, -1780, -880, 3, 4, 5, 6]
    assert sampler.evidence(A).family.states["errors"].candidate.requests > 5000
    assert ERRORS in sampler.evidence(A).answered
    assert A in news


async def test_catching_up_in_slices_and_in_one_go_is_the_same_evidence(source, monkeypatch):
    found = []
    for seconds in (SLICE, 10 * SLICE):
        monkeypatch.setattr(batches, "SLICE", seconds)
        sampler = EvidenceTracker(
            source, MetricSettings(), on_news=lambda _: None, clock=lambda: NOW
        )
        sampler.follow(A, subject("a", NOW - 3000))
        for _ in range(6):
            await sampler.poll()
        found.append(sampler.evidence(A).family)
    assert found[0] == found[1]


async def test_an_outage_ends_when_what_it_kept_back_was_read(sampler, source):
    """Else gates would take samples for old that are just not read yet."""
    sampler.follow(A, subject("a"))
    await polled(sampler, source, 10)
    source.fault = SourceFault.DOWN
    await polled(sampler, source, 2)
    source.now += 2000
    await polled(sampler, source)
    source.fault = None
    await polled(sampler, source)
    assert sampler.evidence(A).errors != {}
    await polled(sampler, source, 3)
    assert sampler.evidence(A).errors == {}


async def test_the_event_loop_goes_on_while_many_samples_are_folded(sampler, source, monkeypatch):
    """A fold that waits for the loop can only end where the loop goes on beside it."""
    loop, real = asyncio.get_running_loop(), ingest.take_in

    def slow(*read):
        went_on = threading.Event()
        loop.call_soon_threadsafe(went_on.set)
        assert went_on.wait(5), "the event loop stands still"
        return real(*read)

    monkeypatch.setattr(ingest, "take_in", slow)
    monkeypatch.setattr(ingest, "FEW", 0)
    sampler.follow(A, subject("a"))
    await polled(sampler, source, 8)
    assert sampler.evidence(A).family.states["errors"].candidate.requests


async def test_a_query_that_cannot_be_written_keeps_no_other_from_being_judged(sampler, source):
    rule = Query(promql='up{pod="{{ node }}"}', highest=1.0)
    scope = QueryScope(
        namespace="models",
        model="b",
        candidate=ArmNames("2", "b-new"),
        stable=ArmNames("1", "b-old"),
        interval=15.0,
    )
    sampler.follow(A, subject("a", NOW))
    sampler.follow(B, Subject("models", "b-new", "b-old", {"own": trial(rule=rule)}, scope))
    await polled(sampler, source, 12)
    assert sampler.evidence(A).family.states["errors"].candidate == Count(100)
    assert "is no variable" in str(sampler.evidence(B).query_errors["own"])


async def test_incremental_and_replayed_evidence_are_one(sampler, source, news):
    sampler.follow(A, subject("a"))
    await polled(sampler, source, 100)
    fresh = EvidenceTracker(
        source, MetricSettings(), on_news=news.append, clock=lambda: source.now - 1
    )
    fresh.follow(A, subject("a"))
    await fresh.poll()
    assert fresh.evidence(A).family.states == sampler.evidence(A).family.states


async def test_an_outage_is_told_once_and_so_is_its_end(sampler, source, news, caplog):
    sampler.follow(A, subject("a"))
    await polled(sampler, source)
    news.clear()
    with caplog.at_level(logging.INFO):
        source.fault = SourceFault.DOWN
        await polled(sampler, source, 20)
        assert news == [A]
        source.fault = None
        await polled(sampler, source, 1)
        assert news == [A, A]
        await polled(sampler, source, 3)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert sampler.evidence(A).errors == {}


async def test_another_fault_is_news(sampler, source, news):
    sampler.follow(A, subject("a"))
    source.fault = SourceFault.DOWN
    await polled(sampler, source, 2)
    source.fault = SourceFault.BAD_ANSWER
    await polled(sampler, source, 2)
    assert news == [A, A]


async def test_evidence_is_whole_after_an_outage(sampler, source):
    sampler.follow(A, subject("a"))
    await polled(sampler, source, 10)
    source.fault = SourceFault.DOWN
    await polled(sampler, source, 300)
    source.fault = None
    await polled(sampler, source, 2)
    assert sampler.evidence(A).family.states["errors"].candidate.requests == pytest.approx(
        3100, abs=100
    )


async def test_one_that_cannot_catch_up_makes_nobody_else_blind(sampler, source, news, caplog):
    source.longest_good_window = 700
    sampler.follow(A, subject("a", NOW - 3000))
    sampler.follow(B, subject("b", NOW))
    with caplog.at_level(logging.INFO):
        await polled(sampler, source, 20)
    assert sampler.evidence(A).errors != {}
    assert sampler.evidence(B).errors == {}
    assert news.count(A) == 1
    assert len(caplog.records) == 1


async def test_a_bug_met_by_one_keeps_nobody_else_unjudged(sampler, source, monkeypatch, caplog):
    sampler.follow(A, subject("a"))
    sampler.follow(B, subject("b"))
    real = ingest.take_in

    def broken(trials, family, scrapes, answers):
        if any(pod.startswith("a-") for seen in scrapes.values() for pod in seen.candidate):
            raise ZeroDivisionError
        return real(trials, family, scrapes, answers)

    monkeypatch.setattr(ingest, "take_in", broken)
    await polled(sampler, source, 8)
    assert sampler.evidence(A).family.states["errors"].candidate == Count()
    assert sampler.evidence(B).family.states["errors"].candidate.requests
    assert {record.fields["name"] for record in caplog.records} == {"a"}


async def test_news_is_a_new_sample_and_not_a_repeated_one(sampler, source, news):
    sampler.follow(A, subject("a"))
    await polled(sampler, source, 11)
    assert len(news) == 3


async def test_a_new_weight_keeps_the_evidence_and_another_start_drops_it(sampler, source):
    sampler.follow(A, subject("a"))
    await polled(sampler, source, 20)
    before = sampler.evidence(A).family.states
    wider = Trial(ErrorRate(), NOW, (ShareChange(NOW, 0.5), ShareChange(source.now, 0.6)))
    sampler.follow(A, Subject("models", "a-new", "a-old", {"errors": wider}))
    assert sampler.evidence(A).family.states == before
    assert sampler.evidence(A).trials == {"errors": wider}
    sampler.follow(A, subject("a", NOW + 1))
    assert sampler.evidence(A).family.states["errors"].candidate == Count()


async def test_before_the_canary_stable_alone_is_surveyed(sampler, source):
    sampler.follow(A, subject("a", math.inf))
    await polled(sampler, source)
    assert source.queries[0].window == pytest.approx(600)
    found = sampler.evidence(A)
    assert found.scraped == {"a-new-5d7f-abcde", "a-old-5d7f-abcde"}
    state = found.family.states["errors"]
    assert state.candidate == state.stable == Count()
    assert state.survey.total.requests == pytest.approx(5900, abs=150)


async def test_the_loop_sleeps_until_something_is_followed(source):
    told = asyncio.Event()
    sampler = EvidenceTracker(
        source, MetricSettings(), on_news=lambda _: told.set(), clock=lambda: source.now
    )
    running = asyncio.create_task(sampler.run())
    for _ in range(5):
        await asyncio.sleep(0)
    assert source.queries == []
    sampler.follow(A, subject("a"))
    async with asyncio.timeout(5):
        await told.wait()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
