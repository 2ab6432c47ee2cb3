"""The fast lane: the pods of rollouts that wish so are read directly, each rollout's in one sweep."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from davylamp.adapters.pods.metrics import PodMetrics, Sweep
from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.ingest import alone
from davylamp.controller.evidence.read_budget import Budget, Wanted
from davylamp.controller.evidence.tracked import TrackedRollout
from davylamp.controller.logs import about
from davylamp.controller.settings import MetricSettings

DEFAULT_INTERVAL: Final = 1.0
Take: TypeAlias = Callable[[Key, TrackedRollout, Sweep], Awaitable[None]]
"""Takes in a whole sweep of one rollout."""
_log = logging.getLogger(__name__)


class FastLane:
    """Sweeps as often as rollouts wish and the budget allows.

    Args:
        pods: how pods are read.
        settings: the budget, and how often Prometheus would know something new.
        clock: epoch seconds.
    """

    def __init__(
        self, pods: PodMetrics, settings: MetricSettings, clock: Callable[[], float]
    ) -> None:
        self._pods = pods
        self._budget = Budget(settings.pod_metrics_per_second)
        self._scrape_interval = settings.scrape_interval
        self._clock = clock
        self._unread: dict[Key, str] = {}
        """What was told last about pods that could not be read."""
        self.told: set[Key] = set()
        """Who needs no other source at the moment."""

    async def sweep(self, followed: Mapping[Key, TrackedRollout], take: Take) -> None:
        """Read the pods of those whose turn it is, and hand each whole sweep on as it is done.

        Those whose turn it is not yet count as told: they wait for it instead of for Prometheus,
        unless the budget lets them wait longer than Prometheus would.
        """
        fast = {key: each for key, each in followed.items() if _is_fast(each)}
        wanted = {key: _wanted(each) for key, each in fast.items()}
        due = self._budget.plan(time.monotonic(), wanted)
        waiting = {k for k in fast.keys() - set(due) if not self._is_late(fast[k])}
        self.told = waiting | (self.told & set(due))
        self._unread = {key: why for key, why in self._unread.items() if key in fast}
        await asyncio.gather(*(self._turn(key, fast[key], take) for key in due))

    async def _turn(self, key: Key, followed: TrackedRollout, take: Take) -> None:
        """One rollout's sweep; it is told by its pods once that was taken in."""
        is_told = False
        with alone(key):
            sweep = await self._pods.sweep(followed.subject.pods, followed.subject.channels)
            missing = followed.missing(sweep)
            self._say(key, missing)
            if missing is None:
                await take(key, followed, sweep)
                is_told = True
        (self.told.add if is_told else self.told.discard)(key)

    def _say(self, key: Key, missing: str | None) -> None:
        """Log what the fast lane cannot read, once as long as it is the same, and its end."""
        known, log = self._unread.get(key), about(_log, namespace=key.namespace, name=key.name)
        if missing and missing != known:
            log.warning("%s; Prometheus instead", missing)
            self._unread[key] = missing
        elif known and not missing:
            log.info("pods are read directly again")
            del self._unread[key]

    def _is_late(self, followed: TrackedRollout) -> bool:
        """Whether its last sweep is longer ago than a scrape of Prometheus would be."""
        every = followed.subject.sweep_every or DEFAULT_INTERVAL
        patience = max(self._scrape_interval, 2 * every)
        return self._clock() - followed.swept_at > patience


def _is_fast(followed: TrackedRollout) -> bool:
    """Whether pods are read directly: once Prometheus told the history, or while it cannot."""
    subject = followed.subject
    known = subject.channels <= followed.answered or bool(followed.errors)
    return bool(subject.sweep_every and subject.pods and subject.channels) and known


def _wanted(followed: TrackedRollout) -> Wanted:
    subject = followed.subject
    return Wanted(len(subject.pods), subject.sweep_every or DEFAULT_INTERVAL)
