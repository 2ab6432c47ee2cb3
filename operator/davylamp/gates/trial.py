"""One canary under one rule."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from davylamp.gates.rules import Rule, require


@dataclass(frozen=True, slots=True)
class WeightChange:
    """From `at` (epoch seconds) on, `weight` of the traffic (0 to 1) goes to the canary."""

    at: float
    weight: float


@dataclass(frozen=True)
class Trial:
    """One canary under one rule.

    `weights` are the changes made so far, oldest first, the first one being the canary's first
    traffic; a change is added before a watermark passes it. `scrape_interval` is in seconds.
    `takes_back` if a failure takes the canary back, and does not only warn or pause. With
    `started_at` = inf nothing is judged yet: stable alone is surveyed.
    """

    rule: Rule
    started_at: float
    weights: tuple[WeightChange, ...]
    scrape_interval: float = 5.0
    takes_back: bool = True

    def __post_init__(self) -> None:
        """Refuse a trial without traffic, or whose history is not in order."""
        require(bool(self.weights), "a trial needs at least one weight")
        require(all(0 < w.weight <= 1 for w in self.weights), "a weight must lie in (0, 1]")
        times = [w.at for w in self.weights]
        require(times == sorted(times), "weights must be in order of time")
        require(self.scrape_interval > 0, "scrape_interval must be above 0")

    @cached_property
    def shifts(self) -> tuple[WeightChange, ...]:
        """The changes that altered a running comparison: all but the first and the repeated."""
        pairs = zip(self.weights, self.weights[1:], strict=False)
        return tuple(b for a, b in pairs if b.weight != a.weight and b.at > self.started_at)

    def weight_at(self, time: float) -> float:
        """Give the canary's share of the traffic at a moment."""
        reached = [w.weight for w in self.weights if w.at <= time]
        return reached[-1] if reached else self.weights[0].weight

    def last_shift(self, time: float) -> float:
        """Give the moment of the last change up to `time`, or -inf."""
        return max((w.at for w in self.shifts if w.at <= time), default=-math.inf)
