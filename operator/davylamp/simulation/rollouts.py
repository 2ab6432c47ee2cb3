"""Whole simulated rollouts: a spec's steps and gates, and the classic rules, on the same traffic."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from davylamp.gates import (
    Channel,
    Count,
    GateFamily,
    Judgement,
    JudgementContext,
    Pair,
    Sample,
    Scrapes,
    ShareChange,
    Trial,
    Verdict,
    judge_all,
    open_family,
    take_in,
)
from davylamp.simulation.peers import ClassicRule, rolled_back
from davylamp.simulation.plans import Schedule
from davylamp.simulation.traffic import START, STEP, drawn

HISTORY: Final = 600.0
"""Seconds of stable's traffic that the operator has read before the canary."""
CHUNK: Final = 6
"""Scrapes between two judgements; what was decided carries the time of its own scrape."""
_STABLE: Final = ("stable-0", "stable-1")
_CANARY: Final = "canary-0"
_READY: Final = (frozenset({_CANARY}), frozenset(_STABLE))


@dataclass(frozen=True, slots=True)
class SimulatedTraffic:
    """Requests per second to both revisions together, and their error rates."""

    rps: float
    stable: float
    canary: float


@dataclass(frozen=True, slots=True)
class Fate:
    """How a canary ended: `at` seconds after its first traffic, after this many bad answers."""

    end: str
    at: float
    bad: int


ROLLED_BACK: Final = "rollback"
PROMOTED: Final = "promote"
UNDECIDED: Final = "undecided"


@dataclass
class Stream:
    """What both revisions did in consecutive intervals between scrapes; drawn when needed."""

    traffic: SimulatedTraffic
    schedule: Schedule
    rng: random.Random
    drawn: list[Pair] = field(default_factory=list)

    def first(self, intervals: int) -> Sequence[Pair]:
        """The first so many intervals."""
        while len(self.drawn) < intervals:
            share = self.schedule.share(len(self.drawn) * STEP)
            expected = self.traffic.rps * STEP
            canary = drawn(expected * share, self.traffic.canary, self.rng)
            stable = drawn(expected * (1 - share), self.traffic.stable, self.rng)
            self.drawn.append(Pair(canary, stable))
        return self.drawn[:intervals]

    def before(self) -> list[Count]:
        """What one of two stable pods did in the scrapes before the canary."""
        expected = self.traffic.rps * STEP / 2
        return [drawn(expected, self.traffic.stable, self.rng) for _ in range(int(HISTORY / STEP))]


def product(trials: Mapping[str, Trial], stream: Stream, limit: float) -> Fate:
    """What the product's gates do with a canary, at most `limit` seconds long."""
    shifted = {name: _at_start(trial) for name, trial in trials.items()}
    family, counters = _surveyed(shifted, open_family(shifted), stream)
    for end in range(CHUNK, int(limit / STEP) + CHUNK, CHUNK):
        scrapes = counters.scraped(stream.first(end)[end - CHUNK :], end - CHUNK)
        family = take_in(shifted, family, _by_channel(shifted, scrapes), {})
        fate = _fate(shifted, family, stream, end)
        if fate:
            return fate
    return Fate(UNDECIDED, limit, _bad(stream, limit))


def classic(rule: ClassicRule, stream: Stream) -> Fate:
    """What a classic rule does with the same canary, promoted when its steps are over."""
    ends = stream.schedule.ends
    counts = [pair.candidate for pair in stream.first(int(ends / STEP))]
    at = rolled_back(rule, counts, STEP)
    if at is None:
        return Fate(PROMOTED, ends, _bad(stream, ends))
    return Fate(ROLLED_BACK, at, _bad(stream, at))


