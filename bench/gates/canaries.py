"""Run simulated canaries of one hour through a gate of the product."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from bench.gates.pods import HOUR, Pod, Scenario

from davylamp.gates import (
    Count,
    GateState,
    Judgement,
    JudgementContext,
    Rule,
    Sample,
    Scrapes,
    ShareChange,
    Trial,
    Verdict,
    judge,
    start,
)
from davylamp.gates.counts import NOTHING
from davylamp.gates.evidence.overdispersion import Survey
from davylamp.gates.samples import increment
from davylamp.gates.states.history import advanced
from davylamp.simulation import peers
from davylamp.simulation.peers import ClassicRule
from davylamp.simulation.traffic import START, STEP

CHUNK: Final = 60.0
"""Seconds between two judgements; what was decided carries the time of its own sample."""

BURSTY: Final = Survey(total=Count(100_000, 1_000), cells=100, between=1e6, degrees=100)
"""Stable as no divisor of the evidence could make up for."""

Scenarios = Scenario | Callable[[int], Scenario]
"""One scenario for all canaries, or one for each seed."""


@dataclass(frozen=True, slots=True)
class Lens:
    """How pods are seen: every `step` seconds, and stable for `history` seconds before the start.

    Not `aligned`: several pods, each scraped at a moment of its own. `bursty`: the gate is told
    that stable's errors come in bursts, so that it bets on whole blocks.
    """

    step: float = STEP
    history: float = 0.0
    aligned: bool = True
    bursty: bool = False


DIRECT: Final = Lens()


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seconds from the start to the rollback and to the first pass; None if there was none.

    `seen` is what the canary had served when it was rolled back, or at the end.
    """

    rolled_back: float | None
    passed: float | None
    seen: Count = NOTHING


def run(scenario: Scenario, rule: Rule, seed: int, lens: Lens = DIRECT) -> Outcome:
    """One hour of a canary."""
    rng = random.Random(seed)
    trial = Trial(rule, START, (ShareChange(START, scenario.weight),), lens.step)
    canary, stable = _pods(scenario, rng, lens)
    state, passed = _opened(trial, lens), None
    for i in range(1, int(HOUR / CHUNK) + 1):
        until = i * CHUNK
        fresh = Scrapes(START + until, _scraped(stable, until, rng), _scraped(canary, until, rng))
        state, _ = advanced(trial, state, fresh)
        answer = _answer(trial, state, START + until, canary, stable)
        if answer.verdict is Verdict.FAIL and answer.decided_at is not None:
            return Outcome(answer.decided_at - START, passed, answer.candidate)
        if answer.decided_at is not None and passed is None:
            passed = answer.decided_at - START
    return Outcome(None, passed, Count(state.candidate.requests, state.candidate.errors))


def runs(scenario: Scenarios, rule: Rule, count: int, lens: Lens = DIRECT) -> list[Outcome]:
    """Give the outcomes of the seeds 0 to `count` - 1."""
    return [run(of_seed(scenario, seed), rule, seed, lens) for seed in range(count)]


def run_classic(scenario: Scenario, rule: ClassicRule, seed: int) -> Outcome:
    """The same hour of the same canary under a classic rule."""
    counts = _counted(scenario, seed)
    at = peers.rolled_back(rule, counts, STEP)
    end = len(counts) if at is None else int(at / STEP)
    return Outcome(at, None, sum(counts[:end], NOTHING))


def rolled_back(outcomes: Iterable[Outcome]) -> float:
    """Share of canaries that were rolled back."""
    found = [each.rolled_back is not None for each in outcomes]
    return sum(found) / len(found)


def _counted(scenario: Scenario, seed: int) -> list[Count]:
    """What the canary does between its scrapes; drawn as in `run`."""
    rng, found = random.Random(seed), list[Count]()
    canary, stable = _pods(scenario, rng, DIRECT)
    before = Sample(START, 0.0)
    for i in range(1, int(HOUR / CHUNK) + 1):
        _scraped(stable, i * CHUNK, rng)
        for sample in _scraped(canary, i * CHUNK, rng)["canary0"]:
            if sample.time > START:
                found.append(increment(before, sample))
            before = sample
    return found


def _opened(trial: Trial, lens: Lens) -> GateState:
    state = start(trial)
    return replace(state, survey=BURSTY) if lens.bursty else state


def of_seed(scenario: Scenarios, seed: int) -> Scenario:
    """The scenario of one canary."""
    return scenario if isinstance(scenario, Scenario) else scenario(seed)


def _answer(
    trial: Trial,
    state: GateState,
    now: float,
    canary: Mapping[str, Pod],
    stable: Mapping[str, Pod],
) -> Judgement:
    context = JudgementContext(now, frozenset(canary), frozenset(stable))
    return judge(trial, state, context)


def _pods(
    scenario: Scenario, rng: random.Random, lens: Lens
) -> tuple[dict[str, Pod], dict[str, Pod]]:
    """The pods of both revisions: one of each, or 2 and 6 that are scraped out of step.

    A survey of stable needs at least two of its pods.
    """
    sizes = (1, 1 if lens.history == 0 else 2) if lens.aligned else (2, 6)
    before = -round(lens.history / lens.step)
    weight, rps = scenario.weight, scenario.rps

    def arm(name: str, count: int, share: float, first: int) -> dict[str, Pod]:
        rates = scenario.canary if name == "canary" else scenario.stable
        phases = [0.0 if lens.aligned else rng.random() * (lens.step - 0.01) for _ in range(count)]
        return {
            f"{name}{i}": Pod(
                rps * share / count, rates, phase, scenario.cluster, lens.step, scraped=first
            )
            for i, phase in enumerate(phases)
        }

    return arm("canary", sizes[0], weight, 0), arm("stable", sizes[1], 1 - weight, before)


def _scraped(
    pods: Mapping[str, Pod], until: float, rng: random.Random
) -> Mapping[str, list[Sample]]:
    return {name: pod.until(until, rng) for name, pod in pods.items()}
