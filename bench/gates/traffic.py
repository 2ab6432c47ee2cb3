"""Simulated pods: Poisson traffic with given error rates, seen through scrapes of their counters."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from davylamp.gates import Sample

START = 1_000_000.0
STEP = 5.0
HOUR = 3600.0

Rates = Callable[[float], float]
"""Error rate of a revision by seconds since the start of the canary."""


@dataclass(frozen=True)
class Scenario:
    """Traffic to two revisions; `stable` and `canary` give their error rates over time."""

    name: str
    rps: float
    weight: float
    stable: Rates
    canary: Rates
    cluster: int = 1


@dataclass
class Pod:
    """One pod's cumulative counters, scraped every `STEP` seconds at its own phase."""

    rps: float
    rates: Rates
    phase: float = 0.0
    cluster: int = 1
    requests: int = 0
    errors: int = 0
    scraped: int = 0
    samples: list[Sample] = field(default_factory=list)

    def until(self, seconds: float, rng: random.Random) -> list[Sample]:
        """Serve and be scraped up to a moment; give the new samples."""
        fresh = []
        while (at := self.scraped * STEP + self.phase) <= seconds:
            if self.scraped:
                self._serve(at - STEP, at, rng)
            fresh.append(Sample(START + at, float(self.requests), float(self.errors)))
            self.scraped += 1
        return fresh

    def _serve(self, begin: float, end: float, rng: random.Random) -> None:
        """Sum over whole seconds only where the rate moves inside the interval."""
        middle = (begin + end) / 2
        points = [self.rates(begin + 0.001), self.rates(middle), self.rates(end - 0.001)]
        if min(points) == max(points):
            self._count(self.rps * (end - begin), points[0], rng)
            return
        for i in range(20):
            slot = (end - begin) / 20
            self._count(self.rps * slot, self.rates(begin + (i + 0.5) * slot), rng)

    def _count(self, expected: float, rate: float, rng: random.Random) -> None:
        bad = self.cluster * poisson(expected * rate / self.cluster, rng)
        self.requests += bad + poisson(expected * (1 - rate), rng)
        self.errors += bad


def poisson(mean: float, rng: random.Random) -> int:
    """Draw a Poisson number: exact below a mean of 50, rounded normal above."""
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def always(rate: float) -> Rates:
    return lambda _: rate


def between(begin: float, end: float, rate: float, otherwise: float) -> Rates:
    return lambda t: rate if begin <= t < end else otherwise


def bursts(seed: int, share: float, rate: float, otherwise: float) -> Rates:
    """Slots of 5 s, a `share` of them with another rate; the same seed gives the same slots."""
    slots = random.Random(seed)
    bad = [slots.random() < share for _ in range(int(HOUR / STEP) + 10)]
    return lambda t: rate if bad[max(0, int(t // STEP))] else otherwise
