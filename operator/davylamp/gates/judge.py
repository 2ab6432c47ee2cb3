"""The judgement at one moment: evidence first, then what is missing, then what is still needed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import assert_never

from davylamp.gates import missing_data, verdicts
from davylamp.gates.evidence import e_process
from davylamp.gates.evidence.e_process import LogEValues
from davylamp.gates.evidence.overdispersion import design_effect
from davylamp.gates.forecast import detection_time
from davylamp.gates.messages import describe, sentences
from davylamp.gates.missing_data import Surroundings
from davylamp.gates.rules import (
    ErrorRate,
    GroupGap,
    Latency,
    Query,
    Rule,
    ScoreDistance,
    ShareDistance,
    Statistical,
    Threshold,
)
from davylamp.gates.states import query as query_state
from davylamp.gates.states import threshold
from davylamp.gates.states.history import WRONG_BOOK, GateState
from davylamp.gates.states.query import QueryState
from davylamp.gates.states.sequential import Crossing, SequentialState, Track
from davylamp.gates.states.threshold import ThresholdState
from davylamp.gates.trial import Trial
from davylamp.gates.verdicts import Judgement, Pair, Verdict


def judge(  # noqa: PLR0913 - the caller knows these seven things, and nothing groups them
    trial: Trial,
    state: GateState,
    *,
    now: float,
    ready_candidate_pods: frozenset[str],
    ready_stable_pods: frozenset[str],
    source_error: str | None = None,
    source_reason: str = verdicts.SOURCE_DOWN,
) -> Judgement:
    """Answer whether the canary is worse, as far as the samples in `state` tell.

    A `FAIL` once reached stays, whatever the source does later. Anything missing comes before a
    `PASS`. With no ready stable pod the canary is held to the absolute bound alone. `now` is in
    epoch seconds; `source_error` is set while the source cannot be asked.
    """
    around = Surroundings(now, ready_candidate_pods, ready_stable_pods, source_error, source_reason)
    missing = missing_data.gap(trial, state, around)
    open_answer = Judgement(
        Verdict.UNDECIDED, verdicts.GATHERING_EVIDENCE, "", state.candidate, state.stable
    )
    if missing:
        open_answer = replace(
            open_answer, verdict=Verdict.UNKNOWN, reason=missing.reason, message=missing.message
        )
    rule, book = trial.rule, state.book
    match book:
        case SequentialState() if not isinstance(rule, Threshold | Query):
            alone = not ready_stable_pods
            return _by_evidence(_Case(trial, rule, state, book, now, alone=alone), open_answer)
        case ThresholdState() if isinstance(rule, Threshold):
            return _by_windows(rule, book, open_answer)
        case QueryState() if isinstance(rule, Query):
            return _by_values(rule, book, open_answer)
        case SequentialState() | ThresholdState() | QueryState():
            raise TypeError(WRONG_BOOK)
        case _:
            assert_never(book)


def worse_reason(rule: Rule) -> str:
    """The reason with which a rule fails."""
    return _REASONS[type(rule)][0]


_REASONS = {
    ErrorRate: (verdicts.ERROR_RATE_WORSE, verdicts.ERROR_RATE_ACCEPTABLE),
    Threshold: (verdicts.ERROR_RATE_WORSE, verdicts.ERROR_RATE_ACCEPTABLE),
    Latency: (verdicts.LATENCY_WORSE, verdicts.LATENCY_ACCEPTABLE),
    ScoreDistance: (verdicts.PREDICTIONS_DIFFER, verdicts.PREDICTIONS_ALIKE),
    ShareDistance: (verdicts.EXPLANATIONS_DIFFER, verdicts.EXPLANATIONS_ALIKE),
    GroupGap: (verdicts.GROUP_GAP_WORSE, verdicts.GROUP_GAP_ACCEPTABLE),
    Query: (verdicts.QUERY_OUT_OF_BOUNDS, verdicts.QUERY_WITHIN_BOUNDS),
}
"""By rule: why it fails, and why it passes."""


@dataclass(frozen=True)
class _Case:
    """What a sequential judgement looks at; `alone` if there is no stable to compare with."""

    trial: Trial
    rule: Statistical
    state: GateState
    book: SequentialState
    now: float
    alone: bool

    @property
    def track(self) -> Track:
        return self.book.alone if self.alone else self.book.joint

    @property
    def seen(self) -> Pair:
        return Pair(self.state.candidate, self.state.stable)


def _by_evidence(case: _Case, answer: Judgement) -> Judgement:
    track = case.track
    at = e_process.levels(case.rule, track.evidence)
    counts = describe.bad(case.rule, case.seen)
    answer = replace(
        answer,
        candidate=counts.candidate,
        stable=counts.stable,
        log10_rollback=at.rollback / math.log(10),
        log10_promote=at.promote / math.log(10),
        blocks=track.evidence.blocks,
        effect=describe.effect(case.rule, case.seen),
        strength=sentences.strength(at.rollback, case.rule.false_rollback),
    )
    if track.worse:
        return _worse(case, track.worse, answer)
    if answer.verdict is Verdict.UNKNOWN:
        return answer
    if track.fine:
        return _fine(case, track.fine, answer)
    return _gathering(case, at, answer)


def _worse(case: _Case, crossing: Crossing, answer: Judgement) -> Judgement:
    seen = Pair(crossing.candidate, crossing.stable)
    counts = describe.bad(case.rule, seen)
    return replace(
        answer,
        verdict=Verdict.FAIL,
        reason=worse_reason(case.rule),
        message=sentences.worse(case.rule, seen, alone=crossing.alone),
        candidate=counts.candidate,
        stable=counts.stable,
        effect=describe.effect(case.rule, seen),
        decided_at=crossing.at,
    )


def _fine(case: _Case, crossing: Crossing, answer: Judgement) -> Judgement:
    """Pass, unless the canary is failing right now (as in an incident that hits both)."""
    rule = case.rule
    if isinstance(rule, ErrorRate):
        recent = case.book.recent_canary(case.now)
        if recent.rate > rule.tolerated_rate:
            return _held(case, rule, answer)
    return replace(
        answer,
        verdict=Verdict.PASS,
        reason=_REASONS[type(rule)][1],
        message=sentences.fine(rule, case.seen),
        decided_at=crossing.at,
    )


def _held(case: _Case, rule: ErrorRate, answer: Judgement) -> Judgement:
    """A canary that proved itself waits as long as it fails, be it with stable or alone."""
    if case.seen.stable.rate > rule.max_rate:
        message = sentences.both(rule, case.seen)
        return replace(answer, reason=verdicts.BOTH_FAIL, message=message)
    return replace(answer, message=sentences.held(rule, case.book.recent_canary(case.now)))


def _gathering(case: _Case, at: LogEValues, answer: Judgement) -> Judgement:
    rule = case.rule
    if isinstance(rule, ErrorRate) and case.seen.stable.rate > rule.max_rate:
        return _both(case, rule, at, answer)
    needed = detection_time.still_needed(
        case.rule,
        case.trial.weights[-1].weight,
        at,
        case.seen,
        design_effect(case.rule, case.state.survey),
    )
    message = sentences.gathering(case.rule, case.seen, needed)
    return replace(answer, message=message, requests_needed=needed)


def _both(case: _Case, rule: ErrorRate, at: LogEValues, answer: Judgement) -> Judgement:
    """Stable fails too: what decides is the difference, and how long that takes nobody can say."""
    alike = case.book.recent_canary(case.now).rate > rule.max_rate and at.rollback < math.log(2)
    message = sentences.gathering(rule, case.seen, None)
    if alike:
        message = sentences.both(rule, case.seen)
    reason = verdicts.BOTH_FAIL if alike else answer.reason
    return replace(answer, reason=reason, message=message)


def _by_windows(rule: Threshold, book: ThresholdState, answer: Judgement) -> Judgement:
    message = sentences.threshold(rule, book, answer.candidate)
    answer = replace(answer, blocks=book.good + book.bad)
    fine = threshold.says_fine(rule, book)
    return _counted(rule, answer, message, failed_at=book.failed_at, fine=fine)


def _by_values(rule: Query, book: QueryState, answer: Judgement) -> Judgement:
    answer = replace(answer, blocks=book.good + book.bad)
    fine = query_state.says_fine(rule, book)
    return _counted(rule, answer, sentences.query(rule, book), failed_at=book.failed_at, fine=fine)


def _counted(
    rule: Threshold | Query,
    answer: Judgement,
    message: str,
    *,
    failed_at: float | None,
    fine: bool,
) -> Judgement:
    """The answer of a rule that counts failures."""
    failed, passed = _REASONS[type(rule)]
    if failed_at is not None:
        return replace(
            answer, verdict=Verdict.FAIL, reason=failed, message=message, decided_at=failed_at
        )
    if answer.verdict is Verdict.UNKNOWN:
        return answer
    if fine:
        return replace(answer, verdict=Verdict.PASS, reason=passed, message=message)
    return replace(answer, message=message)
