"""Canary requests until a rollback, beside what information theory asks for at least.

Blocks are as small as the product lets them be, so that requests are counted and not polls. The
limit is that of a single test that knows the canary's rate, ln(1/alpha) / g with g the evidence per
canary request; not knowing it costs a mixture another ln(10), which the stated limit includes.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from bench.gates import design

from davylamp.gates import ErrorRate, Pair
from davylamp.gates.counts import Count
from davylamp.gates.evidence import error_rate
from davylamp.gates.evidence.e_process import PRIOR, EvidenceCap, advance, levels, says_worse
from davylamp.gates.forecast.detection_time import requests_to_detect
from davylamp.simulation.outcomes import quantile

STABLE = 0.002
MOST_OVER = 1.3
LEVELS = (0.01, 0.001)
SPLITS = (0.01, 0.05, 0.10, 0.50)
RATES = {0.05: "5%", 0.20: "20%", 1.0: "100%"}
PACE = EvidenceCap(agreeing=1)


@dataclass(frozen=True)
class Detected:
    """Median and 95th percentile of canary requests, the limit, and the design's cell."""

    alpha: float
    split: float
    rate: float
    median: float
    p95: float
    limit: int
    design: str

    @property
    def ratio(self) -> float:
        """How many times the limit it took."""
        return self.median / self.limit

    @property
    def counts(self) -> bool:
        """Whether the promise is about this case."""
        return self.rate in {0.05, 0.20} and self.split <= 0.10


def all_cases(count: int) -> Iterator[Detected]:
    """Section 2.7 but for its slow columns."""
    for alpha in LEVELS:
        rule = ErrorRate(max_rate=0.005, burst=1.0, min_blocks=1, false_rollback=alpha)
        for split in SPLITS:
            for rate in RATES:
                yield _case(rule, split, rate, count)


def show(count: int) -> int:
    """Print the table; answers how many of the promised cases took more than 1.3 limits."""
    print(f"\n2.7 Canary requests to detect: median (p95), {count} canaries, stable 0.2 %")
    print("  limit: (ln(1/alpha) + 2.3) / g; promised: at most 1.3 times that at 5 % and 20 %")
    print(
        f"  {'alpha':>6} {'split':>6} {'rate':>5} {'found':>12} {'design':>12} {'limit':>6} ratio"
    )
    over = 0
    for each in all_cases(count):
        missed = each.counts and each.ratio > MOST_OVER
        over += missed
        found = f"{each.median:.0f} ({each.p95:.0f})"
        print(
            f"  {each.alpha:>6} {each.split:>6.0%} {each.rate:>5.0%} {found:>12} "
            f"{each.design:>12} {each.limit:>6} {each.ratio:.2f}{'!' * missed}",
            flush=True,
        )
    return over


def requests_taken(rule: ErrorRate, split: float, rate: float, rng: random.Random) -> int:
    """Canary requests until one canary is rolled back."""
    canary = max(1, round(10 * split))
    stable = max(1, round(canary * (1 - split) / split))
    evidence, taken = PRIOR, 0
    while True:
        block = Pair(_drawn(canary, rate, rng), _drawn(stable, STABLE, rng))
        evidence = advance(rule, evidence, error_rate.gains(rule, block), PACE)
        taken += canary
        if says_worse(rule, levels(rule, evidence)):
            return taken


def _case(rule: ErrorRate, split: float, rate: float, count: int) -> Detected:
    taken = [
        float(requests_taken(rule, split, rate, random.Random(f"{split}/{rate}/{seed}")))
        for seed in range(count)
    ]
    limit = requests_to_detect(rule, split, STABLE, rate)
    assert limit is not None
    return Detected(
        rule.false_rollback,
        split,
        rate,
        quantile(taken, 0.5) or math.inf,
        quantile(taken, 0.95) or math.inf,
        limit,
        _said(rule.false_rollback, split, rate),
    )


def _drawn(requests: int, rate: float, rng: random.Random) -> Count:
    return Count(requests, sum(rng.random() < rate for _ in range(requests)))


def _said(alpha: float, split: float, rate: float) -> str:
    header, *lines = (line.split("|") for line in design.REQUESTS.splitlines())
    for line in lines:
        if line[:2] == [f"{alpha:g}", f"{split:.0%}"]:
            return dict(zip(header, line, strict=True))[RATES[rate]]
    return ""
