"""What a forecast starts from, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """The shares of traffic that a canary is to get, in order, and the longest time for all."""

    shares: Sequence[float]
    deadline: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a gate will be able to detect: a sentence, and a warning where it is too little."""

    message: str
    warning: str | None = None
