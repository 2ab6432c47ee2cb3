"""Run one simulated canary through the product's own gate."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from bench.gates.traffic import HOUR, START, Pod, Scenario

from davylamp.gates import (
    Rule,
    Scrapes,
    Trial,
    Verdict,
    WeightChange,
    judge,
    start,
    update,
)

CHUNK = 60.0


@dataclass(frozen=True)
class Outcome:
    """Seconds from the start to the rollback and to the first pass; None if there was none."""

    rolled_back: float | None
    passed: float | None


def run(scenario: Scenario, rule: Rule, seed: int, *, aligned: bool = True) -> Outcome:
    """One hour of a canary; not `aligned`: several pods, each scraped at a moment of its own."""
    rng = random.Random(seed)
    canary, stable = _pods(scenario, rng, aligned=aligned)
    trial = Trial(rule, START, (WeightChange(START, scenario.weight),))
    state, passed = start(trial), None
    for i in range(1, int(HOUR / CHUNK) + 1):
        until = i * CHUNK
        fresh = Scrapes(START + until, _scraped(stable, until, rng), _scraped(canary, until, rng))
        state = update(trial, state, fresh)
        answer = judge(
            trial,
            state,
            now=START + until,
            ready_candidate_pods=frozenset(canary),
            ready_stable_pods=frozenset(stable),
            source_error=None,
        )
        if answer.decided_at is not None and answer.verdict is Verdict.FAIL:
            return Outcome(answer.decided_at - START, passed)
        if answer.decided_at is not None and passed is None:
            passed = answer.decided_at - START
    return Outcome(None, passed)


def runs(scenario: Scenario, rule: Rule, count: int, *, aligned: bool = True) -> list[Outcome]:
    """Give the outcomes of the seeds 0 to `count` - 1."""
    return [run(scenario, rule, seed, aligned=aligned) for seed in range(count)]


def rolled_back(outcomes: Iterable[Outcome]) -> float:
    """Share of canaries that were rolled back."""
    found = [each.rolled_back is not None for each in outcomes]
    return sum(found) / len(found)


def quantile(times: Iterable[float | None], share: float) -> float | None:
    """Quantile of decision times; None if it lies beyond the hour."""
    ordered = sorted(each if each is not None else HOUR * 2 for each in times)
    found = ordered[min(len(ordered) - 1, int(share * len(ordered)))]
    return found if found <= HOUR else None


def _pods(
    scenario: Scenario, rng: random.Random, *, aligned: bool
) -> tuple[dict[str, Pod], dict[str, Pod]]:
    def arm(name: str, count: int, rps: float, rates: object) -> dict[str, Pod]:
        phases = [0.0 if aligned else rng.random() * 4.99 for _ in range(count)]
        return {
            f"{name}{i}": Pod(rps / count, rates, phase, scenario.cluster)  # type: ignore[arg-type]
            for i, phase in enumerate(phases)
        }

    size = (1, 1) if aligned else (2, 6)
    w = scenario.weight
    return (
        arm("canary", size[0], scenario.rps * w, scenario.canary),
        arm("stable", size[1], scenario.rps * (1 - w), scenario.stable),
    )


def _scraped(pods: dict[str, Pod], until: float, rng: random.Random):  # noqa: ANN202
    return {name: pod.until(until, rng) for name, pod in pods.items()}
