"""Slow answers: `latency`, from a histogram of the seconds to answer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final, Self

from pydantic import Field
from typing_extensions import override

from davylamp.gates.channels import Channel, Form, HistogramChannel, Ladder, SeriesSetting
from davylamp.gates.counts import Count, Pair
from davylamp.gates.evidence import latency
from davylamp.gates.evidence.e_process import LogEValues, LogLikelihoodRatios, says_acceptable
from davylamp.gates.evidence.error_rate import Lately
from davylamp.gates.evidence.overdispersion import DesignEffect, Survey
from davylamp.gates.kinds.base import (
    BURST_AT_LEAST_1,
    MAX_WITHIN,
    RATIO_AT_LEAST_1,
    GateKind,
    WrongDecisions,
)
from davylamp.gates.kinds.error_rate import MOST_TOLERATED, PROMOTE_RATIO, ErrorRate
from davylamp.gates.kinds.sequential import SequentialRule
from davylamp.gates.messages import describe, sentences
from davylamp.gates.messages.numbers import percent, short
from davylamp.gates.trial import Rule, require, within
from davylamp.schema.models import Strict
from davylamp.schema.quantities import (
    Duration,
    Percent,
    Ratio,
    ShortDuration,
    fraction,
    seconds,
    short_seconds,
)

DEFAULT_RATIO: Final = "1.25"
LATENCY_BURST: Final = 3.0
LATENCY_BLOCKS: Final = 4
"""Latencies are correlated in time (queues, caches, garbage collection): more caution by default."""

LATENCY: Final = HistogramChannel(
    "latency",
    metric=SeriesSetting("latency_metric", "model_request_seconds", Form.METRIC),
    selector=SeriesSetting("latency_selector", 'route="predict"', Form.SELECTOR),
    counted="request",
    ladder=Ladder(-10, 6),
)
"""Requests, and for each boundary in seconds those that took at most that long; natively counted
from 1 ms to 64 s."""


class LatencySpec(Strict):
    """Judges the canary by how long its answers take, from a histogram."""

    over: ShortDuration | None = Field(
        default=None,
        description=(
            "Answers that take longer are slow, for example 250ms; it has to be a boundary of the "
            "histogram. Without it only the comparison with stable counts."
        ),
    )
    max: Percent = Field(
        default="1%", description="Share of slow answers that is tolerated in any case."
    )
    ratio: Ratio | None = Field(
        default=None,
        description="How many times stable's odds of a slow answer are tolerated. Default 1.25.",
    )
    tolerance: int = Field(
        default=0,
        ge=0,
        le=10,
        description="Histogram buckets by which the canary may be slower than stable.",
    )
    burst: Ratio | None = Field(
        default=None,
        description=(
            "How many slow answers of one revision belong together, as rows of a request. "
            "Default 3: queues, caches and garbage collection slow down several."
        ),
    )
    warm_up: Duration = Field(
        default="30s", description="Time after the start of a pod in which it is not judged."
    )


@dataclass(frozen=True, kw_only=True)
class Latency(SequentialRule):
    """A canary is worse when it is slower than stable, and too slow where a bound is given.

    Slower: the odds of exceeding a bucket's boundary are above `ratio` x stable's at some boundary,
    where the canary is looked at `tolerance` buckets further up. Too slow: more than `max_share` of
    its answers take longer than `over` seconds, which has to be a boundary. Without `over` being
    slower is enough.
    """

    channel: ClassVar[Channel | None] = LATENCY
    worse_reason: ClassVar[str] = "LatencyWorse"
    acceptable_reason: ClassVar[str] = "LatencyAcceptable"

    over: float | None = None
    max_share: float = 0.01
    ratio: float = 1.25
    promote_ratio: float = PROMOTE_RATIO
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
        return LATENCY_BLOCKS if self.min_blocks is None else self.min_blocks

    @override
    def ratios(self, past: Pair, block: Pair, bets: Lately | None) -> LogLikelihoodRatios:
        return latency.gains(self, past, block)

    @override
    def ratios_alone(self, past: Count, block: Count, bets: Lately | None) -> LogLikelihoodRatios:
        return latency.gains_alone(self, block)

    @override
    def accepts(self, levels: LogEValues, past: Pair) -> bool:
        return says_acceptable(self, levels)

    @override
    def assumed_effect(self, survey: Survey) -> DesignEffect:
        return DesignEffect(LATENCY_BURST, LATENCY_BURST)

    @override
    def still_needed(
        self, weight: float, at: LogEValues, counted: Pair, effect: DesignEffect
    ) -> int | None:
        """Slow answers take as long to tell as errors with the same bounds."""
        if self.over is None:
            return None
        as_errors = ErrorRate(
            max_rate=self.max_share,
            ratio=self.ratio,
            promote_ratio=self.promote_ratio,
            false_rollback=self.false_rollback,
            false_promotion=self.false_promotion,
            burst=self.burst,
            min_blocks=self.min_blocks,
        )
        return as_errors.still_needed(weight, at, self.bad(counted), effect)

    @override
    def alone(self) -> Rule | None:
        return None if self.over is None else self

    @override
    def no_better_than(self, rate: float) -> Self:
        bound = min(MOST_TOLERATED, max(self.max_share, self.promote_ratio * rate))
        return replace(self, max_share=bound)

    @override
    def misfit(self, newest: Iterable[Count]) -> str | None:
        faults = (latency.missing_boundary(self, count) for count in newest)
        return next((fault for fault in faults if fault), None)

    @override
    def bad(self, counted: Pair) -> Pair:
        """Slow answers as errors; 0 as long as no boundary shows a difference."""
        at = self._boundary(counted)
        if at is None and self.over is None:
            return Pair(Count(counted.candidate.requests), Count(counted.stable.requests))
        return Pair(
            latency.slow(self, counted.candidate, at), latency.slow(self, counted.stable, at)
        )

    @override
    def effect(self, counted: Pair) -> str:
        return describe.effect(self.bad(counted)) if counted.candidate.requests else ""

    @override
    def described(self, counted: Pair, *, alone: bool = False) -> str:
        bound = f"{self.over:g}" if self.over is not None else self._boundary(counted)
        if bound is None:
            return f"latencies of {counted.candidate.requests} canary requests"
        counts = self.bad(counted)
        canary = counts.candidate
        other = "no stable pods" if alone else f"stable {short(counts.stable)}"
        return (
            f"canary {canary.errors} of {canary.requests} requests slower than {bound} s "
            f"({percent(canary.rate)}) against {other}"
        )

    @override
    def beyond(self, *, alone: bool) -> str:
        more = f"more than {self.ratio:g}x as often"
        bound = "" if self.over is None else f"above {percent(self.max_share)}"
        return bound if alone else " and ".join(filter(None, (more, bound)))

    @override
    def inside(self) -> str:
        bound = "" if self.over is None else f" or {percent(self.max_share)}"
        return f"within {self.promote_ratio:g}x of stable{bound}"

    @override
    def assurance(self) -> str:
        return sentences.beyond_both(self.false_promotion)

    def _boundary(self, counted: Pair) -> str | None:
        """Where no boundary is given: the one at which the canary is slower most clearly."""
        if self.over is not None:
            return None
        worst = latency.worst_boundary(self, counted)
        return None if worst is None else f"{worst:g}"


class LatencyKind(GateKind[LatencySpec]):
    """Judges by slow answers."""

    field = "latency"
    description = "Judge by slow answers."
    spec = LatencySpec
    rules = (Latency,)
    validations = (
        MAX_WITHIN,
        RATIO_AT_LEAST_1,
        ("!has(self.over) || self.over.matches('[1-9]')", "over must be above 0ms"),
        BURST_AT_LEAST_1,
    )

    @override
    def rule(self, spec: LatencySpec, wrong: WrongDecisions, training: Mapping[str, float]) -> Rule:
        ratio = float(spec.ratio or DEFAULT_RATIO)
        return Latency(
            over=short_seconds(spec.over) if spec.over else None,
            max_share=fraction(spec.max),
            ratio=ratio,
            promote_ratio=max(PROMOTE_RATIO, ratio),
            tolerance=spec.tolerance,
            warm_up=float(seconds(spec.warm_up)),
            burst=float(spec.burst) if spec.burst else None,
            false_rollback=wrong.false_rollback,
            false_promotion=wrong.false_promotion,
        )

    @override
    def is_bounded(self, spec: LatencySpec) -> bool:
        return True
