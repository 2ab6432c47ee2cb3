"""Keeps the evidence of every rollout that is judged.

Nothing is asked while nothing is judged (P9). Evidence is a pure function of what Prometheus holds
and of the weight changes in the status, so losing it costs a few longer queries (P5). With direct
scrapes the pods are read too; Prometheus stays the record, from which evidence begins and to which
it falls back while pods cannot be reached.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import Final

from davylamp.adapters.errors import SourceError, SourceFault
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
from davylamp.controller.fairness.errands import Errands
from davylamp.controller.fairness.limits import DEFAULT_LIMITS, Limits
from davylamp.controller.settings import MetricSettings
from davylamp.gates.recording.store import Recording

__all__ = ["EvidenceTracker", "Subject", "TrackedEvidence"]

TICK: Final = 1.0
"""Seconds between polls; a scrape is judged at most this long after it can be asked for."""
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
        limits: how much of one namespace is read.
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
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._scrape_interval = settings.scrape_interval
        self._clock = clock
        self._tick = tick
        self._limits = limits
        self._tracked = tracked = TrackedRollouts(on_news, limit=limits.rollouts)
        self._wanted = asyncio.Event()
        self._direct = DirectScrape(
            pods,
            tracked,
            settings,
            largest=limits.scraped_pods,
            clock=clock,
            monotonic=monotonic,
        )
        self._counters = self._counter_reader(source, settings, monotonic)
        self._questions: Errands[Hashable] = Errands(USER_QUESTIONS_AT_A_TIME)
        self._queries = UserQueries(
            source,
            tracked,
            are_allowed=settings.user_queries,
            clock=clock,
            errands=self._questions,
            limit=limits.user_queries,
        )
        self._search = SuggestionSearch(
            source, tracked, settings, clock=clock, errands=self._questions
        )

    def _counter_reader(
        self, source: MetricSource, settings: MetricSettings, monotonic: Callable[[], float]
    ) -> CounterReader:
        return CounterReader(
            CounterQueries(source, settings),
            self._tracked,
            scrape_interval=settings.scrape_interval,
            tick=self._tick,
            clock=self._clock,
            monotonic=monotonic,
            is_read_directly=self._direct.covers,
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
        if known is None:
            return TrackedEvidence()
        return self._left_out(key, known) if key in self._tracked.left_out else known.evidence

    def recording(self, key: Key) -> Recording | None:
        """The raw samples from which the evidence was made."""
        known = self._tracked.get(key)
        return known.folded.recording if known else None

    def followed(self) -> int:
        """How many subjects are tracked."""
        return len(self._tracked)

    def left_out(self) -> Mapping[tuple[str, str], int]:
        """How much is not read because of a limit, by namespace and the limit's name in the chart."""
        counts = Counter((key.namespace, "rollouts") for key in self._tracked.left_out)
        counts.update((key.namespace, "userQueries") for key, _ in self._queries.left_out)
        counts.update((key.namespace, "scrapedPods") for key in self._direct.too_large)
        return counts

    async def run(self) -> None:
        """Poll while there is something to judge; never returns.

        Nothing is waited for here: a pod that hangs, a long query, or a user query that takes its
        time must not hold up the evidence that other rollbacks wait for.
        """
        try:
            while True:
                if not self._tracked:
                    self._counters.forget_outage()
                    self._wanted.clear()
                    await self._wanted.wait()
                for begin in (
                    self._direct.begin,
                    self._counters.begin_recent,
                    self._counters.begin_past,
                    self._queries.begin,
                    self._search.begin,
                ):
                    _begun(begin)
                await asyncio.sleep(self._tick)
        finally:
            await self._direct.end()
            await self._counters.end()
            await self._questions.end()

    async def poll(self) -> None:
        """Read everything once, and take in the answers."""
        self._direct.begin()
        await self._direct.settle()
        self._counters.begin_recent(is_paced=False)
        await self._counters.settle()
        self._counters.begin_past()
        await self._counters.settle()
        self._queries.begin()
        await self._questions.settle()
        self._search.begin()
        await self._questions.settle()

    def _left_out(self, key: Key, known: TrackedRollout) -> TrackedEvidence:
        """What is known about one that is not read: why."""
        error = SourceError(
            SourceFault.DOWN,
            f"{self._limits.rollouts} rollouts of namespace {key.namespace} are judged already, this "
            f"one begins when one of them has ended (chart value limits.rollouts)",
        )
        return replace(
            known.evidence,
            errors=dict.fromkeys(known.subject.channels, error),
            query_errors=dict.fromkeys(known.subject.queries, error),
        )


def _begun(begin: Callable[[], None]) -> None:
    """Begin a round of questions; a bug must not end judging for good."""
    try:
        begin()
    except Exception:  # noqa: BLE001
        _log.exception("judging failed; trying again")
