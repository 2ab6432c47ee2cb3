"""What pods did over some time: counts of requests, and of both revisions together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Count:
    """Requests, how many of them were errors, and the parts of a channel; see `Channel`.

    `errors` never exceeds `requests`.
    """

    requests: int = 0
    errors: int = 0
    parts: Mapping[str, float] = field(default_factory=dict)

    def __add__(self, other: Count) -> Count:
        """Add two disjoint counts."""
        return Count(
            self.requests + other.requests,
            self.errors + other.errors,
            _sum(self.parts, other.parts),
        )

    @property
    def rate(self) -> float:
        """Share of errors, 0.0 where there was no request."""
        return self.errors / self.requests if self.requests else 0.0

    def part(self, name: str) -> float:
        """One part, 0.0 where it is not there."""
        return self.parts.get(name, 0.0)


def _sum(a: Mapping[str, float], b: Mapping[str, float]) -> Mapping[str, float]:
    if not a or not b:
        return a or b
    return {name: a.get(name, 0.0) + b.get(name, 0.0) for name in {**a, **b}}


NOTHING: Final = Count()


@dataclass(frozen=True, slots=True)
class Pair:
    """The counts of both revisions over the same time."""

    candidate: Count = NOTHING
    stable: Count = NOTHING

    def __add__(self, other: Pair) -> Pair:
        """Add what happened over another time."""
        return Pair(self.candidate + other.candidate, self.stable + other.stable)
