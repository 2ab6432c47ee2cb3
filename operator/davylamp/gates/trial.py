"""One canary under one rule: what a rule can do, and from when on it is applied."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Protocol, Self

from davylamp.gates.channels import Channel
from davylamp.gates.context import JudgementContext, MissingData
from davylamp.gates.counts import Count, Pair
from davylamp.gates.forecast.plan import Forecast, Plan
from davylamp.gates.states.gate_state import WRONG_ACCOUNT, Closing, GateState, Instant
from davylamp.gates.values import QueryAnswers, UserQuery
from davylamp.gates.verdicts import Judgement


class EvidenceBounds(Protocol):
    """Bounds on wrong decisions, as probabilities."""

    @property
    def false_rollback(self) -> float:
        """Largest probability of ever rolling back a canary that is not worse."""

    @property
    def false_promotion(self) -> float:
        """Largest probability of promoting one that is worse than tolerated."""


class Rule(ABC):
    """A gate's bounds in numbers, and how they are applied to what was read.

    Rates, shares and probabilities are fractions, durations are seconds. What a rule remembers
    of a trial is its account: a frozen value that is folded from samples or answers, so the same
    ones give the same account however they arrive.
    """

    channel: ClassVar[Channel | None]
    """The series that are read; None where a user query gives values instead."""
    worse_reason: ClassVar[str]
    """CamelCase reason of a `FAIL`."""
    acceptable_reason: ClassVar[str]
    """CamelCase reason of a `PASS`."""

    @property
    def pod_warm_up(self) -> float:
        """Seconds from its first sample on in which a pod is not judged."""
        return 0.0

    @property
    def error_bound(self) -> float | None:
        """The error rate that is tolerated, where it is errors that are judged."""
        return None

    @property
    def evidence_bounds(self) -> EvidenceBounds | None:
        """Bounds on wrong decisions; None where failures are counted instead."""
        return None

    @property
    def user_query(self) -> UserQuery | None:
        """The query that gives the values, where `channel` is None."""
        return None

    @abstractmethod
    def opened(self, trial: Trial) -> object:
        """The account at the start of a trial."""

    @abstractmethod
    def entered(
        self, trial: Trial, account: object, instant: Instant
    ) -> tuple[object, Closing | None]:
        """The account after one moment of the history, and the block that it closed."""

    def passed(self, trial: Trial, account: object, now: float) -> object:
        """The account when everything up to `now` is known; for rules that work on a clock grid."""
        del trial, now
        return account

    def answered(
        self, trial: Trial, account: object, answers: QueryAnswers, after: float
    ) -> object:
        """The account with the values of the user query that are later than `after`."""
        del trial, account, answers, after
        raise TypeError(WRONG_ACCOUNT)

    @abstractmethod
    def missing(
        self, trial: Trial, state: GateState, context: JudgementContext
    ) -> MissingData | None:
        """What is missing for a judgement, the most fundamental thing first."""

    @abstractmethod
    def judged(
        self, trial: Trial, state: GateState, context: JudgementContext, answer: Judgement
    ) -> Judgement:
        """The judgement; `answer` is what holds while nothing is decided (`UNKNOWN` if missing)."""

    def rejected(self, answer: Judgement, total: Pair, at: float) -> Judgement:
        """The `FAIL` of the gate that leads a joint rejection, at `at` and after `total`.

        Only rules whose account closes blocks (`Closing`) are ever asked.
        """
        del answer, total, at
        raise TypeError(WRONG_ACCOUNT)

    @abstractmethod
    def alone(self) -> Rule | None:
        """The rule with nothing to compare with, as in a probation; None if nothing is left."""

    def no_better_than(self, rate: float) -> Self:
        """The rule with room for what was bad of stable's answers before a promotion."""
        del rate
        return self

    @abstractmethod
    def forecast(self, trial: Trial, state: GateState, plan: Plan) -> Forecast | None:
        """What will be detected and how soon; None while too little of stable is known."""

    def misfit(self, newest: Iterable[Count]) -> str | None:
        """Why what is read does not fit the rule, if so; `newest` is what stable's pods counted."""
        del newest
        return None


@dataclass(frozen=True, slots=True)
class ShareChange:
    """From `at` (epoch seconds) on, `weight` of the traffic (0 to 1) goes to the canary."""

    at: float
    weight: float


@dataclass(frozen=True)
class Trial:
    """One canary under one rule.

    `weights` are the changes made so far, oldest first, the first one being the canary's first
    traffic; a change is added before a watermark passes it. `scrape_interval` is in seconds.
    `rolls_back` if a failure rolls the canary back, and does not only warn or pause. With
    `started_at` = inf nothing is judged yet: stable alone is surveyed.
    """

    rule: Rule
    started_at: float
    weights: tuple[ShareChange, ...]
    scrape_interval: float = 5.0
    rolls_back: bool = True

    def __post_init__(self) -> None:
        """Refuse a trial without traffic, or whose history is not in order."""
        require(bool(self.weights), "a trial needs at least one weight")
        require(all(0 < w.weight <= 1 for w in self.weights), "a weight must lie in (0, 1]")
        times = [w.at for w in self.weights]
        require(times == sorted(times), "weights must be in order of time")
        require(self.scrape_interval > 0, "scrape_interval must be above 0")

    @cached_property
    def shifts(self) -> tuple[ShareChange, ...]:
        """The changes that altered a running comparison: all but the first and the repeated."""
        pairs = zip(self.weights, self.weights[1:], strict=False)
        return tuple(b for a, b in pairs if b.weight != a.weight and b.at > self.started_at)

    def weight_at(self, time: float) -> float:
        """Give the canary's share of the traffic at a moment."""
        reached = [w.weight for w in self.weights if w.at <= time]
        return reached[-1] if reached else self.weights[0].weight

    def last_shift(self, time: float) -> float:
        """Give the moment of the last change up to `time`, or -inf."""
        return max((w.at for w in self.shifts if w.at <= time), default=-math.inf)


def within(rule: object, *names: str) -> None:
    """Require attributes between 0 and 1, both excluded."""
    for name in names:
        require(0 < getattr(rule, name) < 1, f"{name} must lie between 0 and 1")


def require(holds: bool, message: str) -> None:  # noqa: FBT001
    """Raise `ValueError` unless a condition holds."""
    if not holds:
        raise ValueError(message)
