"""A query of the user's own: `query`, judged by how many of its values leave their bounds."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from pydantic import Field
from typing_extensions import override

from davylamp.gates import missing_data
from davylamp.gates.channels import Channel
from davylamp.gates.context import JudgementContext, MissingData
from davylamp.gates.forecast.plan import Forecast, Plan
from davylamp.gates.kinds.base import GateKind, WrongDecisions
from davylamp.gates.kinds.counting import counted_failures
from davylamp.gates.states import query
from davylamp.gates.states.gate_state import (
    WRONG_ACCOUNT,
    Closing,
    GateState,
    Instant,
    own,
)
from davylamp.gates.states.query import QueryState
from davylamp.gates.trial import Rule, Trial, require
from davylamp.gates.values import QueryAnswers, UserQuery, Value
from davylamp.gates.verdicts import Judgement
from davylamp.schema.models import Strict
from davylamp.schema.quantities import Decimal, Duration, Ratio, seconds

_OF_STABLE: Final = re.compile(r"\{\{\s*stable(?:Revision|Pods)\s*\}\}")


class QuerySpec(Strict):
    """Judges the canary by a PromQL query of your own."""

    promql: str = Field(
        min_length=1,
        max_length=4000,
        description=(
            "Query for one number. {{ namespace }}, {{ model }}, {{ revision }}, {{ pods }}, "
            "{{ candidateRevision }}, {{ candidatePods }}, {{ stableRevision }}, {{ stablePods }} "
            "and {{ interval }} are filled in, escaped for a string in double quotes; pods are "
            "regular expressions."
        ),
    )
    min: Decimal | None = Field(default=None, description="Smallest value that is good.")
    max: Decimal | None = Field(default=None, description="Largest value that is good.")
    ratio: Ratio | None = Field(
        default=None,
        description=(
            "How many times stable's value of the same query is tolerated; the query has to use "
            "{{ pods }} or {{ revision }}. With max, a bad value is beyond both."
        ),
    )
    failures: int = Field(default=3, ge=1, le=100, description="Bad values in all that fail.")
    consecutive_failures: int | None = Field(
        default=None, ge=1, le=100, description="Bad values one after the other that fail."
    )
    interval: Duration = Field(default="15s", description="How often the query is asked.")
    warm_up: Duration = Field(
        default="0s", description="Time after the first canary traffic that is not judged."
    )


@dataclass(frozen=True, kw_only=True)
class Query(Rule):
    """The user's own PromQL: bad when its value leaves [`lowest`, `highest`].

    `ratio` bounds it by that many times stable's value of the same query as well: then only a value
    beyond both is bad. Rolled back after `failures` bad values in all, or `in_a_row` one after the
    other, where given. Asked every `interval` seconds; there is no bound on false rollbacks.
    """

    channel: ClassVar[Channel | None] = None
    worse_reason: ClassVar[str] = "QueryOutOfBounds"
    acceptable_reason: ClassVar[str] = "QueryWithinBounds"

    promql: str
    lowest: float = -math.inf
    highest: float = math.inf
    ratio: float | None = None
    failures: int = 3
    in_a_row: int | None = None
    interval: float = 15.0
    warm_up: float = 0.0

    def __post_init__(self) -> None:
        """Refuse settings under which nothing is ever bad."""
        require(bool(self.promql.strip()), "promql must not be empty")
        require(self._is_limited or self.ratio is not None, "a query needs min, max or ratio")
        require(self.lowest <= self.highest, "min must not be above max")
        require(self.ratio is None or 0 < self.ratio < math.inf, "ratio must be above 0")
        require(self.failures >= 1, "failures must be at least 1")
        require(self.in_a_row is None or self.in_a_row >= 1, "in_a_row must be at least 1")
        require(1 <= self.interval < math.inf, "interval must be at least 1 s")

    @property
    def _is_limited(self) -> bool:
        return self.lowest > -math.inf or self.highest < math.inf

    @property
    @override
    def user_query(self) -> UserQuery | None:
        return UserQuery(
            promql=self.promql,
            interval=self.interval,
            against_stable=self.ratio is not None,
            lowest=self.lowest,
            highest=self.highest,
        )

    @override
    def opened(self, trial: Trial) -> QueryState:
        return QueryState()

    @override
    def entered(
        self, trial: Trial, account: object, instant: Instant
    ) -> tuple[QueryState, Closing | None]:
        raise TypeError(WRONG_ACCOUNT)

    @override
    def answered(
        self, trial: Trial, account: object, answers: QueryAnswers, after: float
    ) -> QueryState:
        after = max(after, trial.started_at + self.warm_up)
        return query.entered(self, own(account, QueryState), answers, after=after)

    @override
    def missing(
        self, trial: Trial, state: GateState, context: JudgementContext
    ) -> MissingData | None:
        value = own(state.account, QueryState).last
        last = max(value.at if value else -math.inf, trial.started_at + self.warm_up)
        what = "value" if self.ratio is None else "value of both revisions"
        return missing_data.of_values(last, self.interval, context.now, what=what)

    @override
    def judged(
        self, trial: Trial, state: GateState, context: JudgementContext, answer: Judgement
    ) -> Judgement:
        account = own(state.account, QueryState)
        answer = replace(answer, blocks=account.good + account.bad)
        accepted = query.accepts(self, account)
        return counted_failures(
            self, answer, self.sentence(account), failed_at=account.failed_at, accepted=accepted
        )

    def sentence(self, account: QueryState) -> str:
        """Say where the query stands."""
        value = account.failed_with or account.last
        if value is None:
            return "the query has had no value yet"
        limit = f"{self.failures} roll back"
        if self.in_a_row is not None:
            limit += f", or {self.in_a_row} in a row"
        counted = f"{account.bad} of {account.bad + account.good} values out of bounds ({limit})"
        return f"{self._described(value)}; {counted}"

    def _described(self, value: Value) -> str:
        wanted = []
        low, high = self.lowest > -math.inf, self.highest < math.inf
        if low and high:
            wanted.append(f"between {self.lowest:g} and {self.highest:g}")
        elif low or high:
            wanted.append(f"at least {self.lowest:g}" if low else f"at most {self.highest:g}")
        if self.ratio is not None:
            wanted.append(f"at most {self.ratio:g}x stable's {value.stable:.4g}")
        return f"value {value.candidate:.4g}, wanted {' or '.join(wanted)}"

    @override
    def alone(self) -> Rule | None:
        """Without the comparison; nothing where the query itself asks about stable."""
        if _OF_STABLE.search(self.promql):
            return None
        if self.ratio is None:
            return self
        return replace(self, ratio=None) if self._is_limited else None

    @override
    def forecast(self, trial: Trial, state: GateState, plan: Plan) -> Forecast | None:
        """Nothing: what a query measures is not known here."""
        return None


class QueryKind(GateKind[QuerySpec]):
    """Judges by a query of the user's own."""

    field = "query"
    description = "Judge by a query of your own."
    spec = QuerySpec
    rules = (Query,)
    validations = (
        ("has(self.min) || has(self.max) || has(self.ratio)", "a query needs min, max or ratio"),
        (
            "!has(self.ratio) || self.promql.matches('[{][{] *(pods|revision) *[}][}]')",
            "a query with ratio has to use {{ pods }} or {{ revision }}, to be asked of both",
        ),
        (
            "!(has(self.min) && has(self.max)) || double(self.min) <= double(self.max)",
            "min must not be above max",
        ),
        ("!has(self.ratio) || double(self.ratio) > 0.0", "ratio must be above 0"),
        ("self.interval.matches('[1-9]')", "interval must be above 0s"),
    )

    @override
    def rule(self, spec: QuerySpec, wrong: WrongDecisions, training: Mapping[str, float]) -> Rule:
        query_of = self.user_query(spec)
        return Query(
            promql=query_of.promql,
            lowest=query_of.lowest,
            highest=query_of.highest,
            ratio=float(spec.ratio) if spec.ratio else None,
            failures=spec.failures,
            in_a_row=spec.consecutive_failures,
            interval=query_of.interval,
            warm_up=float(seconds(spec.warm_up)),
        )

    @override
    def is_bounded(self, spec: QuerySpec) -> bool:
        return False

    @override
    def user_query(self, spec: QuerySpec) -> UserQuery:
        return UserQuery(
            promql=spec.promql,
            interval=float(seconds(spec.interval)),
            against_stable=bool(spec.ratio),
            lowest=float(spec.min) if spec.min is not None else -math.inf,
            highest=float(spec.max) if spec.max is not None else math.inf,
        )
