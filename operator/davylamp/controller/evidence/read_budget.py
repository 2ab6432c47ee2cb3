"""Whose pods are read at this tick: a budget of pod reads, shared fairly by all rollouts. Without a clock.

Reading pods costs the operator and the pods' network time, so there is a limit on it however many
rollouts there are. Below the limit every rollout has its interval. Above it all intervals stretch
by the same factor: who has waited longest, in intervals of its own, is next.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from davylamp.controller.cluster.cache import Key

EARLY: Final = 0.1
"""Part of an interval by which a sweep may come early: ticks are never quite regular, and one that
waits for the next tick because this one came a moment too soon would wait twice as long."""
BURST: Final = 1.0
"""Seconds for which an unused budget can be saved."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a rollout would like: this many pods read every so many seconds.

    Raises:
        ValueError: no pods, or no time between sweeps.
    """

    pods: int
    interval: float

    def __post_init__(self) -> None:
        if self.pods < 1 or self.interval <= 0:
            raise ValueError("a sweep has pods, and comes after an interval above 0")


class ReadBudget:
    """A token bucket over pod reads.

    A sweep is never done in part: its pods must be read together. So it may overdraw the bucket,
    and nobody is swept until the debt is paid; that is how a rollout larger than the whole budget
    has its turn, and no more than its turn.

    Args:
        per_second: pod reads a second over all rollouts.

    Raises:
        ValueError: nothing could ever be read.
    """

    def __init__(self, per_second: float) -> None:
        if not per_second > 0:
            raise ValueError("a budget is above 0 pod reads a second")
        self._per_second = per_second
        self._tokens = per_second * BURST
        self._filled_at: float | None = None
        self._waiting_since: dict[Key, float] = {}
        """When a key was swept last, or one interval before it was first wanted."""

    def plan(self, now: float, wanted: Mapping[Key, Wish]) -> list[Key]:
        """Choose who is swept now, who has waited longest first; they count as swept.

        Args:
            now: seconds of a clock that never goes back.
            wanted: every rollout whose pods are read directly; the others are forgotten.
        """
        self._fill(now)
        self._waiting_since = {
            key: self._waiting_since.get(key, now - wish.interval) for key, wish in wanted.items()
        }
        waited = {
            key: (now - self._waiting_since[key]) / wish.interval for key, wish in wanted.items()
        }
        due = sorted((key for key in wanted if waited[key] >= 1 - EARLY), key=lambda k: -waited[k])
        chosen = []
        for key in due:
            if self._tokens <= 0:
                break
            self._tokens -= wanted[key].pods
            self._waiting_since[key] = now
            chosen.append(key)
        return chosen

    def _fill(self, now: float) -> None:
        passed = 0.0 if self._filled_at is None else max(0.0, now - self._filled_at)
        self._filled_at = now
        most = self._per_second * BURST
        self._tokens = min(most, self._tokens + passed * self._per_second)
