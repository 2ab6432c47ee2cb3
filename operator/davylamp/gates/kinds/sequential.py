"""What all anytime-valid rules share: evidence block by block, judged at any time.

Their bounds hold over the whole trial, however often it is looked at (`evidence.e_process`). A
kind says what a block means and how to put it in words; this file folds, judges and phrases.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Final

from typing_extensions import override

from davylamp.gates import missing_data
from davylamp.gates.context import JudgementContext, MissingData
from davylamp.gates.counts import Count, Pair
from davylamp.gates.evidence import e_process
from davylamp.gates.evidence.e_process import LogEValues, LogLikelihoodRatios
from davylamp.gates.evidence.error_rate import Lately
from davylamp.gates.evidence.overdispersion import DesignEffect, Survey
from davylamp.gates.forecast import forecast
from davylamp.gates.forecast.plan import Forecast, Plan
from davylamp.gates.messages import sentences
from davylamp.gates.states import sequential
from davylamp.gates.states.gate_state import Closing, GateState, Instant, own
from davylamp.gates.states.sequential import Crossing, SequentialState, Track
from davylamp.gates.trial import EvidenceBounds, Rule, Trial, require, within
from davylamp.gates.verdicts import Judgement, Verdict

MIN_BLOCKS: Final = 2
"""Blocks that must agree before a rollback, unless the user asks for more.

