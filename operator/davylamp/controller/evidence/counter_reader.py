"""Keeps the rollouts up to date with what Prometheus knows of their pods' counters.

One query a tick and channel however many rollouts there are (more for those that begin or have to
catch up, and where an answer is bad). Rollouts whose pods are read directly are left out. A namespace
that is not answered well is read apart, and namespaces take turns, so that nobody's evidence waits for
a neighbour's.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from davylamp.adapters.errors import SourceError, SourceFault, TooLate
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.answers import LAG
from davylamp.controller.evidence.batches import TOGETHER, Batch, Batches, Part, overlap, plan
from davylamp.controller.evidence.counter_queries import Answers, CounterQueries
from davylamp.controller.evidence.ingest import CounterReading, isolated, take_in_counters
from davylamp.controller.evidence.tracked import TrackedRollout, TrackedRollouts
from davylamp.controller.fairness.errands import Errands
from davylamp.gates import Channel

_log = logging.getLogger(__name__)
PAST_ROLLOUTS_AT_A_TIME: Final = 3
"""Rollouts of one namespace that begin or are behind that are asked about at a time, twice as many of
all: their answers are long."""
APART_AT_A_TIME: Final = 2
"""Namespaces that are read apart are read by fours: twice as many as this."""
APART_FOR: Final = 60.0
"""Seconds for which a namespace is read apart after an answer about it that was bad or too late."""
ROLLOUTS_PER_SECOND: Final = 60
"""How many are read and judged in a second at most: with more of them each has its turn less often,
down to once in a scrape interval, so that what judging costs has a bound."""


class CounterReader:
    """Asks about counters, and has the answers folded.

    Args:
        queries: how Prometheus is asked.
        tracked: the rollouts.
        scrape_interval: seconds between Prometheus' scrapes.
        tick: seconds between two readings at least.
        clock: epoch seconds.
        monotonic: seconds that only go forward.
        is_read_directly: whether a rollout's pods are read, so that Prometheus need not be asked.
    """

    def __init__(  # noqa: PLR0913  (two clocks, and what it works with)
        self,
        queries: CounterQueries,
        tracked: TrackedRollouts,
        *,
        scrape_interval: float,
        clock: Callable[[], float],
        tick: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
        is_read_directly: Callable[[Key], bool] = lambda _key: False,
    ) -> None:
        self._queries = queries
        self._tracked = tracked
        self._scrape_interval = scrape_interval
        self._tick = tick
        self._clock = clock
        self._monotonic = monotonic
        self._is_read_directly = is_read_directly
        self._is_down = False
        self._together: Errands[str] = Errands(1)
        self._apart: Errands[str] = Errands(APART_AT_A_TIME)
        self._past: Errands[Key] = Errands(PAST_ROLLOUTS_AT_A_TIME)
        self._apart_until: dict[str, float] = {}
        """Namespaces that are read apart, by the monotonic clock; for ever until one was answered."""
        self._due: dict[str, float] = {}
        """When a namespace that is read apart, or all others together, are read next."""

    def begin_recent(self, *, is_paced: bool = True) -> None:
        """Have those read that are up to date.

        Args:
            is_paced: each as often as what judging costs allows.
        """
        batches = self._plan().recent
        now = self._monotonic()
        present = {key.namespace for key, _ in self._tracked}
        self._apart_until = {
            namespace: until
            for namespace, until in self._apart_until.items()
            if namespace in present or now < until < math.inf
        }
        self._due = {name: due for name, due in self._due.items() if name in batches}
        for name, batch in batches.items():
            errands = self._together if name == TOGETHER else self._apart
            is_due = not is_paced or self._due.get(name, -math.inf) <= now
            if is_due and name not in errands:
                self._due[name] = now + self._pace(batch, batches)
                errands.start(name, name, partial(self._read, name))

    def begin_past(self) -> None:
        """Have every rollout read that begins or is behind; those never asked about come first."""
        past = self._plan().past
        new = {key for key, tracked in self._tracked if not tracked.is_asked_about}
        for key in sorted(past, key=lambda key: key not in new):
            read = partial(self._read_past, key)
            self._past.start(key.namespace, key, read, is_first=key in new)

    async def settle(self) -> None:
        """Wait until all that was begun is read."""
        for errands in (self._together, self._apart, self._past):
            await errands.settle()

    async def end(self) -> None:
        """Read nothing any more."""
        for errands in (self._together, self._apart, self._past):
            await errands.end()

    def forget_outage(self) -> None:
        """Forget that Prometheus was down: nothing is tracked any more that could suffer from it."""
        self._is_down = False

    def _plan(self) -> Batches:
        rest = ((key, t) for key, t in self._tracked if not self._is_read_directly(key))
        return plan(rest, self._clock(), self._scrape_interval, apart=self._apart_until)

    def _pace(self, batch: Batch, batches: Mapping[str, Batch]) -> float:
        """Seconds until a batch is read again: all have an equal part of what is read in a second."""
        shared = len(batch.parts) * len(batches) / ROLLOUTS_PER_SECOND
        due_in = max(self._tick, min(shared, self._scrape_interval))
        return due_in - self._tick / 2  # ticks are never quite regular

    async def _read(self, name: str) -> None:
        """Ask about those who are read together, or about one namespace."""
        batch = self._plan().recent.get(name)
        if batch is None:
            return
        answers = await self._queries.together(batch)
        is_asked_again = self._note_apart(batch, answers)
        for part in batch.parts:
            late = _late(answers[part.key]) if is_asked_again else frozenset()
            rest = replace(part, channels=part.channels - late)
            with isolated(part.key):
                await self._take_in(rest, answers[part.key], batch)
            await asyncio.sleep(0)  # many are folded, and others need the event loop too
        self._note_outage()

    def _note_apart(self, batch: Batch, answers: Mapping[Key, Answers]) -> bool:
        """Remember whom answers were bad about, or too late; the others are read together again.

        When an answer about several namespaces comes too late, that may be for one of them only. So
        each is asked about for itself at once; whether that is so.
        """
        now, several = self._monotonic(), len(batch.namespaces) > 1
        late = {part.key.namespace for part in batch.parts if _late(answers[part.key])}
        bad = {part.key.namespace for part in batch.parts if _is_bad(answers[part.key])}
        for namespace in batch.namespaces:
            if namespace in bad or (namespace in late and not several):
                self._apart_until[namespace] = now + APART_FOR
            elif namespace in late:
                self._apart_until[namespace] = math.inf
            elif not now < self._apart_until.get(namespace, now) < math.inf:
                self._apart_until.pop(namespace, None)
        if several and (late or bad):
            self.begin_recent()
        return several and bool(late)

    async def _read_past(self, key: Key) -> None:
        """Ask about what a rollout has not read yet, a slice of each channel."""
        tracked = self._tracked.get(key)
        if tracked is None:
            return
        tracked.is_asked_about = True
        for batch in self._plan_of(key, tracked):
            with isolated(key):
                asked, answers = await self._queries.alone(batch)
                await self._take_in(batch.parts[0], answers, asked)
        self._note_outage()

    def _plan_of(self, key: Key, tracked: TrackedRollout) -> tuple[Batch, ...]:
        planned = plan([(key, tracked)], self._clock(), self._scrape_interval)
        return planned.past.get(key, ())

    async def _take_in(self, part: Part, answers: Answers, batch: Batch) -> None:
        """Take in one rollout's samples."""
        if not self._tracked.is_current(part.key, part.tracked):
            return
        reading = CounterReading(
            scraped={
                channel: answer
                for channel in part.channels
                if not isinstance(answer := answers[channel], SourceError)
            },
            until=batch.at - LAG,
            read_until=batch.at - overlap(self._scrape_interval),
            is_present=batch.is_present,
            errors=self._errors(part, answers),
            recovered=self._recovered(part, answers, batch),
        )
        if await take_in_counters(part.tracked, reading):
            self._tracked.report_news(part.key, part.tracked)

    def _errors(self, part: Part, answers: Answers) -> dict[Channel, SourceError]:
        """Why channels cannot be read; no errors where the pods are read directly meanwhile."""
        if self._is_read_directly(part.key):
            return {}
        return {
            channel: answer
            for channel in part.channels
            if isinstance(answer := answers[channel], SourceError)
        }

    def _recovered(self, part: Part, answers: Answers, batch: Batch) -> frozenset[Channel]:
        """Channels whose outage is over: what it kept back was read up to now."""
        if not batch.is_present:
            return frozenset()
        return part.channels - self._errors(part, answers).keys()

    def _note_outage(self) -> None:
        """Log the beginning of an outage and its end."""
        errors = (error for _, t in self._tracked for error in t.counters.errors.values())
        error = next(errors, None)
        if error and not self._is_down:
            _log.warning("cannot judge: %s", error)
        if self._is_down and not error:
            _log.info("judging again: Prometheus answers")
        self._is_down = error is not None


def _late(answers: Answers) -> frozenset[Channel]:
    """The channels about which no answer came in time."""
    return frozenset(c for c, answer in answers.items() if isinstance(answer, TooLate))


def _is_bad(answers: Answers) -> bool:
    errors = (answer for answer in answers.values() if isinstance(answer, SourceError))
    return any(error.fault is SourceFault.BAD_ANSWER for error in errors)
