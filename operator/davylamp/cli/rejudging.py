"""Judging a past canary again, scrape by scrape, by the code that judges live ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from davylamp.cli.counters import Pods
from davylamp.cli.past import Past
from davylamp.gates import (
    Around,
    Channel,
    Count,
    Judgement,
    Pair,
    Sample,
    Scrapes,
    Trial,
    Verdict,
    judge_all,
    open_panel,
    take_in,
)
from davylamp.gates.blocks import LOST_AFTER

ROLLBACK = "rollback"
PROMOTE = "promote"
UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Look:
    """A gate's answer at the end of one more block (or window); `since` are the counts since."""

    at: float
    gate: str
    weight: float
    since: Pair
    answer: Judgement


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
    trials, looks = past.trials(), list[Look]()
    panel, ruling = open_panel(trials), None
    for at, scrapes in _instants(past):
        panel = take_in(trials, panel, {Channel.ERRORS: scrapes}, {})
        answers = judge_all(trials, panel, _around(past, at))
        looks += _news(trials, looks, answers, at)
        ruling = _ruling(past, answers, at)
        if ruling.decision != UNDECIDED:
            break
    assert ruling is not None  # noqa: S101  (a past has samples)
    return Replay(trials, tuple(looks), ruling)


def _instants(past: Past) -> Iterator[tuple[float, Scrapes]]:
    """What was scraped at each moment; all that was before the start comes as one."""
    times = {
        sample.time
        for pods in (past.candidate, past.stable)
        for samples in pods.values()
        for sample in samples
    }
    moments = [past.started_at, *sorted(at for at in times if at > past.started_at)]
    start, candidate, stable = moments[0], _by_time(past.candidate), _by_time(past.stable)
    yield start, Scrapes(start, _until(past.stable, start), _until(past.candidate, start))
    for at in moments[1:]:
        yield at, Scrapes(at, stable.get(at, {}), candidate.get(at, {}))


def _by_time(pods: Pods) -> Mapping[float, Mapping[str, tuple[Sample, ...]]]:
    found: dict[float, dict[str, tuple[Sample, ...]]] = {}
    for pod, samples in pods.items():
        for sample in samples:
            found.setdefault(sample.time, {})[pod] = (sample,)
    return found


def _until(pods: Pods, end: float) -> Pods:
    return {pod: [each for each in samples if each.time <= end] for pod, samples in pods.items()}


def _around(past: Past, at: float) -> Around:
    """A pod is taken to be there from its first sample until it would be missed."""

    def living(pods: Pods) -> frozenset[str]:
        patience = LOST_AFTER * past.scrape_interval
        return frozenset(
            pod for pod, seen in pods.items() if seen[0].time <= at <= seen[-1].time + patience
        )

    return Around(at, living(past.candidate), living(past.stable))


def _news(
    trials: Mapping[str, Trial],
    looks: list[Look],
    answers: Mapping[str, Judgement],
    at: float,
) -> list[Look]:
    """A look for each gate that has closed a block since its last one."""
    fresh = []
    for gate, answer in answers.items():
        last = next((each for each in reversed(looks) if each.gate == gate), None)
        if answer.blocks > (last.answer.blocks if last else 0):
            since = _difference(answer, last.answer if last else None)
            fresh.append(Look(at, gate, trials[gate].weight_at(at), since, answer))
    return fresh


def _difference(now: Judgement, before: Judgement | None) -> Pair:
    if before is None:
        return Pair(now.candidate, now.stable)
    return Pair(_less(now.candidate, before.candidate), _less(now.stable, before.stable))


def _less(now: Count, before: Count) -> Count:
    return Count(now.requests - before.requests, now.errors - before.errors)


def _ruling(past: Past, answers: Mapping[str, Judgement], at: float) -> Ruling:
    for gate, answer in answers.items():
        if answer.verdict is Verdict.FAIL and past.takes_back(gate):
            return Ruling(ROLLBACK, answer.decided_at, gate, answer)
    counted = {gate: answer for gate, answer in answers.items() if gate not in past.silent}
    waiting = [gate for gate, each in counted.items() if each.verdict is not Verdict.PASS]
    if counted and not waiting:
        gate = max(counted, key=lambda each: counted[each].decided_at or -math.inf)
        return Ruling(PROMOTE, at, gate, counted[gate])
    gate = waiting[0] if waiting else next(iter(answers))
    return Ruling(UNDECIDED, None, gate, answers[gate])
