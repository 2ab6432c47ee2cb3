"""What a user query gave: values by time, of one revision or of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class QueryAnswers:
    """Values by epoch second, on the grid of the query's interval; times without data are absent.

    `until` is the watermark: every value up to it is known.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class UserQuery:
    """A query that gives a gate its values, asked every `interval` seconds.

    `against_stable` if it is asked of stable too; a value outside of [`lowest`, `highest`] is bad.
    """

    promql: str
    interval: float
    against_stable: bool
    lowest: float
    highest: float


def later(answers: QueryAnswers, after: float) -> Iterator[Value]:
    """The values after a moment and up to the watermark, in order of time."""
    for at in sorted(answers.candidate):
        if after < at <= answers.until:
            yield Value(at, answers.candidate[at], answers.stable.get(at))
