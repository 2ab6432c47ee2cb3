"""Requests and errors counted: their channel, and the classic rule, which counts bad windows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from typing_extensions import override

from davylamp.gates import missing_data
from davylamp.gates.channels import (
    CODE_LABEL,
    ERROR_CODES,
    Channel,
    Form,
    Labels,
    Names,
    Role,
    SeriesSetting,
    is_error,
)
from davylamp.gates.context import JudgementContext, MissingData
from davylamp.gates.counts import Count
from davylamp.gates.evidence.overdispersion import Survey
from davylamp.gates.forecast import forecast
from davylamp.gates.forecast.forecast import CanaryTraffic, DetectsErrors
from davylamp.gates.forecast.plan import Forecast, Plan
from davylamp.gates.kinds.counting import counted_failures
from davylamp.gates.messages.numbers import percent, tally
from davylamp.gates.states import threshold
from davylamp.gates.states.gate_state import Closing, GateState, Instant, own
from davylamp.gates.states.threshold import ThresholdState
from davylamp.gates.trial import Rule, Trial, require, within
from davylamp.gates.verdicts import Judgement

_METRIC: Final = SeriesSetting("requests_metric", "model_requests_total", Form.METRIC)
_SELECTOR: Final = SeriesSetting("requests_selector", 'route="predict"', Form.SELECTOR)


class _Errors(Channel):
    """A counter of requests, one series per answer code; no parts."""

    name = "errors"
    settings = (_METRIC, _SELECTOR, CODE_LABEL, ERROR_CODES)
    has_parts = False

    @override
    def metrics(self, names: Names) -> tuple[str, ...]:
        return (names[_METRIC.name],)

    @override
    def selector(self, names: Names) -> str:
        return names[_SELECTOR.name]

    @override
    def role(self, names: Names, metric: str, labels: Labels) -> Role | None:
        code = labels.get(names[CODE_LABEL.name], "")
        return Role(requests=True, errors=is_error(names, code))

    @override
    def simulated(self, traffic: Count) -> Count | None:
        return traffic


ERRORS: Final = _Errors()


@dataclass(frozen=True, kw_only=True)
class Threshold(Rule, DetectsErrors):
    """The classic rule: roll back after `failures` windows with an error rate above `max_rate`.

    Failures add up over the whole trial, good windows do not take them back. A window (`window`
    seconds, counted from the start of the trial) with fewer than `min_requests` canary requests
    says nothing either way. There is no comparison with stable and no bound on false rollbacks.
    """

    channel: ClassVar[Channel | None] = ERRORS
    worse_reason: ClassVar[str] = "ErrorRateWorse"
    acceptable_reason: ClassVar[str] = "ErrorRateAcceptable"

    max_rate: float
    failures: int = 3
    window: float = 60.0
    min_requests: int = 10

    def __post_init__(self) -> None:
        """Refuse settings that could never fail or never be measured."""
        within(self, "max_rate")
        require(self.failures >= 1, "failures must be at least 1")
        require(0 < self.window < math.inf, "window must be above 0")
        require(self.min_requests >= 1, "min_requests must be at least 1")

    @property
    @override
    def error_bound(self) -> float | None:
        return self.max_rate

    @override
    def opened(self, trial: Trial) -> ThresholdState:
        return ThresholdState()

    @override
    def entered(
        self, trial: Trial, account: object, instant: Instant
    ) -> tuple[ThresholdState, Closing | None]:
        return threshold.entered(self.passed(trial, account, instant.at), instant.increments), None

    @override
    def passed(self, trial: Trial, account: object, now: float) -> ThresholdState:
        return threshold.passed_to(trial.started_at, self, own(account, ThresholdState), now)

    @override
    def missing(
        self, trial: Trial, state: GateState, context: JudgementContext
    ) -> MissingData | None:
        return missing_data.of_samples(trial, state, context, against_stable=False)

    @override
    def judged(
        self, trial: Trial, state: GateState, context: JudgementContext, answer: Judgement
    ) -> Judgement:
        account = own(state.account, ThresholdState)
        message = self.sentence(account, answer.candidate)
        answer = replace(answer, blocks=account.good + account.bad)
        accepted = threshold.accepts(self, account)
        return counted_failures(
            self, answer, message, failed_at=account.failed_at, accepted=accepted
        )

    def sentence(self, account: ThresholdState, candidate: Count) -> str:
        """Say where the classic rule stands."""
        return (
            f"canary {tally(candidate)}: {account.bad} of {account.bad + account.good} measured "
            f"{self.window:g} s windows above {percent(self.max_rate)} ({self.failures} roll back)"
        )

    @override
    def alone(self) -> Rule | None:
        return self

    @override
    def forecast(self, trial: Trial, state: GateState, plan: Plan) -> Forecast | None:
        return forecast.of_errors(self, trial, state.survey, plan)

    @override
    def requests_to_detect(self, share: float, survey: Survey, errors: float) -> int | None:
        """The requests that fill enough windows; None where errors are within the bound."""
        return self.min_requests * self.failures if errors > self.max_rate else None

    @override
    def seconds_to_detect(
        self, canary: CanaryTraffic, survey: Survey, errors: float, scrape_interval: float
    ) -> float | None:
        """The windows that have to fail; inf where traffic does not fill them."""
        if errors <= self.max_rate:
            return None
        fills = canary.rate * self.window >= self.min_requests
        return self.failures * self.window if fills else math.inf

    @override
    def traffic_to_detect(
        self, share: float, survey: Survey, errors: float, deadline: float
    ) -> float:
        """Requests a second of both revisions by which each window is measured."""
        return self.min_requests / self.window / share

    @override
    def correlated(self, survey: Survey) -> str:
        """Nothing: windows are counted, however errors come."""
        return ""
