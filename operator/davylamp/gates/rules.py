"""What the user asks of a gate: one rule for each thing that can be judged.

Rates, shares and probabilities are fractions, durations are seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

from davylamp.gates.samples import Channel

MIN_BLOCKS: Final = 2
"""Blocks that must agree before a rollback, unless the user asks for more.

A source scrapes canary and stable pods at different moments, so one block may show an incident on
the canary that stable shows only in the next. Sample times out of step by more than a block, and
blocks in which stable fails too, ask for more (`blocks.agreeing`).
"""

LATENCY_BURST: Final = 3.0
LATENCY_BLOCKS: Final = 4
"""Latencies hang together in time (queues, caches, garbage collection): more caution by default."""


@dataclass(frozen=True, kw_only=True)
class SequentialRule:
    """What all anytime-valid tests share: judged at any time, with bounds over the whole trial.

    `false_rollback` bounds the probability of ever taking back a canary that is not worse,
    `false_promotion` that of promoting one that is worse than tolerated. `burst` is the size of
    clusters inside one revision that must not count as independent (retries, batches); None has
    it estimated from stable before the trial. `horizon_blocks` is how many blocks long a canary
    may still turn bad at no loss of power. In the first `warm_up` seconds of a pod it is not
    judged.
    """

    false_rollback: float = 0.01
    false_promotion: float = 0.01
    min_blocks: int | None = None
    burst: float | None = None
    horizon_blocks: int = 1440
    warm_up: float = 0.0

    def __post_init__(self) -> None:
        """Refuse settings under which the test would be invalid or could never decide."""
        within(self, "false_rollback", "false_promotion")
        require(self.burst is None or 1 <= self.burst < math.inf, "burst must be at least 1")
        require(self.horizon_blocks >= 1, "horizon_blocks must be at least 1")
        require(self.agreeing_blocks >= 1, "min_blocks must be at least 1")
        require(0 <= self.warm_up < math.inf, "warm_up must not be negative")

    @property
    def agreeing_blocks(self) -> int:
        """How many blocks must agree before a rollback, at least."""
        return MIN_BLOCKS if self.min_blocks is None else self.min_blocks


@dataclass(frozen=True, kw_only=True)
class ErrorRate(SequentialRule):
    """A canary is worse when its error rate is above `max_rate` AND its odds above `ratio` x stable.

    It is worse than tolerated when it is above `promote_rate` AND above `promote_ratio`.
    """

    max_rate: float = 0.01
    ratio: float = 1.5
    promote_rate: float | None = None
    promote_ratio: float = 2.0

    @override
    def __post_init__(self) -> None:
        """Refuse bounds that contradict each other."""
        super().__post_init__()
        within(self, "max_rate", "tolerated_rate")
        require(0 < self.ratio < math.inf, "ratio must be above 0")
        require(self.promote_ratio >= self.ratio, "promote_ratio must not be below ratio")
        require(self.tolerated_rate >= self.max_rate, "promote_rate must not be below max_rate")

    @property
    def tolerated_rate(self) -> float:
        """The error rate up to which a canary may be promoted."""
        return self.max_rate if self.promote_rate is None else self.promote_rate

    @property
    def channel(self) -> Channel:
        """What is read."""
        return Channel.ERRORS


@dataclass(frozen=True, kw_only=True)
class Latency(SequentialRule):
    """A canary is worse when it is slower than stable, and too slow where a bound is given.

    Slower: the odds of exceeding a bucket's boundary are above `ratio` x stable's at some boundary,
    where the canary is looked at `tolerance` buckets further up. Too slow: more than `max_share` of
    its answers take longer than `over` seconds, which has to be a boundary. Without `over` being
    slower is enough.
    """

    over: float | None = None
    max_share: float = 0.01
    ratio: float = 1.25
    promote_ratio: float = 2.0
    tolerance: int = 0
    warm_up: float = 30.0

    @override
    def __post_init__(self) -> None:
        """Refuse bounds that contradict each other."""
        super().__post_init__()
        within(self, "max_share")
        require(self.over is None or 0 < self.over < math.inf, "over must be above 0")
        require(0 < self.ratio < math.inf, "ratio must be above 0")
        require(self.promote_ratio >= self.ratio, "promote_ratio must not be below ratio")
        require(self.tolerance >= 0, "tolerance must not be negative")

    @property
    @override
    def agreeing_blocks(self) -> int:
        """How many blocks must agree before a rollback, at least."""
        return LATENCY_BLOCKS if self.min_blocks is None else self.min_blocks

    @property
    def channel(self) -> Channel:
        """What is read."""
        return Channel.LATENCY


@dataclass(frozen=True, kw_only=True)
class ScoreDistance(SequentialRule):
    """A canary is worse when its predictions are distributed otherwise than stable's.

    That is when the total variation (or Wasserstein-1, `ordered`) distance of the two score
    histograms is above `distance`, in [0, 1]. Wasserstein is in units of the histogram's range.
    """

    distance: float = 0.1
    ordered: bool = False

    @override
    def __post_init__(self) -> None:
        """Refuse a distance that nothing or everything exceeds."""
        super().__post_init__()
        within(self, "distance")

    @property
    def channel(self) -> Channel:
        """What is read."""
        return Channel.SCORES


@dataclass(frozen=True, kw_only=True)
class ShareDistance(SequentialRule):
    """A canary is worse when its mean explanation shares are not those of its references.

    Total variation between mean share vectors above `distance`, in [0, 1]. The references are
    stable at the same time (`against_stable`) and the shares of the training run (`baseline`, by
    feature): with both, both must be left behind, as a model that was trained anew may well
    explain itself otherwise, and as drifting inputs move stable too.
    """

    distance: float = 0.1
    against_stable: bool = True
    baseline: tuple[tuple[str, float], ...] = ()

    @override
    def __post_init__(self) -> None:
        """Refuse a distance that nothing exceeds, and a rule without anything to compare with."""
        super().__post_init__()
        within(self, "distance")
        require(self.against_stable or bool(self.baseline), "there is nothing to compare with")

    @property
    def channel(self) -> Channel:
        """What is read."""
        return Channel.SHARES


@dataclass(frozen=True, kw_only=True)
class GroupGap(SequentialRule):
    """A canary is worse when groups of people are treated more unequally than by stable.

    The gap is the largest rate of a group minus the smallest, of errors or (`positive`) of positive
    answers. Worse means above `max_gap` AND more than `increase` above stable's gap.
    """

    max_gap: float = 0.1
    increase: float = 0.05
    positive: bool = True

    @override
    def __post_init__(self) -> None:
        """Refuse bounds that nothing exceeds."""
        super().__post_init__()
        within(self, "max_gap")
        require(0 <= self.increase < 1, "increase must lie between 0 and 1")

    @property
    def channel(self) -> Channel:
        """What is read."""
        return Channel.GROUPS


@dataclass(frozen=True, kw_only=True)
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
        within(self, "max_rate")
        require(self.failures >= 1, "failures must be at least 1")
        require(0 < self.window < math.inf, "window must be above 0")
        require(self.min_requests >= 1, "min_requests must be at least 1")

    @property
    def channel(self) -> Channel:
        """What is read."""
        return Channel.ERRORS


@dataclass(frozen=True, kw_only=True)
class Query:
    """The user's own PromQL: bad when its value leaves [`lowest`, `highest`].

    `ratio` bounds it by that many times stable's value of the same query as well: then only a value
    beyond both is bad. Taken back after `failures` bad values in all, or `in_a_row` one after the
    other, where given. Asked every `interval` seconds; there is no bound on false rollbacks.
    """

    promql: str
    lowest: float = -math.inf
    highest: float = math.inf
    ratio: float | None = None
    failures: int = 3
    in_a_row: int | None = None
    interval: float = 15.0
    warm_up: float = 0.0

    def __post_init__(self) -> None:
        """Refuse settings under which nothing is ever bad."""
        require(bool(self.promql.strip()), "promql must not be empty")
        bounded = self.lowest > -math.inf or self.highest < math.inf or self.ratio is not None
        require(bounded, "a query needs min, max or ratio")
        require(self.lowest <= self.highest, "min must not be above max")
        require(self.ratio is None or 0 < self.ratio < math.inf, "ratio must be above 0")
        require(self.failures >= 1, "failures must be at least 1")
        require(self.in_a_row is None or self.in_a_row >= 1, "in_a_row must be at least 1")
        require(1 <= self.interval < math.inf, "interval must be at least 1 s")

    @property
    def channel(self) -> Channel:
        """What is read."""
        return Channel.QUERY


Statistical = ErrorRate | Latency | ScoreDistance | ShareDistance | GroupGap
"""Rules with a bound on false rollbacks."""
Rule = Statistical | Threshold | Query


def within(rule: object, *names: str) -> None:
    """Require attributes between 0 and 1, both excluded."""
    for name in names:
        require(0 < getattr(rule, name) < 1, f"{name} must lie between 0 and 1")


def require(holds: bool, message: str) -> None:  # noqa: FBT001
    """Raise `ValueError` unless a condition holds."""
    if not holds:
        raise ValueError(message)
