"""Whose pods are read at this tick: a budget of pod reads, shared fairly by all rollouts. Without a clock.

Reading pods costs the operator and the pods' network time, so there is a limit on it however many
rollouts there are. Below the limit every rollout has its interval. Above it namespaces share it first:
none gets less than an equal part because others want more. In a namespace that wants more than its
part all intervals stretch by the same factor: who has waited longest, in intervals of its own, is next.
"""

from collections.abc import Iterable, Mapping
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
    """A token bucket over pod reads for each namespace.

    A sweep is never done in part: its pods must be read together. So it may overdraw the bucket of
    its namespace, and nobody in there is swept until the debt is paid; that is how a rollout larger
    than the whole budget has its turn, and no more than its turn.

    Args:
        per_second: pod reads a second over all rollouts.

    Raises:
        ValueError: nothing could ever be read.
    """

    def __init__(self, per_second: float) -> None:
        if not per_second > 0:
            raise ValueError("a budget is above 0 pod reads a second")
        self._per_second = per_second
        self._tokens: dict[str, float] = {}
        """By namespace; of those that want nothing now only debts are kept."""
        self._filled_at: float | None = None
        self._waiting_since: dict[Key, float] = {}
        """When a key was swept last, or one interval before it was first wanted."""

    def plan(self, now: float, wanted: Mapping[Key, Wish]) -> list[Key]:
        """Choose who is swept now, who has waited longest first; they count as swept.

        Args:
            now: seconds of a clock that never goes back.
            wanted: every rollout whose pods are read directly; the others are forgotten.
        """
        self._fill(now, wanted)
        self._waiting_since = {
            key: self._waiting_since.get(key, now - wish.interval) for key, wish in wanted.items()
        }
        waited = {
            key: (now - self._waiting_since[key]) / wish.interval for key, wish in wanted.items()
        }
        due = sorted((key for key in wanted if waited[key] >= 1 - EARLY), key=lambda k: -waited[k])
        chosen = []
        for key in due:
            if self._tokens[key.namespace] > 0:
                self._tokens[key.namespace] -= wanted[key].pods
                self._waiting_since[key] = now
                chosen.append(key)
        return chosen

    def _fill(self, now: float, wanted: Mapping[Key, Wish]) -> None:
        """Give each namespace its part of what may be read since the last time."""
        passed = BURST if self._filled_at is None else max(0.0, now - self._filled_at)
        self._filled_at = now if self._filled_at is None else max(now, self._filled_at)
        demands = dict.fromkeys((ns for ns, tokens in self._tokens.items() if tokens < 0), 0.0)
        for key, wish in wanted.items():
            demands[key.namespace] = demands.get(key.namespace, 0.0) + wish.pods / wish.interval
        rates = parts_of(self._per_second, demands)
        self._tokens = {
            namespace: min(rate * BURST, self._tokens.get(namespace, rate * BURST) + passed * rate)
            for namespace, rate in rates.items()
        }


def parts_of(total: float, demands: Mapping[str, float]) -> dict[str, float]:
    """What each gets of a total: what it demands, or an equal part; what is left over in equal parts.

    Max-min fairness: nobody gets more by demanding more, and all of it is given.
    """
    parts, left = dict[str, float](), total
    smallest_first: Iterable[str] = sorted(demands, key=lambda name: demands[name])
    for number, name in enumerate(smallest_first):
        parts[name] = min(demands[name], left / (len(demands) - number))
        left -= parts[name]
    return {name: part + left / len(demands) for name, part in parts.items()}
