"""Judging a past canary again, scrape by scrape, by the code that judges live ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from davylamp.cli.replay.input import Past
from davylamp.gates import (
    Arm,
    Channel,
    Count,
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
class Look:
    """A gate's answer at the end of one more block (or window); `since` are the counts since.

    `value` is what its own query gave.
    """

    at: float
    gate: str
    weight: float
    since: Pair
    answer: Judgement
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """What became of the canary: the first of rollback and promotion, or neither.

    `at` is the time of the sample that decided, None where nothing did. `gate` and `answer` are
    those that decided, or that have the most to say.
    """

    decision: str
    at: float | None
    gate: str
    answer: Judgement


@dataclass(frozen=True, slots=True)
class Replay:
    """All blocks until the decision, and the decision."""

    trials: Mapping[str, Trial]
    looks: tuple[Look, ...]
    ruling: Ruling


def rejudged(past: Past) -> Replay:
    """Judge a past canary until the first decision or the last sample."""
    trials, looks = past.trials, list[Look]()
    family, ruling = open_family(trials), None
    for instant in _instants(past):
        at, own = instant.at, {gate: answers_of([v]) for gate, v in instant.values.items()}
        family = take_in(trials, family, instant.scrapes, own)
        answers = judge_all(trials, family, _context(past, at))
        looks += _news(trials, looks, answers, instant)
        ruling = _ruling(past, answers, at, may_pass=_may_pass(past, at))
        if ruling.decision != UNDECIDED:
            break
    assert ruling is not None  # noqa: S101  (a past has samples)
    return Replay(trials, tuple(looks), ruling)


@dataclass(frozen=True, slots=True)
class _Instant:
    """What was scraped at one moment, by channel, and what own queries gave, by gate."""

    at: float
    scrapes: Mapping[Channel, Scrapes]
    values: Mapping[str, Value]


def _instants(past: Past) -> Iterator[_Instant]:
    """All that was seen, moment by moment; all counters from before the start come as one."""
    start, seen = past.started_at, past.seen
    cut = {channel: _cut(start, scrapes) for channel, scrapes in seen.channels.items()}
    own = {gate: {v.at: v for v in later(told, start)} for gate, told in seen.answers.items()}
    moments = {at for found in (*cut.values(), *own.values()) for at in found}
    for at in sorted({start, *moments}):
        nothing = Scrapes(at)
        yield _Instant(
            at,
            {channel: found.get(at, nothing) for channel, found in cut.items()},
            {gate: found[at] for gate, found in own.items() if at in found},
        )


def _cut(start: float, seen: Scrapes) -> Mapping[float, Scrapes]:
    """One channel's samples by moment, those before the start at the start."""
    found: dict[float, dict[Arm, dict[str, list[Sample]]]] = {}
    for arm, pods in ((Arm.CANDIDATE, seen.candidate), (Arm.STABLE, seen.stable)):
        for pod, samples in pods.items():
            for sample in samples:
                sides = found.setdefault(max(start, sample.time), {each: {} for each in Arm})
                sides[arm].setdefault(pod, []).append(sample)
    return {at: Scrapes(at, sides[Arm.STABLE], sides[Arm.CANDIDATE]) for at, sides in found.items()}


def _context(past: Past, at: float) -> JudgementContext:
    """A pod is taken to be there from its first sample until it would be missed."""
    patience = LOST_AFTER * past.seen.scrape_interval

    def living(pods: Mapping[str, Sequence[Sample]]) -> Iterator[str]:
        for pod, seen in pods.items():
            if seen[0].time <= at <= seen[-1].time + patience:
                yield pod

    channels = past.seen.channels.values()
    candidates = frozenset(pod for seen in channels for pod in living(seen.candidate))
    stable = frozenset(pod for seen in channels for pod in living(seen.stable))
    return JudgementContext(at, candidates, stable)


def _news(
    trials: Mapping[str, Trial],
    looks: list[Look],
    answers: Mapping[str, Judgement],
    instant: _Instant,
) -> list[Look]:
    """A look for each gate that has closed a block since its last one."""
    fresh = []
    for gate, answer in answers.items():
        last = next((each for each in reversed(looks) if each.gate == gate), None)
        if answer.blocks > (last.answer.blocks if last else 0):
            since = _difference(answer, last.answer if last else None)
            share, value = trials[gate].weight_at(instant.at), instant.values.get(gate)
            fresh.append(Look(instant.at, gate, share, since, answer, value))
    return fresh


def _difference(now: Judgement, before: Judgement | None) -> Pair:
    if before is None:
        return Pair(now.candidate, now.stable)
    return Pair(_less(now.candidate, before.candidate), _less(now.stable, before.stable))


def _less(now: Count, before: Count) -> Count:
    return Count(now.requests - before.requests, now.errors - before.errors)


def _may_pass(past: Past, at: float) -> bool:
    """A rule that counts failures has not passed while there is more to count."""
    if past.in_probation:
        return False
    asked = (trial.rule for gate, trial in past.trials.items() if gate not in past.silent)
    counting = any(rule.evidence_bounds is None for rule in asked)
    return at >= past.ended_at if counting else True


def _ruling(past: Past, answers: Mapping[str, Judgement], at: float, *, may_pass: bool) -> Ruling:
    for gate, answer in answers.items():
        if answer.verdict is Verdict.FAIL and past.takes_back(gate):
            return Ruling(ROLLBACK, answer.decided_at, gate, answer)
    counted = {gate: answer for gate, answer in answers.items() if gate not in past.silent}
    waiting = [gate for gate, each in counted.items() if each.verdict is not Verdict.PASS]
    if counted and not waiting and may_pass:
        gate = max(counted, key=lambda each: counted[each].decided_at or -math.inf)
        return Ruling(PROMOTE, at, gate, counted[gate])
    gate = waiting[0] if waiting else next(iter(answers))
    return Ruling(UNDECIDED, None, gate, answers[gate])
