"""What the gates of a plan mean: from what people write to the trials that judge a canary. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate, starmap
from typing import Final

from davylamp.api import gate_kinds as api
from davylamp.api.gate_status import GateRate
from davylamp.api.gates import Gate, OnFail
from davylamp.api.spec import Rollout
from davylamp.api.status import Candidate
from davylamp.gates import (
    ErrorRate,
    GroupGap,
    Latency,
    Query,
    Rule,
    ScoreDistance,
    ShareDistance,
    Threshold,
    Trial,
    WeightChange,
)
from davylamp.schema.quantities import fraction, seconds, short_seconds

CANARY_PART: Final = 0.9
"""Part of `falseRollback` spent on the canary; the rest is left for the probation."""
PROMOTE_RATIO: Final = 2.0
MOST_TOLERATED: Final = 0.99
DEFAULT_RATIO: Final = "1.5"
DEFAULT_LATENCY_RATIO: Final = "1.25"
_OF_STABLE: Final = re.compile(r"\{\{\s*stable(?:Revision|Pods)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Budget:
    """Bounds on wrong decisions of one gate."""

    false_rollback: float
    false_promotion: float


def canary_trials(candidate: Candidate, scrape_interval: float) -> Mapping[str, Trial]:
    """The trials of a canary that has traffic, by gate."""
    began = candidate.canary_at or candidate.stage_at
    weights = _weights(candidate, began)
    return _trials(candidate, began.timestamp(), weights, scrape_interval)


def survey_trials(candidate: Candidate, scrape_interval: float) -> Mapping[str, Trial]:
    """Trials that do not judge yet: what the gates will read of stable is looked at."""
    return _trials(candidate, math.inf, (WeightChange(math.inf, 0.5),), scrape_interval)


def probation_trials(
    rollout: Rollout, promoted_at: float, before: Iterable[GateRate], scrape_interval: float
) -> Mapping[str, Trial]:
    """The trials of a promoted revision: only what needs nothing to compare with.

    `promoted_at` is in epoch seconds. It is not asked to be better than the one before was beside
    it, whose rates are `before`.
    """
    at, rates = promoted_at, {each.name: float(each.rate) for each in before}
    found: dict[str, Trial] = {}
    for gate in rollout.gates:
        rule = _alone(rule_of(gate, _budget(gate, rollout, 1 - CANARY_PART)))
        rule = _no_better_than(rates.get(gate.name, 0.0), rule)
        if rule is not None and gate.action is OnFail.ROLLBACK:
            found[gate.name] = Trial(rule, at, (WeightChange(at, 1.0),), scrape_interval)
    return found


def rule_of(gate: Gate, budget: Budget, baseline: Mapping[str, float] | None = None) -> Rule:
    """The rule of one gate; `baseline` are the explanation shares of training, where known."""
    if gate.latency:
        return _latency(gate.latency, budget)
    if gate.predictions:
        return _predictions(gate.predictions, budget)
    if gate.explanations:
        return _explanations(gate.explanations, budget, baseline or {})
    if gate.bias:
        return _bias(gate.bias, budget)
    if gate.query:
        return _query(gate.query)
    return _error_rate(gate.error_rate or api.ErrorRate(), budget)


def _trials(
    candidate: Candidate,
    started_at: float,
    weights: Sequence[WeightChange],
    scrape_interval: float,
) -> Mapping[str, Trial]:
    plan = candidate.plan
    baseline = {each.feature: float(each.share) for each in candidate.baseline}
    return {
        gate.name: Trial(
            rule=rule_of(gate, _budget(gate, plan, CANARY_PART), baseline),
            started_at=started_at,
            weights=tuple(weights),
            scrape_interval=scrape_interval,
            takes_back=gate.action is OnFail.ROLLBACK,
        )
        for gate in plan.gates
    }


def _weights(candidate: Candidate, began: datetime) -> Sequence[WeightChange]:
    """The recorded shares; a leader's clock that was behind the one before makes no disorder."""
    times = accumulate((change.at.timestamp() for change in candidate.weights), max)
    shares = (float(change.share) for change in candidate.weights)
    changes = tuple(starmap(WeightChange, zip(times, shares, strict=True)))
    return changes or (WeightChange(began.timestamp(), 0.5),)


