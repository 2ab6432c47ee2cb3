"""The fast lane: the pods of rollouts that wish so are read directly, each rollout's in one sweep."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from davylamp.adapters.podmetrics import PodMetrics, Sweep
from davylamp.controller.cache import Key
from davylamp.controller.following import Followed
from davylamp.controller.settings import MetricSettings
from davylamp.controller.sweeper import Budget, Wanted

DEFAULT_INTERVAL: Final = 1.0


@dataclass(frozen=True)
class Swept:
    """What one turn brought: whole sweeps, and who needs no other source at the moment."""

    sweeps: Mapping[Key, tuple[Followed, Sweep]]
    told: frozenset[Key]


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

    async def sweep(self, followed: Mapping[Key, Followed]) -> Swept:
        """Read the pods of those whose turn it is.

        Those whose turn it is not yet count as told: they wait for it instead of for Prometheus,
        unless the budget lets them wait longer than Prometheus would.
        """
        fast = {key: each for key, each in followed.items() if _is_fast(each)}
        wanted = {key: _wanted(each) for key, each in fast.items()}
        due = self._budget.plan(time.monotonic(), wanted)
        subjects = [fast[key].subject for key in due]
        found = await asyncio.gather(
            *(self._pods.sweep(subject.pods, subject.channels) for subject in subjects)
        )
        sweeps = {
            key: (fast[key], sweep)
            for key, sweep in zip(due, found, strict=True)
            if fast[key].is_told_by(sweep)
        }
        waiting = {k for k in fast.keys() - set(due) if not self._is_late(fast[k])}
        return Swept(sweeps, frozenset(sweeps.keys() | waiting))

    def _is_late(self, followed: Followed) -> bool:
        """Whether its last sweep is longer ago than a scrape of Prometheus would be."""
        every = followed.subject.sweep_every or DEFAULT_INTERVAL
        patience = max(self._scrape_interval, 2 * every)
        return self._clock() - followed.swept_at > patience


def _is_fast(followed: Followed) -> bool:
    """Whether pods are read directly: once Prometheus told the history, or while it cannot."""
    subject = followed.subject
    known = subject.channels <= followed.answered or bool(followed.errors)
    return bool(subject.sweep_every and subject.pods and subject.channels) and known


def _wanted(followed: Followed) -> Wanted:
    subject = followed.subject
    return Wanted(len(subject.pods), subject.sweep_every or DEFAULT_INTERVAL)
