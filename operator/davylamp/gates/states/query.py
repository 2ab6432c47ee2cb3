"""The running account of a trial by a user query: values beyond their bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

from davylamp.gates.values import QueryAnswers, Value, later


class ValueBounds(Protocol):
    """What is asked of the rule: which values are bad, and how many of them fail."""

    @property
    def lowest(self) -> float:
        """Smallest value that is good; -inf where there is none."""

    @property
    def highest(self) -> float:
        """Largest value that is good; inf where there is none."""

    @property
    def ratio(self) -> float | None:
        """How many times stable's value is good; None where it is not compared."""

    @property
    def failures(self) -> int:
        """Bad values in all that fail."""

    @property
    def in_a_row(self) -> int | None:
        """Bad values one after the other that fail, where given."""


@dataclass(frozen=True, slots=True)
class QueryState:
    """What a trial by query remembers: the tally, the last value, and when it had failed."""

    good: int = 0
    bad: int = 0
    in_a_row: int = 0
    last: Value | None = None
    failed_at: float | None = None
    failed_with: Value | None = None


def entered(
    rule: ValueBounds, account: QueryState, answers: QueryAnswers, *, after: float
) -> QueryState:
    """Judge the values later than `after`, in order of time."""
    for value in later(answers, after):
        account = _judged(rule, account, value)
    return account


def is_bad(rule: ValueBounds, value: Value) -> bool:
    """Whether a value is beyond all the bounds there are."""
    outside = not rule.lowest <= value.candidate <= rule.highest
    if rule.ratio is None or value.stable is None:
        return outside
    bounded = rule.lowest > -math.inf or rule.highest < math.inf
    worse = value.candidate > rule.ratio * value.stable
    return worse and (outside or not bounded)


def accepts(rule: ValueBounds, account: QueryState) -> bool:
    """Whether the rule is content: the last value good, failures left."""
    return account.failed_at is None and account.last is not None and not is_bad(rule, account.last)


def _judged(rule: ValueBounds, account: QueryState, value: Value) -> QueryState:
    """Add one value; without stable's there is nothing to compare it with."""
    if rule.ratio is not None and value.stable is None:
        return account
    if not is_bad(rule, value):
        return replace(account, good=account.good + 1, in_a_row=0, last=value)
    bad, row = account.bad + 1, account.in_a_row + 1
    account = replace(account, bad=bad, in_a_row=row, last=value)
    spent = bad >= rule.failures or (rule.in_a_row is not None and row >= rule.in_a_row)
    if spent and account.failed_at is None:
        return replace(account, failed_at=value.at, failed_with=value)
    return account
