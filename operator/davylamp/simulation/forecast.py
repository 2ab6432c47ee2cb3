"""What a spec's settings mean for some traffic: wrong rollbacks, and when bad canaries are detected."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from davylamp.api.spec import ModelDeploymentSpec
from davylamp.gates.kinds.base import WrongDecisions
from davylamp.rollout.trials import rule_of
from davylamp.schema.quantities import fraction, seconds
from davylamp.simulation import plans
from davylamp.simulation.outcomes import interval, quantile
from davylamp.simulation.peers import PEERS, ClassicRule
from davylamp.simulation.rollouts import (
    PROMOTED,
    ROLLED_BACK,
    Fate,
    SimulatedTraffic,
    Stream,
    classic,
    product,
)
from davylamp.simulation.traffic import STEP

HEALTHY: Final = "healthy"
TWICE: Final = "2x"
PRODUCT: Final = "Davylamp"
_ANY: Final = WrongDecisions(0.01, 0.01)
PATIENCE: Final = 900.0
"""Seconds after its last step may end in which a canary is still followed."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a spec, the traffic it will have, and how many canaries of a kind to draw."""

    spec: ModelDeploymentSpec
    rps: float
    stable_errors: float = 0.005
    runs: int = 200
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What one gate does with one kind of canary. Times are seconds from its first traffic.

    Quantiles are over all canaries of the kind, None where they lie among those not rolled back.
    """

    gate: str
    canary: str
    canary_errors: float
    runs: int
    rolled_back: int
    rolled_back_low: float
    rolled_back_high: float
    """Shares; with `rolled_back_low` a 95 % interval."""
    seconds_median: float | None
    seconds_p95: float | None
    bad_median: float | None
    bad_p95: float | None
    promoted: int
    promoted_seconds_median: float | None


def forecasts(question: Question) -> Iterator[tuple[Answer, ...]]:
    """Answers by kind of canary, the healthy one first; of each gate, the product's first."""
    rollout = plans.judged(question.spec.rollout).rollout
    spec = question.spec.model_copy(update={"rollout": rollout})
    question = replace(question, spec=spec)
    for name, rate in kinds(question.stable_errors):
        yield _of_kind(question, name, rate)


def kinds(stable: float) -> Sequence[tuple[str, float]]:
    """Kinds of canaries and their error rates: as good as stable, and those that are worse."""
    twice = [(TWICE, min(1.0, 2 * stable))] if stable else []
    worse = [*twice, ("5 %", 0.05), ("20 %", 0.2), ("100 %", 1.0)]
    return [(HEALTHY, stable), *((name, rate) for name, rate in worse if rate > stable)]


def rivals(spec: ModelDeploymentSpec) -> tuple[ClassicRule, ...]:
    """The classic rules with the bound that the spec's first error-rate gate has."""
    rules = (rule_of(gate, _ANY) for gate in spec.rollout.gates)
    bounds = (rule.error_bound for rule in rules if rule.error_bound is not None)
    bound = next(bounds, fraction("1%"))
    return tuple(replace(rule, max_rate=bound) for rule in PEERS)


def _of_kind(question: Question, name: str, rate: float) -> tuple[Answer, ...]:
    """Every gate judges the same canaries."""
    rollout = question.spec.rollout
    schedule = plans.schedule(rollout, question.spec.replicas or 1, question.rps, STEP)
    limit = min(float(seconds(rollout.deadline)), schedule.ends + PATIENCE)
    trials = plans.trials(rollout, schedule.weights, STEP)
    judges: dict[str, Callable[[Stream], Fate]] = {
        PRODUCT: lambda stream: product(trials, stream, limit)
    }
    for rule in rivals(question.spec):
        judges[rule.name] = lambda stream, rule=rule: classic(rule, stream)  # type: ignore[misc]
    traffic = SimulatedTraffic(question.rps, question.stable_errors, rate)
    fates: dict[str, list[Fate]] = {gate: [] for gate in judges}
    for run in range(question.runs):
        stream = Stream(traffic, schedule, random.Random(f"{question.seed}/{name}/{run}"))
        for gate, judge in judges.items():
            fates[gate].append(judge(stream))
    return tuple(_answer(gate, name, rate, of_gate) for gate, of_gate in fates.items())


def _answer(gate: str, canary: str, rate: float, fates: Sequence[Fate]) -> Answer:
    back = [fate for fate in fates if fate.end == ROLLED_BACK]
    times = [fate.at if fate.end == ROLLED_BACK else None for fate in fates]
    bad = [float(fate.bad) if fate.end == ROLLED_BACK else None for fate in fates]
    good = [fate.at for fate in fates if fate.end == PROMOTED]
    low, high = interval(len(back), len(fates))
    return Answer(
        gate=gate,
        canary=canary,
        canary_errors=rate,
        runs=len(fates),
        rolled_back=len(back),
        rolled_back_low=low,
        rolled_back_high=high,
        seconds_median=quantile(times, 0.5),
        seconds_p95=quantile(times, 0.95),
        bad_median=quantile(bad, 0.5),
        bad_p95=quantile(bad, 0.95),
        promoted=len(good),
        promoted_seconds_median=quantile(good, 0.5) if good else None,
    )
