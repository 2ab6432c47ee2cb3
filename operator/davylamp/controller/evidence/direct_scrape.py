"""Direct scrapes: where a rollout wants it the operator reads its pods, all of them in one sweep."""

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from davylamp.adapters.pods.metrics import PodMetrics, Sweep
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.batches import overlap
from davylamp.controller.evidence.ingest import (
    CounterReading,
    by_deployment,
    isolated,
    take_in_counters,
)
from davylamp.controller.evidence.read_budget import ReadBudget, Wish
from davylamp.controller.evidence.subjects import Subject
from davylamp.controller.evidence.tracked import TrackedRollout, TrackedRollouts
from davylamp.controller.fairness.errands import Errands
from davylamp.controller.logs import about
from davylamp.controller.settings import MetricSettings

DEFAULT_INTERVAL: Final = 1.0
LIMIT: Final = "chart value limits.scrapedPods"
SWEEPS_AT_A_TIME: Final = 50
"""Sweeps of one namespace at the same time, twice as many of all: the budget is what bounds them."""
_log = logging.getLogger(__name__)


class DirectScrape:
    """Sweeps as often as rollouts want it and the budget allows.

    Args:
        pods: how pods are read; None where that is not allowed.
        tracked: the rollouts.
        settings: the budget, and how often Prometheus would know something new.
        largest: pods of one rollout that are read directly at most.
        clock: epoch seconds.
        monotonic: seconds that only go forward.
    """

    def __init__(  # noqa: PLR0913  (two clocks, and what it works with)
        self,
        pods: PodMetrics | None,
        tracked: TrackedRollouts,
        settings: MetricSettings,
        *,
        largest: int,
        clock: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pods = pods
        self._tracked = tracked
        self._budget = ReadBudget(settings.pod_metrics_per_second)
        self._largest = largest
        self._scrape_interval = settings.scrape_interval
        self._clock = clock
        self._monotonic = monotonic
        self._unreadable: dict[Key, str] = {}
        """What was logged last about pods that could not be read."""
        self._covered: frozenset[Key] = frozenset()
        self.too_large: frozenset[Key] = frozenset()
        """Rollouts with too many pods to be read directly."""
        self._errands: Errands[Key] = Errands(SWEEPS_AT_A_TIME)

    def covers(self, key: Key) -> bool:
        """Whether a rollout needs no other source at the moment."""
        return key in self._covered

    def begin(self) -> None:
        """Have the pods read of those whose turn it is; each sweep is taken in as it ends.

        Those whose turn it is not yet count as covered: they wait for it instead of for Prometheus,
        unless the budget lets them wait longer than Prometheus would.
        """
        if self._pods is None:
            return
        wanted = {key: t for key, t in self._tracked if _is_direct(t)}
        self.too_large = frozenset(k for k, t in wanted.items() if self._is_too_large(k, t))
        direct = {key: t for key, t in wanted.items() if key not in self.too_large}
        due = self._budget.plan(
            self._monotonic(), {key: _wish(tracked.subject) for key, tracked in direct.items()}
        )
        waiting = {k for k in direct.keys() - set(due) if not self._is_late(direct[k])}
        self._covered = frozenset(waiting | (self._covered & set(due)))
        self._unreadable = {key: why for key, why in self._unreadable.items() if key in wanted}
        for key in due:
            turn = partial(self._turn, self._pods, key, direct[key])
            self._errands.start(key.namespace, key, turn)

    async def settle(self) -> None:
        """Wait until all that was begun is read."""
        await self._errands.settle()

    async def end(self) -> None:
        """Read nothing any more."""
        await self._errands.end()

    async def _turn(self, pods: PodMetrics, key: Key, tracked: TrackedRollout) -> None:
        """One rollout's sweep; its pods cover it once that was taken in."""
        is_taken_in = False
        with isolated(key):
            sweep = await pods.sweep(tracked.subject.pods, tracked.subject.channels)
            missing = _missing(tracked.subject, sweep)
            self._log_change(key, missing)
            if missing is None:
                await self._take_in(key, tracked, sweep)
                is_taken_in = True
        self._covered = self._covered | {key} if is_taken_in else self._covered - {key}

    async def _take_in(self, key: Key, tracked: TrackedRollout, sweep: Sweep) -> None:
        """Take in a whole sweep: no channel of the rollout is left unread."""
        if not self._tracked.is_current(key, tracked):
            return
        channels = tracked.subject.channels
        reading = CounterReading(
            scraped={channel: by_deployment(sweep.samples[channel]) for channel in channels},
            until=sweep.at,
            read_until=sweep.at - overlap(self._scrape_interval),
            is_sweep=True,
            recovered=tracked.counters.errors.keys() | channels,
        )
        if await take_in_counters(tracked, reading):
            self._tracked.report_news(key, tracked)

    def _log_change(self, key: Key, missing: str | None) -> None:
        """Log what cannot be read, once as long as it stays the same, and its end."""
        known, log = self._unreadable.get(key), about(_log, namespace=key.namespace, name=key.name)
        if missing and missing != known:
            log.warning("%s; Prometheus instead", missing)
            self._unreadable[key] = missing
        elif known and not missing:
            log.info("pods are read directly again")
            del self._unreadable[key]

    def _is_too_large(self, key: Key, tracked: TrackedRollout) -> bool:
        """Whether it has more pods than may be read at once: they are connections that others need."""
        pods, most = len(tracked.subject.pods), self._largest
        if pods > most:
            self._log_change(key, f"{pods} pods, at most {most} are read directly ({LIMIT})")
        return pods > most

    def _is_late(self, tracked: TrackedRollout) -> bool:
        """Whether its last sweep is longer ago than a scrape of Prometheus would be."""
        every = tracked.subject.sweep_every or DEFAULT_INTERVAL
        patience = max(self._scrape_interval, 2 * every)
        return self._clock() - tracked.folded.swept_at > patience


def _is_direct(tracked: TrackedRollout) -> bool:
    """Whether pods are read: once Prometheus gave the history, or while it cannot be asked."""
    subject, counters = tracked.subject, tracked.counters
    is_known = subject.channels <= counters.answered or bool(counters.errors)
    return bool(subject.sweep_every and subject.pods and subject.channels) and is_known


def _wish(subject: Subject) -> Wish:
    return Wish(len(subject.pods), subject.sweep_every or DEFAULT_INTERVAL)


def _missing(subject: Subject, sweep: Sweep) -> str | None:
    """Which pod does not serve all that is read of it, and why; None where all do."""
    for pod in subject.pods:
        if pod.key in sweep.failed:
            return f"pod {pod.name}: {sweep.failed[pod.key]}"
        silent = [c.name for c in subject.channels if pod.key not in sweep.samples[c]]
        if silent:
            return f"pod {pod.name}: has nothing about {', '.join(sorted(silent))}"
    return None
