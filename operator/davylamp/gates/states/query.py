"""The running account of a trial by the user's own query: values beyond their bounds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from davylamp.gates.rules import Query
from davylamp.gates.trial import Trial


@dataclass(frozen=True)
class QueryAnswers:
    """Values by epoch second, on the grid of the rule's interval; times without data are absent.

    `until` is the watermark: every value up to it has been seen.
    """

    until: float
    candidate: Mapping[float, float] = field(default_factory=dict)
    stable: Mapping[float, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Value:
    """What was measured at one moment; `stable` only where it is compared with."""

    at: float
    candidate: float
    stable: float | None = None


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
    trial: Trial, rule: Query, book: QueryState, answers: QueryAnswers, *, after: float
) -> QueryState:
    """Judge the values later than `after`, in order of time."""
    for value in later(answers, max(after, trial.started_at + rule.warm_up)):
        book = _judged(rule, book, value)
    return book


def later(answers: QueryAnswers, after: float) -> Iterator[Value]:
    """The values after a moment and up to the watermark, in order of time."""
    for at in sorted(answers.candidate):
        if after < at <= answers.until:
            yield Value(at, answers.candidate[at], answers.stable.get(at))


def is_bad(rule: Query, value: Value) -> bool:
    """Whether a value is beyond all the bounds there are."""
    outside = not rule.lowest <= value.candidate <= rule.highest
    if rule.ratio is None or value.stable is None:
        return outside
    bounded = rule.lowest > -math.inf or rule.highest < math.inf
    worse = value.candidate > rule.ratio * value.stable
    return worse and (outside or not bounded)


def says_fine(rule: Query, book: QueryState) -> bool:
    """Whether the rule is content: the last value good, failures left."""
    return book.failed_at is None and book.last is not None and not is_bad(rule, book.last)


def _judged(rule: Query, book: QueryState, value: Value) -> QueryState:
    """Add one value; without stable's there is nothing to compare it with."""
    if rule.ratio is not None and value.stable is None:
        return book
    if not is_bad(rule, value):
        return replace(book, good=book.good + 1, in_a_row=0, last=value)
    bad, row = book.bad + 1, book.in_a_row + 1
    book = replace(book, bad=bad, in_a_row=row, last=value)
    spent = bad >= rule.failures or (rule.in_a_row is not None and row >= rule.in_a_row)
    if spent and book.failed_at is None:
        return replace(book, failed_at=value.at, failed_with=value)
    return book
