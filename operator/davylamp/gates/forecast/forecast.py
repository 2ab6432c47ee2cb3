"""Before a canary: will the gates be able to detect anything, and how soon would they decide?

From what stable did lately: its traffic and its errors. The canary's share of that traffic and the
requests that a decision takes (`detection_time`) give the time.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from davylamp.gates.counts import Count
from davylamp.gates.evidence.overdispersion import Survey
from davylamp.gates.forecast.plan import Forecast, Plan
from davylamp.gates.messages.numbers import percent, rounded
from davylamp.gates.states.gate_state import GateState
from davylamp.gates.trial import Trial
from davylamp.schema.quantities import spoken

REGRESSIONS: Final = (0.05, 0.2)
"""Error rates for which the time to a decision is forecast, besides twice stable's."""
_LEAST_SECONDS: Final = 30.0
"""Time that must have been surveyed before a rate is believed."""


@dataclass(frozen=True, slots=True)
class CanaryTraffic:
    """What a canary would get: its share of the traffic, and requests a second."""

    share: float
    rate: float


class DetectsErrors(ABC):
    """What is asked of a rule that judges by errors."""

    @abstractmethod
    def requests_to_detect(self, share: float, survey: Survey, errors: float) -> int | None:
        """Canary requests until a canary with this error rate is rolled back; None if never."""

    @abstractmethod
    def seconds_to_detect(
        self, canary: CanaryTraffic, survey: Survey, errors: float, scrape_interval: float
    ) -> float | None:
        """Seconds until then: None if it is within the bounds, inf where traffic is too little."""

    @abstractmethod
    def traffic_to_detect(
        self, share: float, survey: Survey, errors: float, deadline: float
    ) -> float:
        """Requests a second of both revisions by which it is rolled back within the deadline."""

    @abstractmethod
    def correlated(self, survey: Survey) -> str:
        """What to say of correlated errors of stable; empty where there are none."""


def forecast(trial: Trial, state: GateState, plan: Plan) -> Forecast | None:
    """Say what a gate will detect; None as long as too little of stable is known."""
    if state.survey.seconds < _LEAST_SECONDS or not plan.shares:
        return None
    return trial.rule.forecast(trial, state, plan)


def has_samples_of_stable(state: GateState) -> bool:
    """Whether any sample of stable's pods was read for a gate."""
    return any(not key.is_candidate for key in state.last)


def misfit(trial: Trial, state: GateState) -> str | None:
    """Why what is read of stable does not fit the rule, if so."""
    return trial.rule.misfit(_newest(state))


def of_traffic(survey: Survey) -> Forecast:
    """The forecast of a rule of which stable's traffic is all that can be said."""
    return Forecast(_traffic(survey))


def of_errors(rule: DetectsErrors, trial: Trial, survey: Survey, plan: Plan) -> Forecast:
    """The forecast of a rule that judges by errors."""
    errors = percent(survey.total.rate)
    parts = [f"{_traffic(survey)}, {errors} errors{rule.correlated(survey)}"]
    ends = dict.fromkeys((plan.shares[0], plan.shares[-1]))
    parts += [_at_share(rule, trial, survey, share) for share in ends]
    return Forecast("; ".join(parts), _too_slow(rule, trial, survey, plan))


def _newest(state: GateState) -> Iterable[Count]:
    newest = (sample for key, sample in state.last.items() if not key.is_candidate)
    return (Count(round(sample.requests), 0, sample.parts) for sample in newest)


def _rate(survey: Survey) -> float:
    return survey.total.requests / survey.seconds


def _traffic(survey: Survey) -> str:
    return f"stable has {_rate(survey):.3g} requests/s"


def _at_share(rule: DetectsErrors, trial: Trial, survey: Survey, share: float) -> str:
    canary = CanaryTraffic(share, _rate(survey) * share)
    parts = [
        f"{name} {_time(rule, trial, survey, canary, errors)}"
        for name, errors in _regressions(survey.total.rate)
    ]
    return (
        f"at {share:.0%} the canary gets {canary.rate:.2g} requests/s, which would detect: "
        f"{', '.join(parts)}"
    )


def _regressions(stable: float) -> list[tuple[str, float]]:
    twice = [("twice the errors", 2 * stable)] if 0 < stable < 0.5 else []
    return [*twice, *((f"{bad:.0%} errors", bad) for bad in REGRESSIONS if bad > stable)]


def _time(
    rule: DetectsErrors, trial: Trial, survey: Survey, canary: CanaryTraffic, errors: float
) -> str:
    after = rule.seconds_to_detect(canary, survey, errors, trial.scrape_interval)
    needed = rule.requests_to_detect(canary.share, survey, errors)
    if after is None or needed is None:
        return "never, that is within the bounds"
    if math.isinf(after):
        return "never, there is too little traffic"
    return f"in about {spoken(after)} ({rounded(needed):,} requests)"


def _too_slow(rule: DetectsErrors, trial: Trial, survey: Survey, plan: Plan) -> str | None:
    """Warn where even 20 % errors would not be detected in time, and say which weight would do."""
    worst, share, rate = REGRESSIONS[-1], max(plan.shares), _rate(survey)

    def seconds(at: float) -> float | None:
        canary = CanaryTraffic(at, rate * at)
        return rule.seconds_to_detect(canary, survey, worst, trial.scrape_interval)

    needed = seconds(share)
    if needed is None or needed <= plan.deadline:
        return None
    for weight in range(math.ceil(100 * share), 96, 5):
        better = seconds(weight / 100)
        if better is not None and better <= plan.deadline:
            advice = f"a weight of {weight} % would"
            break
    else:
        least = rule.traffic_to_detect(share, survey, worst, plan.deadline)
        advice = f"it takes about {least:.2g} requests/s"
    return (
        f"at {rate * share:.2g} canary requests/s even {worst:.0%} errors are not detected within "
        f"the deadline of {spoken(plan.deadline)}; {advice}"
    )
