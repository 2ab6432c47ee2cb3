"""A toy kind: things that break, counted by pods as `toy_things_total`; lives in `gates/kinds`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from pydantic import Field
from typing_extensions import override

from davylamp.gates import missing_data
from davylamp.gates.channels import Channel, Form, Labels, Names, Role, SeriesSetting
from davylamp.gates.context import JudgementContext, MissingData
from davylamp.gates.counts import Count, Pair
from davylamp.gates.forecast.plan import Forecast, Plan
from davylamp.gates.kinds.base import GateKind, WrongDecisions
from davylamp.gates.kinds.counting import counted_failures
from davylamp.gates.states.gate_state import Closing, GateState, Instant, own
from davylamp.gates.trial import Rule, Trial, within
from davylamp.gates.verdicts import Judgement
from davylamp.schema.models import Strict
from davylamp.schema.quantities import Share

_METRIC: Final = SeriesSetting("toy_metric", "toy_things_total", Form.METRIC)
_BROKEN: Final = SeriesSetting("toy_label", "broken", Form.LABEL)
ENOUGH: Final = 100
"""Things of the canary after which it is judged."""


class _Toys(Channel):
    """Things, and as part `broken` those that broke."""

    name = "toys"
    settings = (_METRIC, _BROKEN)
    counted = "thing"

    @override
    def metrics(self, names: Names) -> tuple[str, ...]:
        return (names[_METRIC.name],)

    @override
    def selector(self, names: Names) -> str:
        return ""

    @override
    def role(self, names: Names, metric: str, labels: Labels) -> Role | None:
        is_broken = labels.get(names[_BROKEN.name]) == "true"
        return Role(requests=True, parts=("broken", "all") if is_broken else ("all",))

    @override
    def simulated(self, traffic: Count) -> Count | None:
        parts = {"broken": float(traffic.errors), "all": float(traffic.requests)}
        return Count(traffic.requests, 0, parts)


TOYS: Final = _Toys()


class ToySpec(Strict):
    """Judges the canary by the things that break."""

    max_broken: Share = Field(default="0.1", description="Share of broken things tolerated.")


@dataclass(frozen=True, slots=True)
class ToyState:
    """Everything counted so far, and when it was too much."""

    total: Pair = Pair()  # noqa: RUF009 - frozen
    moments: int = 0
    failed_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class BrokenThings(Rule):
    """A canary is worse when more than `max_broken` of its things are broken, of 100 or more."""

    channel: ClassVar[Channel | None] = TOYS
    worse_reason: ClassVar[str] = "ThingsBroken"
    acceptable_reason: ClassVar[str] = "ThingsWhole"

    max_broken: float

    def __post_init__(self) -> None:
        within(self, "max_broken")

    @override
    def opened(self, trial: Trial) -> ToyState:
        return ToyState()

    @override
    def entered(
        self, trial: Trial, account: object, instant: Instant
    ) -> tuple[ToyState, Closing | None]:
        before, total = own(account, ToyState), Pair(instant.candidate, instant.stable)
        failed = before.failed_at
        if failed is None and self._is_enough(total) and not self._is_whole(total):
            failed = instant.at
        return ToyState(total, before.moments + 1, failed), None

    @override
    def missing(
        self, trial: Trial, state: GateState, context: JudgementContext
    ) -> MissingData | None:
        return missing_data.of_samples(trial, state, context)

    @override
    def judged(
        self, trial: Trial, state: GateState, context: JudgementContext, answer: Judgement
    ) -> Judgement:
        account = own(state.account, ToyState)
        things = account.total.candidate
        message = f"{things.part('broken'):.0f} of {things.requests} things are broken"
        accepted = self._is_enough(account.total) and self._is_whole(account.total)
        answer = replace(answer, blocks=account.moments)
        return counted_failures(
            self, answer, message, failed_at=account.failed_at, accepted=accepted
        )

    @override
    def alone(self) -> Rule | None:
        return self

    @override
    def forecast(self, trial: Trial, state: GateState, plan: Plan) -> Forecast | None:
        rate = state.survey.total.requests / state.survey.seconds
        return Forecast(f"{ENOUGH} things take {ENOUGH / rate / plan.shares[0]:.0f} s")

    def _is_enough(self, total: Pair) -> bool:
        return total.candidate.requests >= ENOUGH

    def _is_whole(self, total: Pair) -> bool:
        things = total.candidate
        return things.part("broken") <= self.max_broken * things.requests


class ToyKind(GateKind[ToySpec]):
    """Judges by things that break."""

    field = "toy"
    description = "Judge by things that break."
    spec = ToySpec
    rules = (BrokenThings,)
    validations = (("self.maxBroken.matches('[1-9]')", "maxBroken must lie between 0 and 1"),)

    @override
    def rule(self, spec: ToySpec, wrong: WrongDecisions, training: Mapping[str, float]) -> Rule:
        return BrokenThings(max_broken=float(spec.max_broken))

    @override
    def is_bounded(self, spec: ToySpec) -> bool:
        return False
