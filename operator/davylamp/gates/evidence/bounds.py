"""What the tests ask of the rule that they serve: its bounds, never its kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from davylamp.gates.counts import Count


class StatisticalBounds(Protocol):
    """Bounds on wrong decisions, the size of clusters that is stated, and the horizon."""

    @property
    def false_rollback(self) -> float:
        """Largest probability of ever rolling back a canary that is not worse."""

    @property
    def false_promotion(self) -> float:
        """Largest probability of promoting one that is worse than tolerated."""

    @property
    def burst(self) -> float | None:
        """Size of clusters inside one revision; None where it is to be estimated."""

    @property
    def horizon_blocks(self) -> int:
        """How many blocks long a canary may still turn bad at no loss of power."""


class RatioBounds(StatisticalBounds, Protocol):
    """Odds against stable's, as multiples."""

    @property
    def ratio(self) -> float:
        """Above it the canary is worse."""

    @property
    def promote_ratio(self) -> float:
        """Above it the canary is worse than tolerated."""


class RateBounds(RatioBounds, Protocol):
    """Those, and bounds on the canary's own rate."""

    @property
    def max_rate(self) -> float:
        """Above it the canary may be worse."""


class BoundaryBounds(RatioBounds, Protocol):
    """Bounds on the share of answers above a histogram's boundary."""

    @property
    def over(self) -> float | None:
        """The boundary in seconds; None where being slower than stable is enough."""

    @property
    def max_share(self) -> float:
        """Share of answers that may be slower."""

    @property
    def tolerance(self) -> int:
        """Buckets by which the canary may be slower than stable."""


class GapBounds(StatisticalBounds, Protocol):
    """Bounds on the gap between the rates of two groups."""

    @property
    def max_gap(self) -> float:
        """The gap that is tolerated in any case."""

    @property
    def increase(self) -> float:
        """How much larger than stable's it may be."""

    @property
    def positive(self) -> bool:
        """Whether rates are of positive answers, and not of errors."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What fell to each bin or feature of `total` predictions or explanations.

    `steps` is how far each bin is from the next where the distance is that of an order.
    """

    names: tuple[str, ...]
    parts: tuple[float, ...]
    total: float
    steps: tuple[float, ...] = ()

    @property
    def shares(self) -> tuple[float, ...]:
        """The parts of 1."""
        return tuple(part / self.total for part in self.parts)

    def smoothed(self, by: float) -> tuple[float, ...]:
        """The shares as if that much more had been counted everywhere."""
        total = self.total + by * len(self.parts)
        return tuple((part + by) / total for part in self.parts)


class DistanceBounds(StatisticalBounds, Protocol):
    """A bound on the distance between two distributions, and how they are read."""

    @property
    def distance(self) -> float:
        """The distance that is tolerated, in [0, 1]."""

    @property
    def against_stable(self) -> bool:
        """Whether stable at the same time is a reference."""

    @property
    def expected(self) -> Mapping[str, float]:
        """The other reference: shares of 1 by name; empty where there is none."""

    def shapes(self, counts: Sequence[Count]) -> list[Shape]:
        """Counts on one common axis; nothing where they have none."""

    def coins(self, parts: int) -> float:
        """How many coins one request is worth, where a shape has so many parts."""
