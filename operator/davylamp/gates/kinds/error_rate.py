"""Failed requests: `errorRate`, tested sequentially against stable or counted by windows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final, Literal, Self

from pydantic import Field
from typing_extensions import override

from davylamp.gates import verdicts
from davylamp.gates.channels import Channel
from davylamp.gates.counts import Count, Pair
from davylamp.gates.evidence import error_rate, overdispersion
from davylamp.gates.evidence.e_process import LogEValues, LogLikelihoodRatios, says_acceptable
from davylamp.gates.evidence.error_rate import Lately
from davylamp.gates.evidence.overdispersion import DesignEffect, Survey
from davylamp.gates.forecast import detection_time, forecast
from davylamp.gates.forecast.forecast import CanaryTraffic, DetectsErrors
from davylamp.gates.forecast.plan import Forecast, Plan
from davylamp.gates.kinds.base import (
    BURST_AT_LEAST_1,
    MAX_WITHIN,
    RATIO_AT_LEAST_1,
    GateKind,
    WrongDecisions,
)
from davylamp.gates.kinds.sequential import Case, SequentialRule
from davylamp.gates.kinds.threshold import ERRORS, Threshold
from davylamp.gates.messages import describe, sentences
from davylamp.gates.messages.numbers import percent, short, tally
from davylamp.gates.states.gate_state import GateState
from davylamp.gates.states.sequential import Crossing
from davylamp.gates.trial import Rule, Trial, require, within
from davylamp.gates.verdicts import Judgement
from davylamp.schema.models import Strict
from davylamp.schema.quantities import Duration, Percent, Ratio, fraction, seconds

DEFAULT_RATIO: Final = "1.5"
PROMOTE_RATIO: Final = 2.0
MOST_TOLERATED: Final = 0.99
CALM_TIMES: Final = 3.0
"""Times its error rate of before the trial above which stable is taken to be in trouble."""


class ErrorRateSpec(Strict):
    """Judges the canary by the share of its requests that fail."""

    method: Literal["Sequential", "Threshold"] = Field(
        default="Sequential",
        description=(
            "Sequential compares the canary with stable at the same time by an anytime-valid "
            "test with bounded false rollbacks. Threshold is the classic fixed limit per window."
        ),
    )
    max: Percent = Field(
        default="1%",
        description="Error share that is tolerated in any case; below it nothing is rolled back.",
    )
    ratio: Ratio | None = Field(
        default=None,
        description="Sequential: how many times stable's error odds are tolerated. Default 1.5.",
    )
    burst: Ratio | None = Field(
        default=None,
        description=(
            "Sequential: how many errors of one revision belong together (retries, batches). "
            "Default: estimated from stable before the canary."
        ),
    )
    min_blocks: int | None = Field(
        default=None,
        ge=1,
        le=20,
        description=(
            "Sequential: blocks of about one scrape that must agree before a rollback, so the "
            "longest blip that is tolerated. Default 2."
        ),
    )
    failures: int | None = Field(
        default=None, ge=1, le=100, description="Threshold: failed windows that roll back."
    )
    window: Duration | None = Field(
        default=None, description="Threshold: length of one judged window, for example 1m."
    )


@dataclass(frozen=True, kw_only=True)
class ErrorRate(SequentialRule, DetectsErrors):
    """A canary is worse when its error rate is above `max_rate` AND its odds above `ratio` x stable.

    It is worse than tolerated when it is above `max_rate` AND above `promote_ratio`.
    """

    channel: ClassVar[Channel | None] = ERRORS
    worse_reason: ClassVar[str] = Threshold.worse_reason
    acceptable_reason: ClassVar[str] = Threshold.acceptable_reason

    max_rate: float = 0.01
    ratio: float = 1.5
    promote_ratio: float = PROMOTE_RATIO

    @override
    def __post_init__(self) -> None:
        """Refuse bounds that contradict each other."""
        super().__post_init__()
        within(self, "max_rate")
        require(0 < self.ratio < math.inf, "ratio must be above 0")
        require(self.promote_ratio >= self.ratio, "promote_ratio must not be below ratio")

    @property
    @override
    def error_bound(self) -> float | None:
        return self.max_rate

    @override
    def ratios(self, past: Pair, block: Pair, bets: Lately | None) -> LogLikelihoodRatios:
        return error_rate.gains(self, block, bets)

    @override
    def ratios_alone(self, past: Count, block: Count, bets: Lately | None) -> LogLikelihoodRatios:
        return error_rate.gains_alone(self, block, bets)

    @override
    def accepts(self, levels: LogEValues, past: Pair) -> bool:
        return says_acceptable(self, levels)

    @override
    def assumed_effect(self, survey: Survey) -> DesignEffect:
        """Errors are surveyed on stable before the trial."""
        return overdispersion.estimated(survey)

    @override
    def calm(self, survey: Survey) -> float:
        return max(self.max_rate, CALM_TIMES * survey.total.rate)

    @override
    def still_needed(
        self, weight: float, at: LogEValues, counted: Pair, effect: DesignEffect
    ) -> int | None:
        return detection_time.requests_still_needed(self, weight, at, counted, effect)

    @override
    def alone(self) -> Rule | None:
        return self

    @override
    def no_better_than(self, rate: float) -> Self:
        bound = min(MOST_TOLERATED, max(self.max_rate, self.promote_ratio * rate))
        return replace(self, max_rate=bound)

    @override
    def described(self, counted: Pair, *, alone: bool = False) -> str:
        other = "no stable pods" if alone else f"stable {short(counted.stable)}"
        return f"canary {tally(counted.candidate)} against {other}"

    @override
    def described_so_far(self, counted: Pair) -> str:
        return f"canary {tally(counted.candidate)}, stable {short(counted.stable)}"

    @override
    def effect(self, counted: Pair) -> str:
        return describe.effect(counted)

    @override
    def beyond(self, *, alone: bool) -> str:
        bound = f"above {percent(self.max_rate)}"
        return bound if alone else f"more than {self.ratio:g}x and {bound}"

    @override
    def inside(self) -> str:
        return f"within {self.promote_ratio:g}x of stable or {percent(self.max_rate)}"

    @override
    def assurance(self) -> str:
        return sentences.beyond_both(self.false_promotion)

    @override
    def passed_case(self, case: Case, crossing: Crossing, answer: Judgement) -> Judgement:
        """Pass, unless the canary is failing right now (as in an incident that hits both)."""
        recent = case.account.recent_canary(case.now)
        if recent.rate <= self.max_rate:
            return super().passed_case(case, crossing, answer)
        if case.state.stable.rate > self.max_rate:
            message = self._both_fail(case.state.counted)
            return replace(answer, reason=verdicts.BOTH_FAIL, message=message)
        return replace(answer, message=sentences.waiting(recent, self.max_rate))

    @override
    def open_case(self, case: Case, at: LogEValues, answer: Judgement) -> Judgement:
        """Where stable fails too, the difference decides; how long that takes nobody can say."""
        counted = case.state.counted
        if counted.stable.rate <= self.max_rate:
            return super().open_case(case, at, answer)
        recent = case.account.recent_canary(case.now)
        if recent.rate > self.max_rate and at.rollback < math.log(2):
            message = self._both_fail(counted)
            return replace(answer, reason=verdicts.BOTH_FAIL, message=message)
        return replace(answer, message=self.gathering_sentence(counted, None))

    def _both_fail(self, counted: Pair) -> str:
        return sentences.both_fail(self.described_so_far(counted), self.max_rate)

    @override
    def forecast(self, trial: Trial, state: GateState, plan: Plan) -> Forecast | None:
        return forecast.of_errors(self, trial, state.survey, plan)

    @override
    def requests_to_detect(self, share: float, survey: Survey, errors: float) -> int | None:
        burst = self.design_effect(survey).burst
        return detection_time.requests_to_detect(
            self, share, survey.total.rate, errors, burst=burst
        )

    @override
    def seconds_to_detect(
        self, canary: CanaryTraffic, survey: Survey, errors: float, scrape_interval: float
    ) -> float | None:
        needed = self.requests_to_detect(canary.share, survey, errors)
        if needed is None:
            return None
        return max(2 * scrape_interval, needed / canary.rate) if canary.rate > 0 else math.inf

    @override
    def traffic_to_detect(
        self, share: float, survey: Survey, errors: float, deadline: float
    ) -> float:
        return (self.requests_to_detect(share, survey, errors) or 0) / deadline / share

    @override
    def correlated(self, survey: Survey) -> str:
        size, used = overdispersion.dispersion(survey).largest, self.design_effect(survey)
        if self.burst is not None or size is None or size <= 1:
            return ""
        how = f"evidence is divided by {used.burst:.2g}"
        if used.betting:
            how = "whole blocks are compared, which takes many times longer than stated here"
        return f", correlated in clusters of about {size:.2g} ({how})"


class ErrorRateKind(GateKind[ErrorRateSpec]):
    """Judges by failed requests."""

    field = "error_rate"
    description = "Judge by failed requests."
    spec = ErrorRateSpec
    rules = (ErrorRate, Threshold)
    validations = (
        (
            "self.method != 'Threshold' || (has(self.window) && has(self.failures))",
            "method Threshold needs window and failures",
        ),
        (
            "self.method != 'Sequential' || (!has(self.window) && !has(self.failures))",
            "window and failures belong to method Threshold; Sequential needs neither",
        ),
        (
            "self.method != 'Threshold' || !has(self.ratio)",
            "ratio belongs to method Sequential; Threshold does not compare with stable",
        ),
        (
            "self.method != 'Threshold' || (!has(self.burst) && !has(self.minBlocks))",
            "burst and minBlocks belong to method Sequential",
        ),
        MAX_WITHIN,
        ("!has(self.window) || self.window.matches('[1-9]')", "window must be above 0s"),
        RATIO_AT_LEAST_1,
        BURST_AT_LEAST_1,
    )

    @override
    def rule(
        self, spec: ErrorRateSpec, wrong: WrongDecisions, training: Mapping[str, float]
    ) -> Rule:
        if spec.method == "Threshold":
            return Threshold(
                max_rate=fraction(spec.max),
                failures=spec.failures or 1,
                window=float(seconds(spec.window or "1m")),
            )
        ratio = float(spec.ratio or DEFAULT_RATIO)
        return ErrorRate(
            max_rate=fraction(spec.max),
            ratio=ratio,
            false_rollback=wrong.false_rollback,
            false_promotion=wrong.false_promotion,
            promote_ratio=max(PROMOTE_RATIO, ratio),
            burst=float(spec.burst) if spec.burst else None,
            min_blocks=spec.min_blocks,
        )

    @override
    def is_bounded(self, spec: ErrorRateSpec) -> bool:
        return spec.method != "Threshold"
