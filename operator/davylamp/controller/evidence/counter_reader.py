"""Keeps the rollouts up to date with what Prometheus knows of their pods' counters.

One query a tick and channel however many rollouts there are (more for those that begin or have to
catch up, and where an answer is bad). Rollouts whose pods are read directly are left out.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from davylamp.adapters.errors import SourceError
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.answers import LAG
from davylamp.controller.evidence.batches import Batch, Batches, Part, overlap, plan
from davylamp.controller.evidence.counter_queries import Answers, CounterQueries
from davylamp.controller.evidence.ingest import CounterReading, isolated, take_in_counters
from davylamp.controller.evidence.tracked import TrackedRollouts
from davylamp.gates import Channel

_log = logging.getLogger(__name__)
PAST_ROLLOUTS_AT_A_TIME: Final = 3
"""Rollouts that begin or are behind that are asked about at a time: their answers are long."""


class CounterReader:
    """Asks about counters, and has the answers folded.

    Args:
        queries: how Prometheus is asked.
        tracked: the rollouts.
        scrape_interval: seconds between Prometheus' scrapes.
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
        monotonic: Callable[[], float] = time.monotonic,
        is_read_directly: Callable[[Key], bool] = lambda _key: False,
    ) -> None:
        self._queries = queries
        self._tracked = tracked
        self._scrape_interval = scrape_interval
        self._clock = clock
        self._monotonic = monotonic
        self._is_read_directly = is_read_directly
        self._is_down = False

    async def read_recent(self) -> None:
        """Ask about those that are up to date."""
        batch = self._plan().recent
        if batch is None:
            return
        answers = await self._queries.together(batch)
        for part in batch.parts:
            with isolated(part.key):
                await self._take_in(part, answers[part.key], batch)
        self._note_outage()

    async def read_past(self) -> None:
        """Ask about every rollout that begins or is behind; one that was added meanwhile is next."""
        began = self._monotonic()
        while wave := self._wave(began):
            await asyncio.gather(*(self._read_alone(batch) for batch in wave))
            self._note_outage()

    def forget_outage(self) -> None:
        """Forget that Prometheus was down: nothing is tracked any more that could suffer from it."""
        self._is_down = False

    def _plan(self) -> Batches:
        rest = ((key, t) for key, t in self._tracked if not self._is_read_directly(key))
        return plan(rest, self._clock(), self._scrape_interval)

    def _wave(self, began: float) -> list[Batch]:
        """A few that were not asked about since this turn began, those never asked about first."""
        waiting = (batch for batch in self._plan().past if batch.tried < began)
        wave = sorted(waiting, key=lambda batch: batch.tried)[:PAST_ROLLOUTS_AT_A_TIME]
        for part in (part for batch in wave for part in batch.parts):
            now = dict.fromkeys(part.channels, self._monotonic())
            part.tracked.tried = {**part.tracked.tried, **now}
        return wave

    async def _read_alone(self, batch: Batch) -> None:
        (part,) = batch.parts
        with isolated(part.key):
            asked, answers = await self._queries.alone(batch)
            await self._take_in(part, answers, asked)

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