@dataclass
class _Counters:
    """Cumulative counters of the canary and of stable's two pods."""

    canary: Count = field(default_factory=Count)
    stable: list[Count] = field(default_factory=lambda: [Count(), Count()])

    def scraped(self, intervals: Sequence[Pair], done: int) -> Scrapes:
        """The samples after each of some intervals, of which `done` went before."""
        canary: list[Sample] = []
        stable: tuple[list[Sample], ...] = ([], [])
        for i, pair in enumerate(intervals, start=done + 1):
            at = START + i * STEP
            self.canary += pair.candidate
            canary.append(_sample(at, self.canary))
            for pod, part in enumerate(_halves(pair.stable)):
                self.stable[pod] += part
                stable[pod].append(_sample(at, self.stable[pod]))
        until = START + (done + len(intervals)) * STEP
        return Scrapes(until, dict(zip(_STABLE, stable, strict=True)), {_CANARY: canary})


def _surveyed(
    trials: Mapping[str, Trial], family: GateFamily, stream: Stream
) -> tuple[GateFamily, _Counters]:
    """Let the gates read stable before the canary: its two pods, each with traffic of its own."""
    counters = _Counters()
    samples: tuple[list[Sample], ...] = ([], [])
    for pod in range(2):
        before = stream.before()
        for i, count in enumerate(before, start=1):
            counters.stable[pod] += count
            at = START + (i - len(before)) * STEP
            samples[pod].append(_sample(at, counters.stable[pod]))
    scrapes = Scrapes(START, dict(zip(_STABLE, samples, strict=True)), {})
    return take_in(trials, family, _by_channel(trials, scrapes), {}), counters


def _fate(
    trials: Mapping[str, Trial], family: GateFamily, stream: Stream, intervals: int
) -> Fate | None:
    """The end of a canary, once there is one."""
    now = intervals * STEP
    answers = judge_all(trials, family, JudgementContext(START + now, *_READY)).values()
    failed = [
        answer.decided_at
        for answer in answers
        if answer.verdict is Verdict.FAIL and answer.decided_at
    ]
    if failed:
        at = min(failed) - START
        return Fate(ROLLED_BACK, at, _bad(stream, at))
    if now >= stream.schedule.ends and all(answer.verdict is Verdict.PASS for answer in answers):
        at = max(stream.schedule.ends, *map(_passed_at, answers))
        return Fate(PROMOTED, at, _bad(stream, at))
    return None


def _passed_at(answer: Judgement) -> float:
    return 0.0 if answer.decided_at is None else answer.decided_at - START


def _bad(stream: Stream, at: float) -> int:
    return sum(pair.candidate.errors for pair in stream.first(int(at / STEP)))


def _at_start(trial: Trial) -> Trial:
    """The trial at the simulated start."""
    weights = tuple(ShareChange(START + w.at, w.weight) for w in trial.weights)
    return replace(trial, started_at=START, weights=weights)


def _sample(at: float, count: Count) -> Sample:
    return Sample(at, float(count.requests), float(count.errors))


def _by_channel(trials: Mapping[str, Trial], scrapes: Scrapes) -> Mapping[Channel, Scrapes]:
    """The same traffic on each channel that is judged."""
    channels = {trial.rule.channel for trial in trials.values()}
    return {channel: _on(channel, scrapes) for channel in channels if channel is not None}


def _on(channel: Channel, scrapes: Scrapes) -> Scrapes:
    if not channel.has_parts:
        return scrapes

    def made(pods: Mapping[str, Sequence[Sample]]) -> dict[str, list[Sample]]:
        return {pod: [_simulated(channel, sample) for sample in pods[pod]] for pod in pods}

    return Scrapes(scrapes.until, made(scrapes.stable), made(scrapes.candidate))


def _simulated(channel: Channel, sample: Sample) -> Sample:
    count = channel.simulated(Count(round(sample.requests), round(sample.errors)))
    if count is None:
        raise ValueError(f"channel {channel.name} cannot be simulated")
    return Sample(sample.time, float(count.requests), float(count.errors), count.parts)


def _halves(count: Count) -> tuple[Count, Count]:
    """What two pods did of a count."""
    first = Count(count.requests // 2, count.errors // 2)
    return first, Count(count.requests - first.requests, count.errors - first.errors)
