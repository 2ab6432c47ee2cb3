"""Simulated pods: traffic with given error rates, seen through scrapes of their counters."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from davylamp.gates import Sample
from davylamp.simulation.traffic import START, STEP, drawn

HOUR: Final = 3600.0
_SLOTS: Final = 20
"""Parts of an interval in which the error rate moves."""

Rates = Callable[[float], float]
"""Error rate of a revision by seconds since the start of the canary."""


@dataclass(frozen=True)
class Scenario:
    """Traffic to two revisions; `stable` and `canary` give their error rates over time.

    `rps` is requests per second to both, `weight` the canary's share of them, `cluster` how many
    errors of one pod come together.
    """

    name: str
    rps: float
    weight: float
    stable: Rates
    canary: Rates
    cluster: int = 1


@dataclass
class Pod:
    """One pod's cumulative counters, scraped every `step` seconds at its own phase.

    The first scrape is number `scraped`: below 0 the pod serves before the canary starts.
    """

    rps: float
    rates: Rates
    phase: float = 0.0
    cluster: int = 1
    step: float = STEP
    scraped: int = 0
    requests: int = 0
    errors: int = 0
    served: float = field(init=False)
    """Seconds up to which it has served."""

    def __post_init__(self) -> None:
        """Begin to serve at the first scrape."""
        self.served = self.scraped * self.step + self.phase

    def until(self, seconds: float, rng: random.Random) -> list[Sample]:
        """Serve and be scraped up to a moment; give the new samples."""
        fresh = []
        while (at := self.scraped * self.step + self.phase) <= seconds:
            self._serve(at, rng)
            fresh.append(Sample(START + at, float(self.requests), float(self.errors)))
            self.scraped += 1
        return fresh

    def _serve(self, end: float, rng: random.Random) -> None:
        """Sum over short slots only where the rate moves inside the interval."""
        begin, self.served = self.served, end
        if end <= begin:
            return
        points = [self.rates(begin + 0.001), self.rates((begin + end) / 2), self.rates(end - 0.001)]
        slots = 1 if min(points) == max(points) else _SLOTS
        length = (end - begin) / slots
        for i in range(slots):
            self._count(self.rps * length, self.rates(begin + (i + 0.5) * length), rng)

    def _count(self, expected: float, rate: float, rng: random.Random) -> None:
        count = drawn(expected, rate, rng, cluster=self.cluster)
        self.requests += count.requests
        self.errors += count.errors


def always(rate: float) -> Rates:
    """One error rate at all times."""
    return lambda _: rate


def between(begin: float, end: float, rate: float, otherwise: float) -> Rates:
    """Another error rate in [begin, end)."""
    return lambda t: rate if begin <= t < end else otherwise


def bursts(seed: int, share: float, rate: float, otherwise: float) -> Rates:
    """Slots of 5 s, a `share` of them with another rate; the same seed gives the same slots.

    Half an hour before the start is drawn too.
    """
    slots = random.Random(seed)
    bad = [slots.random() < share for _ in range(int(1.5 * HOUR / STEP) + 10)]
    return lambda t: rate if bad[int((t + HOUR / 2) // STEP)] else otherwise
