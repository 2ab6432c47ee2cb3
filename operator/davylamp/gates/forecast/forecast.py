"""Before a canary: will the gates be able to see anything, and how soon would they decide?

From what stable did lately: its traffic and its errors. The canary's share of that traffic and the
requests that a decision takes (`planning`) give the time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from davylamp.gates.evidence import latency
from davylamp.gates.evidence.overdispersion import design_effect, dispersion
from davylamp.gates.forecast.detection_time import requests_to_detect
from davylamp.gates.messages.numbers import percent, rounded
from davylamp.gates.rules import ErrorRate, Latency, Query, Threshold
from davylamp.gates.states.history import GateState
from davylamp.gates.trial import Trial
from davylamp.gates.verdicts import Count
from davylamp.schema.quantities import spoken

REGRESSIONS: Final = (0.05, 0.2)
"""Error rates for which the time to a decision is told, besides twice stable's."""
_LEAST_SECONDS: Final = 30.0
"""Time that must have been surveyed before a rate is believed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The shares of traffic that a canary is to get, in order, and the longest time for all."""

    shares: Sequence[float]
    deadline: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a gate will be able to find: a sentence, and a warning where it is too little."""

    message: str
    warning: str | None = None


def sees_stable(state: GateState) -> bool:
    """Whether any sample of stable's pods was read for a gate."""
    return any(not key.is_candidate for key in state.last)


def misfit(trial: Trial, state: GateState) -> str | None:
    """Why what is read of stable does not fit the rule, if so."""
    if not isinstance(trial.rule, Latency):
        return None
    newest = (sample for key, sample in state.last.items() if not key.is_candidate)
    counts = (Count(round(each.requests), 0, each.parts) for each in newest)
    faults = (latency.missing_boundary(trial.rule, count) for count in counts)
    return next((fault for fault in faults if fault), None)


def forecast(trial: Trial, state: GateState, plan: Plan) -> Forecast | None:
    """Reckon what a gate will find; None as long as too little of stable was seen."""
    rule, survey = trial.rule, state.survey
    if isinstance(rule, Query) or survey.seconds < _LEAST_SECONDS or not plan.shares:
        return None
    rate = survey.total.requests / survey.seconds
    traffic = f"stable has {rate:.3g} requests/s"
    if not isinstance(rule, ErrorRate | Threshold):
        return Forecast(traffic)
    told = [f"{traffic}, {percent(survey.total.rate)} errors{_clusters(trial, state)}"]
    ends = dict.fromkeys((plan.shares[0], plan.shares[-1]))
    told += [_at_share(trial, state, rate, share) for share in ends]
    return Forecast("; ".join(told), _too_slow(trial, state, rate, plan))


def _clusters(trial: Trial, state: GateState) -> str:
    if not isinstance(trial.rule, ErrorRate) or trial.rule.burst is not None:
        return ""
    found, used = dispersion(state.survey).largest, design_effect(trial.rule, state.survey)
    if found is None or found <= 1:
        return ""
    how = f"evidence is divided by {used.burst:.2g}"
    if used.betting:
        how = "whole blocks are compared, which takes many times longer than is told here"
    return f" that come in clusters of about {found:.2g} ({how})"


def _at_share(trial: Trial, state: GateState, rate: float, share: float) -> str:
    canary = rate * share
    parts = [
        f"{name} {_time(trial, state, share, canary, bad)}"
        for name, bad in _regressions(state.survey.total.rate)
    ]
    return (
        f"at {share:.0%} the canary gets {canary:.2g} requests/s and is found: {', '.join(parts)}"
    )


def _regressions(stable: float) -> list[tuple[str, float]]:
    twice = [("with twice the errors", 2 * stable)] if 0 < stable < 0.5 else []
    return [*twice, *((f"with {bad:.0%} errors", bad) for bad in REGRESSIONS if bad > stable)]


def _time(trial: Trial, state: GateState, share: float, canary: float, bad: float) -> str:
    found = _seconds(trial, state, share, canary, bad)
    needed = _requests(trial, state, share, bad)
    if found is None or needed is None:
        return "never, that is within the bounds"
    if math.isinf(found):
        return "never, there is too little traffic"
    return f"in about {spoken(found)} ({rounded(needed):,} requests)"


def _seconds(
    trial: Trial, state: GateState, share: float, canary: float, bad: float
) -> float | None:
    """Seconds until a canary with this error rate is found; None if it is within the bounds."""
    rule, needed = trial.rule, _requests(trial, state, share, bad)
    if needed is None:
        return None
    if isinstance(rule, Threshold):
        fills = canary * rule.window >= rule.min_requests
        return rule.failures * rule.window if fills else math.inf
    return max(2 * trial.scrape_interval, needed / canary) if canary > 0 else math.inf


def _too_slow(trial: Trial, state: GateState, rate: float, plan: Plan) -> str | None:
    """Warn where even 20 % errors would not be found in time, and say which weight would do."""
    worst, share = REGRESSIONS[-1], max(plan.shares)
    found = _seconds(trial, state, share, rate * share, worst)
    if found is None or found <= plan.deadline:
        return None
    for weight in range(math.ceil(100 * share), 96, 5):
        better = _seconds(trial, state, weight / 100, rate * weight / 100, worst)
        if better is not None and better <= plan.deadline:
            advice = f"a weight of {weight} % would"
            break
    else:
        least = _traffic_needed(trial, state, share, plan.deadline)
        advice = f"it takes about {least:.2g} requests/s"
    return (
        f"at {rate * share:.2g} canary requests/s even {worst:.0%} errors are not found within "
        f"the deadline of {spoken(plan.deadline)}; {advice}"
    )


def _traffic_needed(trial: Trial, state: GateState, share: float, deadline: float) -> float:
    """Requests a second of both revisions by which 20 % errors would be found in time."""
    if isinstance(trial.rule, Threshold):
        return trial.rule.min_requests / trial.rule.window / share
    return (_requests(trial, state, share, REGRESSIONS[-1]) or 0) / deadline / share


def _requests(trial: Trial, state: GateState, share: float, bad: float) -> int | None:
    """Canary requests until a canary with this error rate is found at a share of the traffic."""
    rule = trial.rule
    if not isinstance(rule, ErrorRate | Threshold):
        return None
    burst = design_effect(rule, state.survey).burst if isinstance(rule, ErrorRate) else 1.0
    return requests_to_detect(rule, share, state.survey.total.rate, bad, burst=burst)
