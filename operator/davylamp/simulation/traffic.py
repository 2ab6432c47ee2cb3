"""Simulated traffic: Poisson requests of which a given share fails."""

from __future__ import annotations

import math
import random
from typing import Final

from davylamp.gates import Count

START: Final = 1_000_000.0
"""Epoch seconds at which a simulated canary gets its first traffic."""
STEP: Final = 5.0


def drawn(expected: float, rate: float, rng: random.Random, *, cluster: int = 1) -> Count:
    """Draw the requests of an interval in which `expected` are expected, and their errors."""
    bad = cluster * poisson(expected * rate / cluster, rng)
    return Count(bad + poisson(expected * (1 - rate), rng), bad)


def poisson(mean: float, rng: random.Random) -> int:
    """Draw a Poisson number: exact below a mean of 50, rounded normal above."""
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
