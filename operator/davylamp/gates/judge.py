"""The judgement at one moment: evidence first, then what is missing, then what is still needed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from davylamp.gates import availability, planning, sequential, threshold, verdicts, wording
from davylamp.gates.availability import Surroundings
from davylamp.gates.history import GateState
from davylamp.gates.rules import Sequential, Threshold, Trial
from davylamp.gates.sequential import Levels
from davylamp.gates.sequential_book import Crossing, SequentialBook, Track
from davylamp.gates.threshold import ThresholdBook
from davylamp.gates.verdicts import Judgement, Verdict


def judge(  # noqa: PLR0913 - the caller knows these six things, and nothing groups them
    trial: Trial,
    state: GateState,
    *,
    now: float,
    ready_candidate_pods: frozenset[str],
    ready_stable_pods: frozenset[str],
    source_error: str | None = None,
) -> Judgement:
    """Answer whether the canary is worse, as far as the samples in `state` tell.

    A `FAIL` once reached stays, whatever the source does later. Anything missing comes before a
    `PASS`. With no ready stable pod the canary is held to the absolute bound alone. `now` is in
    epoch seconds; `source_error` is set while the source cannot be asked.
    """
    around = Surroundings(now, ready_candidate_pods, ready_stable_pods, source_error)
    missing = availability.gap(trial, state, around)
    open_answer = Judgement(
        Verdict.UNDECIDED, verdicts.GATHERING_EVIDENCE, "", state.candidate, state.stable
    )
    if missing:
        open_answer = replace(
            open_answer, verdict=Verdict.UNKNOWN, reason=missing.reason, message=missing.message
        )
    match trial.rule, state.book:
        case Sequential() as rule, SequentialBook() as book:
            alone = not ready_stable_pods
            return _by_evidence(_Case(trial, rule, book, now, alone=alone), open_answer)
        case Threshold() as rule, ThresholdBook() as windows:
            return _by_windows(rule, windows, open_answer)
        case _:
            raise TypeError("this state belongs to a trial under another rule")


@dataclass(frozen=True)
class _Case:
    """What a sequential judgement looks at; `alone` if there is no stable to compare with."""

    trial: Trial
    rule: Sequential
    book: SequentialBook
    now: float
    alone: bool

    @property
    def track(self) -> Track:
        return self.book.alone if self.alone else self.book.joint


def _by_evidence(case: _Case, answer: Judgement) -> Judgement:
    track = case.track
    at = sequential.levels(case.rule, track.evidence)
    answer = replace(
        answer,
        log10_rollback=at.rollback / math.log(10),
        log10_promote=at.promote / math.log(10),
        blocks=track.evidence.blocks,
    )
    if track.worse:
        return _worse(case, track.worse, answer)
    if answer.verdict is Verdict.UNKNOWN:
        return answer
    if track.fine:
        return _fine(case, track.fine, answer)
    return _gathering(case, at, answer)


def _worse(case: _Case, crossing: Crossing, answer: Judgement) -> Judgement:
    candidate, stable = crossing.candidate, crossing.stable
    return replace(
        answer,
        verdict=Verdict.FAIL,
        reason=verdicts.ERROR_RATE_WORSE,
        message=wording.worse(case.rule, candidate, stable, alone=crossing.alone),
        candidate=candidate,
        stable=stable,
        decided_at=crossing.at,
    )


def _fine(case: _Case, crossing: Crossing, answer: Judgement) -> Judgement:
    """Pass, unless the canary is failing right now (as in an incident that hits both)."""
    recent = case.book.recent_canary(case.now)
    if recent.rate > case.rule.tolerated_rate:
        return replace(answer, message=wording.held(case.rule, recent))
    return replace(
        answer,
        verdict=Verdict.PASS,
        reason=verdicts.ERROR_RATE_ACCEPTABLE,
        message=wording.fine(case.rule, answer.candidate, answer.stable),
        decided_at=crossing.at,
    )


def _gathering(case: _Case, at: Levels, answer: Judgement) -> Judgement:
    weight = case.trial.weights[-1].weight
    needed = planning.requests_still_needed(
        case.rule, weight, at, candidate=answer.candidate, stable=answer.stable
    )
    message = wording.gathering(answer.candidate, answer.stable, needed)
    return replace(answer, message=message, requests_needed=needed)


def _by_windows(rule: Threshold, book: ThresholdBook, answer: Judgement) -> Judgement:
    message = wording.threshold(rule, book, answer.candidate)
    answer = replace(answer, blocks=book.good + book.bad)
    if book.failed_at is not None:
        return replace(
            answer,
            verdict=Verdict.FAIL,
            reason=verdicts.ERROR_RATE_WORSE,
            message=message,
            decided_at=book.failed_at,
        )
    if answer.verdict is Verdict.UNKNOWN:
        return answer
    if threshold.says_fine(rule, book):
        return replace(
            answer,
            verdict=Verdict.PASS,
            reason=verdicts.ERROR_RATE_ACCEPTABLE,
            message=message,
        )
    return replace(answer, message=message)
