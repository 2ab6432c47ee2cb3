"""Judging a past canary again, scrape by scrape, with the code that judges live ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from davylamp.cli.replay.input import PastAttempt
from davylamp.gates import (
    Arm,
    Channel,
    Count,
    GateFamily,
    Judgement,
    JudgementContext,
    Pair,
    Sample,
    Scrapes,
    Trial,
    Verdict,
    judge_all,
    open_family,
    take_in,
)
from davylamp.gates.recording.query_values import answers_of
from davylamp.gates.states.blocks import LOST_AFTER
from davylamp.gates.values import Value, later

ROLLBACK = "rollback"
PROMOTE = "promote"
UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class BlockResult:
    """The judgement of a gate at the end of a block, or of a window; `added` are its counts.

    `value` is what a user query gave.
    """

    at: float
    gate: str
    weight: float
    added: Pair
    judgement: Judgement
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """How the replay ended: with the first of rollback and promotion, or undecided.

    `at` is the time of the sample that decided, None if undecided. `gate` and `judgement` are what
    decided, or the first that the promotion still waits for.
    """

    decision: str
    at: float | None
    gate: str
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Replay:
    """All blocks until the decision, and the outcome."""

    trials: Mapping[str, Trial]
    blocks: tuple[BlockResult, ...]
    outcome: ReplayOutcome


def replayed(past: PastAttempt) -> Replay:
    """Judge a past canary until the first decision or the last sample."""
    trials, blocks = past.trials, list[BlockResult]()
    family, outcome = open_family(trials), None
    for instant in _instants(past):
        at, own = instant.at, {gate: answers_of([v]) for gate, v in instant.values.items()}
        family = take_in(trials, family, instant.scrapes, own)
        judgements = _judged(past, family, at)
        blocks += _closed(trials, blocks, judgements, instant)
        outcome = _outcome(past, judgements, at, may_pass=_may_pass(past, at))
        if outcome.decision != UNDECIDED:
            break
    assert outcome is not None  # noqa: S101  (an attempt has samples)
    return Replay(trials, tuple(blocks), outcome)


def _judged(past: PastAttempt, family: GateFamily, at: float) -> Mapping[str, Judgement]:
    judgements = judge_all(past.trials, family, _context(past, at))
    return {gate: one.naming(past.rollout.names) for gate, one in judgements.items()}


@dataclass(frozen=True, slots=True)
class _Instant:
    """What was scraped at one moment, by channel, and what user queries gave, by gate."""

    at: float
    scrapes: Mapping[Channel, Scrapes]
    values: Mapping[str, Value]


def _instants(past: PastAttempt) -> Iterator[_Instant]:
    """The measurements, moment by moment; all samples from before the start come at the start."""
    start, measured = past.started_at, past.measured
    scrapes = {channel: _by_time(start, series) for channel, series in measured.channels.items()}
    values = {
        gate: {value.at: value for value in later(answers, start)}
        for gate, answers in measured.answers.items()
    }
    moments = {at for by_time in (*scrapes.values(), *values.values()) for at in by_time}
    for at in sorted({start, *moments}):
        nothing = Scrapes(at)
        yield _Instant(
            at,
            {channel: by_time.get(at, nothing) for channel, by_time in scrapes.items()},
            {gate: by_time[at] for gate, by_time in values.items() if at in by_time},
        )


def _by_time(start: float, scrapes: Scrapes) -> Mapping[float, Scrapes]:
    """The samples of one channel by time, those from before the start at the start."""
    arms_at: dict[float, dict[Arm, dict[str, list[Sample]]]] = {}
    for arm, pods in ((Arm.CANDIDATE, scrapes.candidate), (Arm.STABLE, scrapes.stable)):
        for pod, samples in pods.items():
            for sample in samples:
                arms = arms_at.setdefault(max(start, sample.time), {side: {} for side in Arm})
                arms[arm].setdefault(pod, []).append(sample)
    return {at: Scrapes(at, arms[Arm.STABLE], arms[Arm.CANDIDATE]) for at, arms in arms_at.items()}


def _context(past: PastAttempt, at: float) -> JudgementContext:
    """A pod counts as running from its first sample until it would be missed."""
    patience = LOST_AFTER * past.measured.scrape_interval

    def running(pods: Mapping[str, Sequence[Sample]]) -> Iterator[str]:
        for pod, samples in pods.items():
            if samples[0].time <= at <= samples[-1].time + patience:
                yield pod

    channels = past.measured.channels.values()
    candidate = frozenset(pod for scrapes in channels for pod in running(scrapes.candidate))
    stable = frozenset(pod for scrapes in channels for pod in running(scrapes.stable))
    return JudgementContext(at, candidate, stable)


def _closed(
    trials: Mapping[str, Trial],
    blocks: Sequence[BlockResult],
    judgements: Mapping[str, Judgement],
    instant: _Instant,
) -> list[BlockResult]:
    """A result for every gate that has closed a block since its last one."""
    closed = []
    for gate, judgement in judgements.items():
        last = next((block.judgement for block in reversed(blocks) if block.gate == gate), None)
        if judgement.blocks > (last.blocks if last else 0):
            added = _difference(judgement, last)
            share, value = trials[gate].weight_at(instant.at), instant.values.get(gate)
            closed.append(BlockResult(instant.at, gate, share, added, judgement, value))
    return closed


def _difference(now: Judgement, before: Judgement | None) -> Pair:
    if before is None:
        return Pair(now.candidate, now.stable)
    return Pair(_less(now.candidate, before.candidate), _less(now.stable, before.stable))


def _less(now: Count, before: Count) -> Count:
    return Count(now.requests - before.requests, now.errors - before.errors)


def _may_pass(past: PastAttempt, at: float) -> bool:
    """Whether gates may pass: a rule that counts failures does not before the last sample."""
    if past.in_probation:
        return False
    asked = (trial.rule for gate, trial in past.trials.items() if gate not in past.silent)
    counting = any(rule.evidence_bounds is None for rule in asked)
    return at >= past.ended_at if counting else True


def _outcome(
    past: PastAttempt, judgements: Mapping[str, Judgement], at: float, *, may_pass: bool
) -> ReplayOutcome:
    for gate, judgement in judgements.items():
        if judgement.verdict is Verdict.FAIL and past.rolls_back(gate):
            return ReplayOutcome(ROLLBACK, judgement.decided_at, gate, judgement)
    needed = {gate: one for gate, one in judgements.items() if gate not in past.silent}
    waiting = [gate for gate, one in needed.items() if one.verdict is not Verdict.PASS]
    if needed and not waiting and may_pass:
        last = max(needed, key=lambda gate: needed[gate].decided_at or -math.inf)
        return ReplayOutcome(PROMOTE, at, last, needed[last])
    first = waiting[0] if waiting else next(iter(judgements))
    return ReplayOutcome(UNDECIDED, None, first, judgements[first])
