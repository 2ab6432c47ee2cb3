"""Keeps the evidence of every rollout that is judged.

Nothing is asked while nothing is judged (P9). Evidence is a pure function of what Prometheus holds
and of the weight changes in the status, so losing it costs a few longer queries (P5). With direct
scrapes the pods are read too; Prometheus stays the record, from which evidence begins and to which
it falls back while pods cannot be reached.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from davylamp.adapters.pods.metrics import PodMetrics
from davylamp.adapters.prometheus.source import MetricSource
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.answers import USER_QUESTIONS_AT_A_TIME
from davylamp.controller.evidence.counter_queries import CounterQueries
from davylamp.controller.evidence.counter_reader import CounterReader
from davylamp.controller.evidence.direct_scrape import DirectScrape
from davylamp.controller.evidence.subjects import Subject
from davylamp.controller.evidence.suggestions import SuggestionSearch
from davylamp.controller.evidence.tracked import (
    TrackedEvidence,
    TrackedRollout,
    TrackedRollouts,
)
from davylamp.controller.evidence.user_queries import UserQueries
from davylamp.controller.settings import MetricSettings
from davylamp.gates.recording.store import Recording

__all__ = ["EvidenceTracker", "Subject", "TrackedEvidence"]

TICK: Final = 1.0
"""Seconds between polls; a scrape is judged at most this long after it can be asked for."""
ROLLOUTS_PER_SECOND: Final = 60
"""How many are read and judged in a second at most: with more of them each has its turn less often,
down to once in a scrape interval, so that what judging costs has a bound."""
PAUSE: Final = 0.05
"""Seconds that a loop pauses at least, however long its turn took."""
Read: TypeAlias = Callable[[], Awaitable[None]]
_log = logging.getLogger(__name__)


class EvidenceTracker:
    """Keeps the evidence of every subject that is tracked.

    Args:
        source: where the samples come from.
        settings: which series to ask for.
        on_news: called with each key about which something new was learnt.
        clock: epoch seconds.
        monotonic: seconds that only go forward.
        pods: reads pods directly; None where that is not allowed.
        tick: seconds between polls.
    """

    def __init__(  # noqa: PLR0913  (what it reads from, and clocks that tests set)
        self,
        source: MetricSource,
        settings: MetricSettings,
        *,
        on_news: Callable[[Key], None],
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        pods: PodMetrics | None = None,
        tick: float = TICK,
    ) -> None:
        self._scrape_interval = settings.scrape_interval
        self._clock = clock
        self._tick = tick
        self._tracked = TrackedRollouts(on_news)
        self._wanted = asyncio.Event()
        direct = DirectScrape(pods, self._tracked, settings, clock=clock, monotonic=monotonic)
        self._counters = CounterReader(
            CounterQueries(source, settings),
            self._tracked,
            scrape_interval=settings.scrape_interval,
            clock=clock,
            monotonic=monotonic,
            is_read_directly=direct.covers,
        )
        slots = asyncio.Semaphore(USER_QUESTIONS_AT_A_TIME)
        queries = UserQueries(
            source, self._tracked, are_allowed=settings.user_queries, clock=clock, slots=slots
        )
        search = SuggestionSearch(source, self._tracked, settings, clock=clock, slots=slots)
        self._reads: tuple[Read, ...] = (
            direct.sweep,
            self._counters.read_recent,
            self._counters.read_past,
            queries.ask,
            search.search,
        )

    def follow(self, key: Key, subject: Subject | None) -> None:
        """Judge a subject from now on; None stops it."""
        known = self._tracked.get(key)
        if subject is None:
            self._tracked.remove(key)
        elif known and known.subject.same_trials(subject):
            known.subject = subject
        else:
            since = subject.beginning(self._clock(), self._scrape_interval)
            errors = known.counters.errors if known else {}
            self._tracked.put(key, TrackedRollout.begin(subject, since, errors))
            self._wanted.set()

    def evidence(self, key: Key) -> TrackedEvidence:
        """What is known about a key's subject."""
        known = self._tracked.get(key)
        return known.evidence if known else TrackedEvidence()

    def recording(self, key: Key) -> Recording | None:
        """The raw samples from which the evidence was made."""
        known = self._tracked.get(key)
        return known.folded.recording if known else None

    def followed(self) -> int:
        """How many subjects are tracked."""
        return len(self._tracked)

    async def run(self) -> None:
        """Poll while there is something to judge; never returns.

        Each source of delay has a loop of its own: a pod that hangs, a long query, or a user query
        that takes its time must not hold up the evidence that other rollbacks wait for.
        """
        async with asyncio.TaskGroup() as tasks:
            for read in self._reads:
                is_paced = read == self._counters.read_recent
                tasks.create_task(self._repeat(read, is_paced=is_paced))

    async def poll(self) -> None:
        """Read everything once, and take in the answers."""
        for read in self._reads:
            await read()

    def pace(self) -> float:
        """Seconds between two readings of the counters of all that is tracked."""
        shared = len(self._tracked) / ROLLOUTS_PER_SECOND
        return max(self._tick, min(shared, self._scrape_interval))

    async def _repeat(self, read: Read, *, is_paced: bool) -> None:
        """Read each tick as long as anything is tracked."""
        while True:
            if not self._tracked:
                self._counters.forget_outage()
                self._wanted.clear()
                await self._wanted.wait()
            began = time.monotonic()
            try:
                await read()
            except Exception:  # noqa: BLE001 - a bug must not end judging for good
                _log.exception("judging failed; trying again")
            tick = self.pace() if is_paced else self._tick
            await asyncio.sleep(max(min(PAUSE, tick), tick - (time.monotonic() - began)))