def _budget(gate: Gate, rollout: Rollout, part: float) -> Budget:
    """The bounds of one gate.

    The gates that take back and have a bound at all share one `falseRollback` with the probation.
    One that pauses or warns has it to itself: it can take nothing back.
    """
    sharing = sum(_is_bounded(each) and _takes_back(each) for each in rollout.gates)
    among = max(1, sharing) if _takes_back(gate) else 1
    return Budget(
        fraction(rollout.false_rollback) * part / among, fraction(rollout.false_promotion)
    )


def _takes_back(gate: Gate) -> bool:
    return gate.action is OnFail.ROLLBACK


def _is_bounded(gate: Gate) -> bool:
    counts = gate.error_rate is not None and gate.error_rate.method == "Threshold"
    return gate.query is None and not counts


def _error_rate(told: api.ErrorRate, budget: Budget) -> Rule:
    if told.method == "Threshold":
        return Threshold(
            max_rate=fraction(told.max),
            failures=told.failures or 1,
            window=float(seconds(told.window or "1m")),
        )
    ratio = float(told.ratio or DEFAULT_RATIO)
    return ErrorRate(
        max_rate=fraction(told.max),
        ratio=ratio,
        false_rollback=budget.false_rollback,
        false_promotion=budget.false_promotion,
        promote_ratio=max(PROMOTE_RATIO, ratio),
        burst=_burst(told.burst),
        min_blocks=told.min_blocks,
    )


def _burst(told: str | None) -> float | None:
    return float(told) if told else None


def _latency(told: api.Latency, budget: Budget) -> Rule:
    ratio = float(told.ratio or DEFAULT_LATENCY_RATIO)
    return Latency(
        over=short_seconds(told.over) if told.over else None,
        max_share=fraction(told.max),
        ratio=ratio,
        promote_ratio=max(PROMOTE_RATIO, ratio),
        tolerance=told.tolerance,
        warm_up=float(seconds(told.warm_up)),
        burst=_burst(told.burst),
        false_rollback=budget.false_rollback,
        false_promotion=budget.false_promotion,
    )


def _predictions(told: api.Predictions, budget: Budget) -> Rule:
    return ScoreDistance(
        distance=float(told.distance),
        ordered=told.measure == "Wasserstein",
        burst=_burst(told.burst),
        false_rollback=budget.false_rollback,
        false_promotion=budget.false_promotion,
    )


def _explanations(
    told: api.ExplanationShares, budget: Budget, baseline: Mapping[str, float]
) -> Rule:
    """Compared with stable alone as long as the shares of training are not known."""
    trained = tuple(sorted(baseline.items())) if api.Reference.BASELINE in told.against else ()
    return ShareDistance(
        distance=float(told.distance),
        against_stable=api.Reference.STABLE in told.against or not trained,
        baseline=trained,
        burst=_burst(told.burst),
        false_rollback=budget.false_rollback,
        false_promotion=budget.false_promotion,
    )


def _bias(told: api.GroupGap, budget: Budget) -> Rule:
    return GroupGap(
        max_gap=float(told.max),
        increase=float(told.increase),
        positive=told.outcome == "Positive",
        burst=_burst(told.burst),
        false_rollback=budget.false_rollback,
        false_promotion=budget.false_promotion,
    )


def _query(told: api.Query) -> Rule:
    return Query(
        promql=told.promql,
        lowest=float(told.min) if told.min is not None else -math.inf,
        highest=float(told.max) if told.max is not None else math.inf,
        ratio=float(told.ratio) if told.ratio else None,
        failures=told.failures,
        in_a_row=told.consecutive_failures,
        interval=float(seconds(told.interval)),
        warm_up=float(seconds(told.warm_up)),
    )


def _no_better_than(rate: float, rule: Rule | None) -> Rule | None:
    """The rule with a bound that leaves room for what was bad before, and for chance."""
    match rule:
        case ErrorRate():
            bound = min(MOST_TOLERATED, max(rule.max_rate, rule.promote_ratio * rate))
            return replace(rule, max_rate=bound)
        case Latency():
            bound = min(MOST_TOLERATED, max(rule.max_share, rule.promote_ratio * rate))
            return replace(rule, max_share=bound)
        case _:
            return rule


def _alone(rule: Rule) -> Rule | None:
    """The rule without anything to compare with; None if nothing is left of it."""
    match rule:
        case Latency() if rule.over is None:
            return None
        case ScoreDistance() | ShareDistance():
            return None
        case Query() if _OF_STABLE.search(rule.promql):
            return None
        case Query() if rule.ratio is not None:
            bounded = rule.lowest > -math.inf or rule.highest < math.inf
            return replace(rule, ratio=None) if bounded else None
        case _:
            return rule
