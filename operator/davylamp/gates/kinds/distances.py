"""What rules share that bound the distance between two distributions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

from davylamp.gates.counts import Count, Pair
from davylamp.gates.evidence import distance
from davylamp.gates.evidence.bounds import Shape
from davylamp.gates.evidence.e_process import LogEValues, LogLikelihoodRatios
from davylamp.gates.evidence.error_rate import Lately
from davylamp.gates.evidence.overdispersion import DesignEffect, Survey
from davylamp.gates.kinds.sequential import SequentialRule
from davylamp.gates.trial import Rule, within

ENOUGH: Final = "a difference twice as large would have been detected by now"
"""How sure it is that a difference is within what is tolerated."""


@dataclass(frozen=True, kw_only=True)
class DistanceRule(SequentialRule):
    """A canary is worse when it is further than `distance`, in [0, 1], from what it may be."""

    distance: float = 0.1

    @override
    def __post_init__(self) -> None:
        """Refuse a distance that nothing or everything exceeds."""
        super().__post_init__()
        within(self, "distance")

    @property
    @abstractmethod
    def against_stable(self) -> bool:
        """Whether stable at the same time is a reference."""

    @property
    @abstractmethod
    def expected(self) -> Mapping[str, float]:
        """The reference besides stable: shares of 1 by name; empty where there is none."""

    @abstractmethod
    def shapes(self, counts: Sequence[Count]) -> list[Shape]:
        """Counts on one common axis; nothing where they have none."""

    @abstractmethod
    def coins(self, parts: int) -> float:
        """How many coins one request is worth, where a shape has so many parts."""

    @override
    def ratios(self, past: Pair, block: Pair, bets: Lately | None) -> LogLikelihoodRatios:
        return distance.gains(self, past, block)

    @override
    def ratios_alone(self, past: Count, block: Count, bets: Lately | None) -> LogLikelihoodRatios:
        return distance.gains_alone(self, past, block)

    @override
    def accepts(self, levels: LogEValues, past: Pair) -> bool:
        return distance.accepts(self, past)

    @override
    def assumed_effect(self, survey: Survey) -> DesignEffect:
        """Taken as independent: only errors are surveyed."""
        return DesignEffect()

    @override
    def still_needed(
        self, weight: float, at: LogEValues, counted: Pair, effect: DesignEffect
    ) -> int | None:
        return distance.needed(self, counted) or None

    @override
    def alone(self) -> Rule | None:
        """Nothing: without stable there is no distance to bound in a probation."""
        return None

    @override
    def beyond(self, *, alone: bool) -> str:
        return f"more than {self.distance:g} apart"

    @override
    def inside(self) -> str:
        return f"within {self.distance:g}"

    @override
    def assurance(self) -> str:
        return ENOUGH
