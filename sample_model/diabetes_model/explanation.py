"""What a model answers to "why": exact contributions that add up to the prediction."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """Per row: ``prediction = baseline + sum(contributions.values())``."""

    prediction: float
    baseline: float
    contributions: Mapping[str, float]