A source scrapes canary and stable pods at different moments, so one block may show an incident on
the canary that stable shows only in the next. Sample times out of step by more than a block, and
blocks in which stable fails too, ask for more (`blocks.agreeing`).
"""


@dataclass(frozen=True, slots=True)
class Case:
    """What a judgement by evidence looks at; `alone` if there is no stable to compare with."""

    trial: Trial
    state: GateState
    account: SequentialState
    now: float
    alone: bool

    @property
    def track(self) -> Track:
        """The evidence that counts."""
        return self.account.alone if self.alone else self.account.joint


@dataclass(frozen=True, kw_only=True)
class SequentialRule(Rule):
    """A rule that weighs evidence, and bounds the probabilities of wrong decisions.

    `false_rollback` bounds the probability of ever rolling back a canary that is not worse,
    `false_promotion` that of promoting one that is worse than tolerated. `burst` is the size of
    clusters inside one revision that must not count as independent (retries, batches); None leaves
    it to the kind. `horizon_blocks` is how many blocks long a canary may still turn bad at no loss
    of power. In the first `warm_up` seconds of a pod it is not judged.
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

    @property
    @override
    def pod_warm_up(self) -> float:
        return self.warm_up

    @property
    @override
    def evidence_bounds(self) -> EvidenceBounds | None:
        return self

    @abstractmethod
    def ratios(self, past: Pair, block: Pair, bets: Lately | None) -> LogLikelihoodRatios:
        """What a block says in which both revisions served; `past` are all blocks before it.

        With `bets` (averages of both error rates) whole blocks are bet on.
        """

    @abstractmethod
    def ratios_alone(self, past: Count, block: Count, bets: Lately | None) -> LogLikelihoodRatios:
        """What a block of canary traffic says where stable has no pods."""

    @abstractmethod
    def accepts(self, levels: LogEValues, past: Pair) -> bool:
        """Whether so much is known that the canary may be promoted."""

    @abstractmethod
    def assumed_effect(self, survey: Survey) -> DesignEffect:
        """The design effect where no `burst` is stated, after what stable did before the trial."""

    @abstractmethod
    def still_needed(
        self, weight: float, at: LogEValues, counted: Pair, effect: DesignEffect
    ) -> int | None:
        """Canary requests until a decision if both revisions go on like this; None if unknown."""

    @abstractmethod
    def described(self, counted: Pair, *, alone: bool = False) -> str:
        """Say how the canary stands against stable; `alone` if stable has no pods."""

    @abstractmethod
    def beyond(self, *, alone: bool) -> str:
        """Say which bounds a worse canary is beyond."""

    @abstractmethod
    def inside(self) -> str:
        """Say which bounds an acceptable canary is within."""

    @abstractmethod
    def assurance(self) -> str:
        """Say how sure it is that an acceptable canary is one."""

    def design_effect(self, survey: Survey) -> DesignEffect:
        """By how much what comes together counts less; a stated `burst` is taken as it is."""
        if self.burst is not None:
            return DesignEffect(self.burst, self.burst)
        return self.assumed_effect(survey)

    def calm(self, survey: Survey) -> float:
        """The error rate up to which stable does as it did before the trial."""
        del survey
        return 1.0

    def described_so_far(self, counted: Pair) -> str:
        """Say how a canary stands that nothing is decided about."""
        return self.described(counted)

    def bad(self, counted: Pair) -> Pair:
        """The counts in which `errors` is what the rule takes for bad."""
        return counted

    def effect(self, counted: Pair) -> str:
        """The size of the difference, with an interval that holds at any time; may be empty."""
        del counted
        return ""

    def worse_sentence(self, counted: Pair, *, alone: bool) -> str:
        """Say why a canary is rolled back."""
        described = self.described(counted, alone=alone)
        return sentences.worse(described, self.beyond(alone=alone), self.false_rollback)

    def acceptable_sentence(self, counted: Pair) -> str:
        """Say why a canary may be promoted."""
        return f"{self.described(counted)}: {self.inside()}; {self.assurance()}"

    def gathering_sentence(self, counted: Pair, needed: int | None) -> str:
        """Say what there is so far and what is still needed."""
        return sentences.gathering(self.described_so_far(counted), needed)

    @override
    def opened(self, trial: Trial) -> SequentialState:
        return sequential.opened(trial)

    @override
    def entered(
        self, trial: Trial, account: object, instant: Instant
    ) -> tuple[SequentialState, Closing | None]:
        return sequential.entered(trial, self, own(account, SequentialState), instant)

    @override
    def missing(
        self, trial: Trial, state: GateState, context: JudgementContext
    ) -> MissingData | None:
        return missing_data.of_samples(trial, state, context)

    @override
    def forecast(self, trial: Trial, state: GateState, plan: Plan) -> Forecast | None:
        """Stable's traffic; a kind that knows how long a decision takes says more."""
        return forecast.of_traffic(state.survey)

    @override
    def judged(
        self, trial: Trial, state: GateState, context: JudgementContext, answer: Judgement
    ) -> Judgement:
        account = own(state.account, SequentialState)
        case = Case(trial, state, account, context.now, alone=not context.stable_pods)
        at = e_process.levels(self, case.track.evidence)
        answer = self._weighed(case, at, answer)
        if case.track.worse:
            return self._worse(case.track.worse, answer)
        if answer.verdict is Verdict.UNKNOWN:
            return answer
        if case.track.acceptable:
            return self.passed_case(case, case.track.acceptable, answer)
        return self.open_case(case, at, answer)

    def passed_case(self, case: Case, crossing: Crossing, answer: Judgement) -> Judgement:
        """The judgement of a canary with enough evidence for promotion."""
        return replace(
            answer,
            verdict=Verdict.PASS,
            reason=self.acceptable_reason,
            message=self.acceptable_sentence(case.state.counted),
            decided_at=crossing.at,
        )

    def open_case(self, case: Case, at: LogEValues, answer: Judgement) -> Judgement:
        """The judgement while there is not enough evidence for anything."""
        counted, weight = case.state.counted, case.trial.weights[-1].weight
        needed = self.still_needed(weight, at, counted, self.design_effect(case.state.survey))
        message = self.gathering_sentence(counted, needed)
        return replace(answer, message=message, requests_needed=needed)

    @override
    def rejected(self, answer: Judgement, total: Pair, at: float) -> Judgement:
        counts = self.bad(total)
        return replace(
            answer,
            verdict=Verdict.FAIL,
            reason=self.worse_reason,
            message=self.described_so_far(total),
            candidate=counts.candidate,
            stable=counts.stable,
            effect=self.effect(total),
            requests_needed=None,
            decided_at=at,
        )

    def _weighed(self, case: Case, at: LogEValues, answer: Judgement) -> Judgement:
        """The answer with the evidence of the moment."""
        counted = case.state.counted
        counts = self.bad(counted)
        return replace(
            answer,
            candidate=counts.candidate,
            stable=counts.stable,
            log10_rollback=at.rollback / math.log(10),
            log10_promote=at.promote / math.log(10),
            blocks=case.track.evidence.blocks,
            effect=self.effect(counted),
            strength=sentences.strength(at.rollback, self.false_rollback),
        )

    def _worse(self, crossing: Crossing, answer: Judgement) -> Judgement:
        total = Pair(crossing.candidate, crossing.stable)
        message = self.worse_sentence(total, alone=crossing.alone)
        return replace(self.rejected(answer, total, crossing.at), message=message)
