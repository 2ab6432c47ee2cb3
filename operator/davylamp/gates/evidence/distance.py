"""Predictions and explanations, tested: are they distributed differently from what is tolerated?

What is tested is "the distance is above what is tolerated", never "there is a distance": a new model
may differ. The witness of a distance is what shows it: a set of bins or features (total variation),
or a function of the score that changes by at most 1 over its range (Wasserstein-1). It is chosen
from earlier blocks only, so under the null the next block's difference on it is at most the
tolerance on average, whatever was chosen; `hoeffding` says what that is worth.

Source: Shekhar & Ramdas 2021 for witnesses chosen ahead.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import accumulate, pairwise
from typing import Final

from davylamp.gates.counts import Count, Pair
from davylamp.gates.evidence import hoeffding
from davylamp.gates.evidence.bounds import DistanceBounds, Shape
from davylamp.gates.evidence.e_process import LogLikelihoodRatios

STABLE: Final = "stable"
BASELINE: Final = "baseline"
"""The two claims."""

FEWEST: Final = 20
"""Requests of each side below which nothing is estimated."""
_SMOOTHING: Final = 0.5
"""Added to each bin or feature, where few requests leave some of them empty."""
_NOISE: Final = 1e-6
"""Rounding that is let pass, relative to the whole."""

Mover = tuple[str, float, float]


def gains(rule: DistanceBounds, past: Pair, block: Pair) -> LogLikelihoodRatios:
    """What a block says in which both revisions served; nothing before there is a past.

    A claim of the rule of which the block says nothing stands still, so that the other one cannot
    speak for both.
    """
    lines: dict[str, list[float]] = {}
    if rule.against_stable:
        lines[STABLE] = _beyond_stable(rule, past, block)
    if rule.expected:
        lines[BASELINE] = _beyond_baseline(rule, past.candidate, block.candidate)
    if not any(lines.values()):
        return LogLikelihoodRatios({})
    return LogLikelihoodRatios({claim: line or hoeffding.silent() for claim, line in lines.items()})


def gains_alone(rule: DistanceBounds, past: Count, block: Count) -> LogLikelihoodRatios:
    """What a block says in which stable had no pods: of the baseline, if the rule has one."""
    line = _beyond_baseline(rule, past, block) if rule.expected else []
    return LogLikelihoodRatios({BASELINE: line} if line else {})


def distance_between(rule: DistanceBounds, pair: Pair) -> float | None:
    """Estimate the distance between the revisions, noise taken off; None below 20 requests."""
    read = _read(rule, pair.candidate, pair.stable)
    if not read or min(shape.total for shape in read) < FEWEST:
        return None
    canary, stable = read
    total = canary.total + stable.total
    pooled = [(a + b) / total for a, b in zip(canary.parts, stable.parts, strict=True)]
    size = hoeffding.effective(canary.total, stable.total) * rule.coins(len(canary.parts))
    return _distance(canary, stable.shares, pooled, size)


def baseline_distance(rule: DistanceBounds, count: Count) -> float | None:
    """Estimate the distance from the baseline, likewise; None without one or below 20 requests."""
    read = _read(rule, count) if rule.expected else []
    if not read or read[0].total < FEWEST:
        return None
    expected = _expected(rule, read[0])
    return _distance(read[0], expected, expected, read[0].total * rule.coins(len(read[0].parts)))


def psi(pair: Pair) -> float | None:
    """Population stability index of the scores, for people who know it; nothing decides by it.

    (Bins - 1) x (1/n + 1/m) is taken off, which is what equal distributions have on average.
    """
    read = _all_sound(score_shapes((pair.candidate, pair.stable), ordered=False))
    if not read or min(shape.total for shape in read) < FEWEST:
        return None
    canary, stable = read
    bins = zip(
        canary.smoothed(_SMOOTHING),
        stable.smoothed(_SMOOTHING),
        canary.parts,
        stable.parts,
        strict=True,
    )
    terms = [(a - b) * math.log(a / b) for a, b, some, others in bins if some or others]
    by_chance = (len(terms) - 1) / hoeffding.effective(canary.total, stable.total)
    return max(0.0, math.fsum(terms) - by_chance)


def enough(rule: DistanceBounds, past: Pair) -> bool:
    """Tell whether twice the tolerated distance would have been found (`hoeffding.effective_needed`).

    Against stable n canary and m stable requests are worth 1 / (1/n + 1/m), and n against the
    baseline alone.
    """
    return needed(rule, past) == 0


def accepts(rule: DistanceBounds, past: Pair) -> bool:
    """Tell whether enough was counted and one of the references is within the distance."""
    if not enough(rule, past):
        return False
    distances = [baseline_distance(rule, past.candidate)]
    if rule.against_stable:
        distances.append(distance_between(rule, past))
    return any(apart is not None and apart <= rule.distance for apart in distances)


def needed(rule: DistanceBounds, past: Pair) -> int:
    """Canary requests until `enough`, at the present split; at best, while one side has none."""
    required = hoeffding.effective_needed(rule, min(rule.distance, 1 - rule.distance))
    return hoeffding.missing(past.candidate.requests, _seen(rule, past), required)


def biggest_movers(rule: DistanceBounds, pair: Pair, most: int = 3) -> tuple[Mover, ...]:
    """Bins or features that differ most: name, canary's share, stable's (or the baseline's)."""
    against = (pair.stable,) if rule.against_stable else ()
    read = _read(rule, pair.candidate, *against)
    if not read:
        return ()
    others = read[1].shares if against else _expected(rule, read[0])
    moved = zip(read[0].names, read[0].shares, others, strict=True)
    return tuple(sorted(moved, key=lambda mover: -abs(mover[1] - mover[2]))[:most])


def _beyond_stable(rule: DistanceBounds, past: Pair, block: Pair) -> list[float]:
    read = _read(rule, past.candidate, past.stable, block.candidate, block.stable)
    if not read:
        return []
    before, other, canary, stable = read
    witness = _witness(before.steps, before.smoothed(_SMOOTHING), other.smoothed(_SMOOTHING))
    beyond = _apart(witness, canary.shares, stable.shares) - rule.distance
    return hoeffding.log_gains(beyond, hoeffding.effective(canary.total, stable.total))


def _beyond_baseline(rule: DistanceBounds, past: Count, block: Count) -> list[float]:
    read = _read(rule, past, block)
    if not read:
        return []
    before, canary = read
    expected = _expected(rule, canary)
    witness = _witness(before.steps, before.shares, expected)
    beyond = _apart(witness, canary.shares, expected) - rule.distance
    return hoeffding.log_gains(beyond, canary.total)


def _witness(
    steps: Sequence[float], higher: Sequence[float], lower: Sequence[float]
) -> Sequence[float]:
    """Give a value for each bin so that `higher` has the larger mean; they span at most 1."""
    if not steps:
        return tuple(float(a > b) for a, b in zip(higher, lower, strict=True))
    below = zip(steps, accumulate(higher), accumulate(lower), strict=False)
    rises = ((b > a) * step - (b < a) * step for step, a, b in below)
    return tuple(accumulate(rises, initial=0.0))


def _apart(witness: Sequence[float], shares: Sequence[float], others: Sequence[float]) -> float:
    """How much larger the witness' mean is."""
    return math.fsum(f * (a - b) for f, a, b in zip(witness, shares, others, strict=True))


def _distance(canary: Shape, others: Sequence[float], even: Sequence[float], size: float) -> float:
    """Total variation over bins, or Wasserstein-1 over the steps between them, less the noise.

    `even` are the shares where there is no difference: `size` coins make the noise of theirs.
    """
    rows = zip(canary.shares, others, even, strict=True)
    weights: Sequence[float] = (0.5,) * len(canary.parts)
    if canary.steps:
        cumulative = [accumulate(shares) for shares in (canary.shares, others, even)]
        rows, weights = zip(*cumulative, strict=True), canary.steps
    rated = zip(weights, rows, strict=False)
    return hoeffding.unbiased([(a - b, w, max(0.0, p * (1 - p)) / size) for w, (a, b, p) in rated])


def _seen(rule: DistanceBounds, past: Pair) -> float:
    both = _read(rule, past.candidate, past.stable) if rule.against_stable else []
    read = both or (_read(rule, past.candidate) if rule.expected else [])
    return hoeffding.effective(*(shape.total for shape in read)) if read else 0.0


def _expected(rule: DistanceBounds, shape: Shape) -> list[float]:
    return [rule.expected.get(name, 0.0) for name in shape.names]


def _read(rule: DistanceBounds, *counts: Count) -> list[Shape]:
    """Read counts on one common axis; nothing where one is empty or contradicts itself."""
    return _all_sound(rule.shapes(counts))


def _all_sound(shapes: list[Shape]) -> list[Shape]:
    return shapes if all(_sound(shape) for shape in shapes) else []


def share_shapes(counts: Sequence[Count], expected: Iterable[str]) -> list[Shape]:
    """Read sums of shares by name, with the names that are expected."""
    names = tuple(sorted({*expected, *(name for c in counts for name in c.parts)}))
    parts = (_settled(map(count.part, names), count.requests) for count in counts)
    return [Shape(names, own, c.requests) for own, c in zip(parts, counts, strict=True)]


def _sound(shape: Shape) -> bool:
    whole = sum(shape.parts) if all(part >= 0 for part in shape.parts) else 0.0
    return 0 < whole <= shape.total * (1 + _NOISE) < math.inf


def score_shapes(counts: Sequence[Count], *, ordered: bool) -> list[Shape]:
    """Read cumulative counts as bins between the boundaries that all of them have."""
    read = [_cumulative(count) for count in counts]
    bounds = sorted(set.intersection(*(set(sums) for sums in read)))
    if len(bounds) < 2 or bounds[-1] < math.inf:
        return []
    names, steps = _names(bounds), _steps(bounds[:-1]) if ordered else ()
    below = [[0.0, *(sums[bound] for bound in bounds)] for sums in read]
    parts = [_settled((b - a for a, b in pairwise(sums)), sums[-1]) for sums in below]
    return [
        Shape(names, parts_of_one, sums[-1], steps)
        for parts_of_one, sums in zip(parts, below, strict=True)
    ]


def _cumulative(count: Count) -> dict[float, float]:
    """Counts by boundary, however it is written; what is none is left out."""
    sums: dict[float, float] = {}
    for text, number in count.parts.items():
        with suppress(ValueError):
            sums[float(text)] = sums.get(float(text), 0.0) + number
    return {bound: number for bound, number in sums.items() if bound > -math.inf}


def _settled(parts: Iterable[float], total: float) -> tuple[float, ...]:
    """Parts without the small negative numbers that rounding leaves."""
    return tuple(0.0 if -_NOISE * total <= part < 0 else part for part in parts)


def _names(bounds: Sequence[float]) -> tuple[str, ...]:
    texts = [f"{bound:.10g}" for bound in bounds[:-1]]
    inner = (f"{a} to {b}" for a, b in pairwise(texts))
    return (f"up to {texts[0]}", *inner, f"above {texts[-1]}")


def _steps(finite: Sequence[float]) -> tuple[float, ...]:
    """How far the bins lie apart in units of the finite range.

    A bin counts as its middle, the outer ones as the end of the range: what lies beyond it counts
    as lying there. With a single boundary there are two places, 1 apart.
    """
    if len(finite) < 2:
        return (1.0,)
    middles = ((a + b) / 2 for a, b in pairwise(finite))
    places = [finite[0], *middles, finite[-1]]
    return tuple((b - a) / (finite[-1] - finite[0]) for a, b in pairwise(places))
