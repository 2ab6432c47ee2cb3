"""What the user asks of a gate: the rule, and the trial it is applied to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

MIN_BLOCKS: Final = 2
"""Blocks that must agree before a rollback, unless the user asks for more.

A source scrapes canary and stable pods at different moments, so one block may show an incident on
the canary that stable shows only in the next. Needed are 1 + ceil(worst offset / block length): a
pod's offset is below one scrape interval and a block lasts at least one, hence 2.
"""


@dataclass(frozen=True)
class Sequential:
    """Sequential test: judged at any time with a bound on wrong decisions over the whole trial.

    A canary is worse when its error rate is above `max_rate` AND its error odds are above `ratio`
    times those of stable. `false_rollback` bounds the probability of ever rolling back a canary
    that is not worse, `false_promotion` that of promoting one that is worse than `promote_rate`
    AND `promote_ratio` (rates and probabilities as fractions). `burst` is the size of error
    clusters inside one revision that must not count as independent errors (retries, batches).
    `horizon_blocks` is how many blocks long a canary may still turn bad at no loss of power.
    """

    max_rate: float = 0.01
    ratio: float = 1.5
    false_rollback: float = 0.01
    false_promotion: float = 0.01
    promote_rate: float | None = None
    promote_ratio: float = 2.0
    min_blocks: int | None = None
    burst: float = 1.0
    horizon_blocks: int = 1440

    def __post_init__(self) -> None:
        """Refuse settings under which the test would be invalid or could never decide."""
        for name in ("max_rate", "false_rollback", "false_promotion", "tolerated_rate"):
            _require(0 < getattr(self, name) < 1, f"{name} must lie between 0 and 1")
        _require(0 < self.ratio < math.inf, "ratio must be above 0")
        _require(self.promote_ratio >= self.ratio, "promote_ratio must not be below ratio")
        _require(self.tolerated_rate >= self.max_rate, "promote_rate must not be below max_rate")
        _require(1 <= self.burst < math.inf, "burst must be at least 1")
        _require(self.horizon_blocks >= 1, "horizon_blocks must be at least 1")
        _require(self.agreeing_blocks >= 1, "min_blocks must be at least 1")

    @property
    def tolerated_rate(self) -> float:
        """The error rate up to which a canary may be promoted."""
        return self.max_rate if self.promote_rate is None else self.promote_rate

    @property
    def agreeing_blocks(self) -> int:
        """How many blocks must agree before a rollback."""
        return MIN_BLOCKS if self.min_blocks is None else self.min_blocks


@dataclass(frozen=True)
class Threshold:
    """The classic rule: roll back after `failures` windows with an error rate above `max_rate`.

    Failures add up over the whole trial, good windows do not take them back. A window (`window`
    seconds, counted from the start of the trial) with fewer than `min_requests` canary requests
    says nothing either way. There is no comparison with stable and no bound on false rollbacks.
    """

    max_rate: float
    failures: int = 3
    window: float = 60.0
    min_requests: int = 10

    def __post_init__(self) -> None:
        """Refuse settings that could never fail or never be measured."""
        _require(0 < self.max_rate < 1, "max_rate must lie between 0 and 1")
        _require(self.failures >= 1, "failures must be at least 1")
        _require(0 < self.window < math.inf, "window must be above 0")
        _require(self.min_requests >= 1, "min_requests must be at least 1")


Rule = Sequential | Threshold


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
    """

    rule: Rule
    started_at: float
    weights: tuple[WeightChange, ...]
    scrape_interval: float = 5.0

    def __post_init__(self) -> None:
        """Refuse a trial without traffic, or whose history is not in order."""
        _require(bool(self.weights), "a trial needs at least one weight")
        _require(all(0 < w.weight <= 1 for w in self.weights), "a weight must lie in (0, 1]")
        times = [w.at for w in self.weights]
        _require(times == sorted(times), "weights must be in order of time")
        _require(self.scrape_interval > 0, "scrape_interval must be above 0")

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


def _require(holds: bool, message: str) -> None:  # noqa: FBT001
    if not holds:
        raise ValueError(message)
