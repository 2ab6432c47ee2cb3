"""What user queries gave during one rollout, small and bounded, and as a file.

Values are judged one by one, so none can stand for two: of too many the oldest are let go.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from davylamp.gates.recording.csv import records, shortest, written
from davylamp.gates.values import QueryAnswers, Value, later

HEADER: Final = ("time", "gate", "candidate", "stable")
MOST_VALUES: Final = 1_000
"""Values that are kept of one gate."""


@dataclass(frozen=True, slots=True)
class Values:
    """Values of one gate's query in the order of time; all up to the watermark were seen."""

    kept: tuple[Value, ...] = ()
    watermark: float = -math.inf

    @property
    def is_full(self) -> bool:
        """Whether the oldest are let go, or will be with the next one."""
        return len(self.kept) == MOST_VALUES


def extended(before: Values, answers: QueryAnswers) -> Values:
    """With what a query gave since; exactly the values that the gate takes."""
    kept = (*before.kept, *later(answers, before.watermark))
    return Values(kept[-MOST_VALUES:], max(before.watermark, answers.until))


def to_csv(by_gate: Mapping[str, Values]) -> str:
    """One line a value, `time,gate,candidate,stable`, in the order of time; empty without any.

    `stable` is empty where a value is not compared with stable's.
    """
    values_of_gates = [(value, gate) for gate, values in by_gate.items() for value in values.kept]
    rows = [
        _row(*entry) for entry in sorted(values_of_gates, key=lambda entry: (entry[0].at, entry[1]))
    ]
    return written(HEADER, rows) if rows else ""


def read_csv(text: str) -> dict[str, QueryAnswers]:
    """What such a file holds, by gate.

    Raises:
        ValueError: it is no such file; says which line is wrong.
    """
    by_gate: dict[str, list[Value]] = {}
    for gate, value in records(text, {HEADER: _value}):
        by_gate.setdefault(gate, []).append(value)
    return {gate: answers_of(values) for gate, values in by_gate.items()}


def answers_of(values: Sequence[Value]) -> QueryAnswers:
    """Values, at least one, as a query gives them."""
    return QueryAnswers(
        until=max(value.at for value in values),
        candidate={value.at: value.candidate for value in values},
        stable={value.at: value.stable for value in values if value.stable is not None},
    )


def _row(value: Value, gate: str) -> tuple[str, ...]:
    stable = "" if value.stable is None else shortest(value.stable)
    return shortest(value.at), gate, shortest(value.candidate), stable


def _value(*columns: str) -> tuple[str, Value]:
    at, gate, candidate, stable = columns
    return gate, Value(float(at), float(candidate), float(stable) if stable else None)
