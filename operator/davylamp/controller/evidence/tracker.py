"""Reads what pods counted about all rollouts at once, and has it folded into evidence.

One query a tick and channel however many rollouts there are (more for those that begin or have to
catch up, and where an answer is bad), and none at all while nothing is judged (P9). Evidence is a
pure function of what Prometheus holds and of the weight changes in the status, so losing it costs a
few longer queries (P5). In the fast lane the pods are read directly; Prometheus stays the record,
from which evidence begins and to which it falls back while pods cannot be reached.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from davylamp.adapters.errors import SourceError, SourceFault, TooMuch
from davylamp.adapters.pods.metrics import TIMEOUT as SWEEP_TIMEOUT
from davylamp.adapters.pods.metrics import PodMetrics, Sweep
from davylamp.adapters.prometheus.source import MetricSource
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.batches import (
    Batch,
    Batches,
    Part,
    halves,
    overlap,
    plan,
    shorter,
)
from davylamp.controller.evidence.counter_queries import LAG, CounterQueries
from davylamp.controller.evidence.direct_scrape import FastLane
from davylamp.controller.evidence.ingest import Read, alone, fold_scrapes
from davylamp.controller.evidence.tracked import (
    Evidence,
    Scraped,
    Subject,
    TrackedRollout,
    by_workload,
)
from davylamp.controller.evidence.user_queries import Questions
from davylamp.controller.settings import MetricSettings
from davylamp.gates import Channel
from davylamp.gates.recording.store import Recording

__all__ = ["Evidence", "EvidenceTracker", "Subject"]

Answers: TypeAlias = Mapping[Channel, Scraped | SourceError]
"""What Prometheus told about a batch, or why it did not."""
_log = logging.getLogger(__name__)
TICK: Final = 1.0
"""Seconds between polls; a scrape is judged at most this long after it can be seen."""
AT_ONCE: Final = 3
"""Rollouts that begin or are behind that are asked about at a time: their answers are long."""


class EvidenceTracker:
    """Keeps the evidence of every subject that is followed.

    Args:
        source: where the samples come from.
        settings: which series to ask for.
        on_news: told of each key about which something new was seen.
        clock: epoch seconds.
        pods: reads pods directly; None where that is not allowed.
    """

    def __init__(
        self,
        source: MetricSource,
        settings: MetricSettings,
        *,
        on_news: Callable[[Key], None],
        clock: Callable[[], float] = time.time,
        pods: PodMetrics | None = None,
    ) -> None:
        self._asker = CounterQueries(source, settings)
        self._settings = settings
        self._on_news = on_news
        self._clock = clock
        self._fast_lane = FastLane(pods, settings, clock) if pods else None
        self._followed: dict[Key, TrackedRollout] = {}
        self._questions = Questions(self._asker, self._followed, on_news=on_news, clock=clock)
        self._is_down = False
        self._wanted = asyncio.Event()

    def follow(self, key: Key, subject: Subject | None) -> None:
        """Judge a subject from now on; None stops it."""
        known = self._followed.get(key)
        if subject is None:
            self._followed.pop(key, None)
        elif known and known.subject.same_trials(subject):
            known.subject = subject
        else:
            since = subject.beginning(self._clock(), self._settings.scrape_interval)
            fresh = TrackedRollout.begin(subject, since)
            if known:
                fresh.errors = known.errors
            self._followed[key] = fresh
            self._wanted.set()

    def evidence(self, key: Key) -> Evidence:
        """What is known about a key's subject."""
        known = self._followed.get(key)
        return known.evidence if known else Evidence()

    def recording(self, key: Key) -> Recording | None:
        """The raw samples from which the evidence was made."""
        known = self._followed.get(key)
        return known.recording if known else None

    async def run(self) -> None:
        """Poll while there is something to judge; never returns.

        Each source of delay has a loop of its own: a pod that hangs, a long query, or a user's own
        that takes its time must not hold up what everybody's rollback waits for.
        """
        async with asyncio.TaskGroup() as tasks:
            for turn in self._turns:
                tasks.create_task(self._repeat(turn))

    async def poll(self) -> None:
        """Read everything once, and take in the answers."""
        for turn in self._turns:
            await turn()

    @property
    def _turns(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        own, around = self._questions.ask_own, self._questions.look_around
        return self._sweep, self._ask_recent, self._ask_past, own, around

    async def _repeat(self, read: Callable[[], Awaitable[None]]) -> None:
        """Read each tick as long as anything is followed."""
        while True:
            if not self._followed:
                self._is_down = False
                self._wanted.clear()
                await self._wanted.wait()
            began = time.monotonic()
            try:
                await read()
            except Exception:  # noqa: BLE001 - a bug must not end judging for good
                _log.exception("judging failed; trying again")
            await asyncio.sleep(max(0.05, TICK - (time.monotonic() - began)))

    # --- Prometheus ---------------------------------------------------------------------------

    async def _ask_recent(self) -> None:
        """Ask about those that are up to date."""
        batch = self._plan().recent
        if batch:
            await self._ask_about(batch)
            self._note_outage()

    async def _ask_past(self) -> None:
        """Ask about each that begins or is behind; one that has come meanwhile is next."""
        began = time.monotonic()
        while wave := self._wave(began):
            await asyncio.gather(*(self._ask_alone(batch) for batch in wave))
            self._note_outage()

    def _wave(self, began: float) -> list[Batch]:
        """A few that were not asked about since this turn began, those never asked about first."""
        waiting = (batch for batch in self._plan().past if batch.tried < began)
        wave = sorted(waiting, key=lambda batch: batch.tried)[:AT_ONCE]
        for batch in wave:
            for part in batch.parts:
                part.followed.tried.update(dict.fromkeys(part.channels, time.monotonic()))
        return wave

    def _plan(self) -> Batches:
        """Who is asked about: everybody but those whose pods are read."""
        rest = {key: f for key, f in self._followed.items() if not self._is_told_by_pods(key)}
        return plan(rest, self._clock(), self._settings.scrape_interval)

    async def _ask_alone(self, batch: Batch) -> None:
        """Ask about a single one; of what is too long, about less time."""
        (part,) = batch.parts
        every = self._settings.scrape_interval
        with alone(part.key):
            answers = await self._asker.counters(batch)
            while _any_too_much(answers) and (less := shorter(batch, every)):
                batch, answers = less, await self._asker.counters(less)
            await self._judge(part, answers, batch)

    async def _ask_about(self, batch: Batch) -> None:
        found = await self._answers(batch)
        for part in batch.parts:
            with alone(part.key):
                await self._judge(part, found[part.key], batch)

    async def _answers(self, batch: Batch) -> Mapping[Key, Answers]:
        """The answers about each; a channel's that is bad comes from questions about half of them.

        What is too long gets shorter so, and one rollout's strange series blind no other.
        """
        answers = await self._asker.counters(batch)
        bad = [channel for channel, answer in answers.items() if _is_bad(answer)]
        found = {p.key: {c: answers[c] for c in p.channels} for p in batch.parts}
        for half in halves(batch, bad):
            for key, instead in (await self._answers(half)).items():
                found[key] |= instead
        return found

    async def _judge(self, part: Part, answers: Answers, batch: Batch) -> None:
        """Take in one subject's samples; news is what was seen once nothing older is unread."""
        if self._followed.get(part.key) is not part.followed:
            return
        followed, before = part.followed, part.followed.faults
        self._note_errors(part, answers, batch)
        scraped = {
            channel: found
            for channel in part.channels
            if not isinstance(found := answers[channel], SourceError)
        }
        news = await fold_scrapes(followed, lambda: _unread(followed, scraped, batch.at - LAG))
        for channel in scraped:
            followed.was_read(channel, batch.at - overlap(self._settings.scrape_interval))
        if batch.is_present:
            followed.answered |= scraped.keys()
        is_news = (news and batch.is_present) or before != followed.faults
        if is_news and self._followed.get(part.key) is followed:
            self._on_news(part.key)

    def _note_errors(self, part: Part, answers: Answers, batch: Batch) -> None:
        """Note why channels cannot be read; an outage ends when what it kept back was read."""
        errors = part.followed.errors
        for channel in part.channels:
            answer = answers[channel]
            if isinstance(answer, SourceError) and not self._is_told_by_pods(part.key):
                errors[channel] = answer
            elif batch.is_present:
                errors.pop(channel, None)

    def _note_outage(self) -> None:
        """Log the beginning of an outage and its end."""
        errors = (error for each in self._followed.values() for error in each.errors.values())
        error = next(errors, None)
        if error and not self._is_down:
            _log.warning("cannot judge: %s", error)
        if self._is_down and not error:
            _log.info("judging again: Prometheus answers")
        self._is_down = error is not None

    # --- the fast lane ------------------------------------------------------------------------

    async def _sweep(self) -> None:
        """Take in what the pods of those in the fast lane tell."""
        if self._fast_lane is not None:
            await self._fast_lane.sweep(self._followed, self._take_sweep)

    async def _take_sweep(self, key: Key, followed: TrackedRollout, sweep: Sweep) -> None:
        """Take in one subject's sweep."""
        if self._followed.get(key) is not followed:
            return
        news = await fold_scrapes(followed, lambda: _swept(followed, sweep))
        followed.errors.clear()
        followed.answered |= followed.subject.channels
        for channel in followed.subject.channels:
            followed.was_read(channel, sweep.at - overlap(self._settings.scrape_interval))
        if news and self._followed.get(key) is followed:
            self._on_news(key)

    def _is_told_by_pods(self, key: Key) -> bool:
        """Whether its pods are read at the moment, so that Prometheus need not be asked."""
        return self._fast_lane is not None and key in self._fast_lane.told


def _any_too_much(answers: Answers) -> bool:
    return any(isinstance(answer, TooMuch) for answer in answers.values())


def _is_bad(answer: Scraped | SourceError) -> bool:
    return isinstance(answer, SourceError) and answer.fault is SourceFault.BAD_ANSWER


def _unread(followed: TrackedRollout, scraped: Mapping[Channel, Scraped], until: float) -> Read:
    """What Prometheus told and no sweep did.

    A pod is read up to `SWEEP_TIMEOUT` after the time of its sweep: an earlier scrape may know
    less, and counters that fall would count as a restart.
    """
    after = followed.swept_at + SWEEP_TIMEOUT
    return {c: followed.scrapes(found, until, after=after) for c, found in scraped.items()}


def _swept(followed: TrackedRollout, sweep: Sweep) -> Read:
    """What a sweep told; Prometheus counts from its end on."""
    followed.swept_at = sweep.at
    return {
        channel: followed.scrapes(by_workload(sweep.samples[channel]), sweep.at)
        for channel in followed.subject.channels
    }
