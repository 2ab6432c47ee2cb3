"""Latencies, tested: at each boundary of the histogram, how many answers are slower.

"Slower than a boundary" is yes or no for every answer, so it is tested as errors are: against
stable's odds (claim `slower`, one line for each boundary) and, where a bound is given, against a
share of the canary's own answers (claim `over`). The lines of `slower` are averaged, as all of them
must be harmless for a canary to be no slower.

A histogram's boundaries are settings: they must not depend on what was measured, and neither does
the choice of those that are looked at. Where `over` is no boundary, nothing is concluded.

Source: the tests of `odds`, one for each boundary.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from davylamp.gates.counts import NOTHING, Count, Pair
from davylamp.gates.evidence.bounds import BoundaryBounds
from davylamp.gates.evidence.e_process import BETTER, WORSE, LogLikelihoodRatios
from davylamp.gates.evidence.fisher import Table
from davylamp.gates.evidence.log_math import logit
from davylamp.gates.evidence.odds import rate_gains, ratio_gains

SLOWER: Final = "slower"
OVER: Final = "over"
"""The two claims."""

MOST_BOUNDARIES: Final = 12
"""Boundaries that are looked at: more would share the evidence and cost time, and tell little."""

TAIL: Final = 0.1
"""Share of slow answers of stable at which a canary is shown to be acceptable, unless `over` says where:
a share near 0 takes long to compare, and one near 1 is not what users mind."""

FEW: Final = 5
"""Answers on either side of a boundary below which its odds are not worth a message."""


@dataclass(frozen=True, slots=True)
class _Histogram:
    """What one revision answered; `at_most` is cumulative, by boundary in seconds, in order."""

    requests: int
    at_most: Mapping[float, float]

    @classmethod
    def of(cls, count: Count) -> _Histogram:
        """Read the parts, in which one boundary may be written in several ways ("1", "1.0").

        Counters are not read at one moment: what a lower boundary holds, a higher one holds too.
        """
        sums: dict[float, float] = {}
        for name, value in count.parts.items():
            boundary = float(name)
            if math.isfinite(boundary):
                sums[boundary] = sums.get(boundary, 0.0) + value
        order = sorted(sums)
        risen = accumulate((sums[boundary] for boundary in order), max)
        return cls(count.requests, dict(zip(order, risen, strict=True)))

    def slower(self, boundary: float) -> Count:
        """Count the answers that took longer than a boundary as errors."""
        slow = self.requests - round(self.at_most[boundary])
        return Count(self.requests, min(max(slow, 0), self.requests))


@dataclass(frozen=True, slots=True)
class _Look:
    """One comparison: the boundary at which the canary is looked at, and that for stable."""

    canary: float
    stable: float

    @property
    def line(self) -> str:
        """The line of evidence that it belongs to."""
        return f"{SLOWER}:{self.canary:.10g}"

    def table(self, candidate: _Histogram, stable: _Histogram) -> Table:
        """Slow and fast answers of both revisions."""
        return Table.of(candidate.slower(self.canary), stable.slower(self.stable))


def gains(rule: BoundaryBounds, past: Pair, block: Pair) -> LogLikelihoodRatios:
    """What one block says in which both revisions served; `past` are all blocks before it."""
    candidate, stable = _Histogram.of(block.candidate), _Histogram.of(block.stable)
    looks = _looks(rule, candidate, stable)
    if not looks or not _bounded(rule, candidate):
        return LogLikelihoodRatios({})
    worse, better = {}, {}
    for look in looks:
        (worse[look.line],) = ratio_gains(look.table(candidate, stable), (rule.ratio, WORSE))
    telling = _telling(rule, looks, _Histogram.of(past.stable))
    if telling:
        table = telling.table(candidate, stable)
        (better[SLOWER],) = ratio_gains(table, (rule.promote_ratio, BETTER))
    if rule.over is not None:
        worse[OVER], better[OVER] = _over(rule, candidate.slower(rule.over))
    return LogLikelihoodRatios(worse, better)


def gains_alone(rule: BoundaryBounds, candidate: Count) -> LogLikelihoodRatios:
    """What a block says in which stable had no pods: `over` stands for both claims, if it is given.

    The lines of the other claim then also say "at most `max_share` were too slow while there was
    nothing to compare with", which keeps them e-processes without starting anew.
    """
    histogram = _Histogram.of(candidate)
    looks = _looks(rule, histogram, histogram)
    if rule.over is None or not looks or not _bounded(rule, histogram):
        return LogLikelihoodRatios({})
    worse, better = _over(rule, histogram.slower(rule.over))
    lines = {look.line: worse for look in looks}
    return LogLikelihoodRatios({**lines, OVER: worse}, {SLOWER: better, OVER: better})


def slow(rule: BoundaryBounds, count: Count, boundary: float | str | None = None) -> Count:
    """Requests, and as errors those slower than a boundary in seconds (by default `over`).

    No requests where the boundary is none of the histogram's, or none is given: nothing is known.
    """
    asked = rule.over if boundary is None else float(boundary)
    histogram = _Histogram.of(count)
    if asked is None or asked not in histogram.at_most:
        return NOTHING
    return histogram.slower(asked)


def worst_boundary(rule: BoundaryBounds, pair: Pair) -> float | None:
    """Where the canary is slower most clearly: the boundary in seconds with the largest odds ratio.

    Above stable's median if possible, as "99.7 % against 98.8 % took more than a millisecond" is no
    news. None where no boundary has a few slow and a few fast answers.
    """
    candidate, stable = _Histogram.of(pair.candidate), _Histogram.of(pair.stable)
    looks = {look.canary: look.table(candidate, stable) for look in _looks(rule, candidate, stable)}
    odds = {boundary: _clarity(table) for boundary, table in looks.items() if _enough(table)}
    return max(odds, key=odds.__getitem__, default=None)


def missing_boundary(rule: BoundaryBounds, count: Count) -> str | None:
    """Say that `over` is no boundary of the histogram and which are near; None where all is well.

    A count without requests and without buckets says nothing, so that nothing is wrong with it.
    """
    histogram = _Histogram.of(count)
    silent = not histogram.at_most and not count.requests
    if rule.over is None or silent or _bounded(rule, histogram):
        return None
    below = [boundary for boundary in histogram.at_most if boundary < rule.over][-1:]
    above = [boundary for boundary in histogram.at_most if boundary > rule.over][:1]
    return f"{rule.over:g} s is no bucket boundary; {_nearest([*below, *above])}"


def _nearest(boundaries: Sequence[float]) -> str:
    if not boundaries:
        return "there are no buckets"
    verb = "are" if len(boundaries) > 1 else "is"
    return f"the nearest {verb} " + " and ".join(f"{boundary:g}" for boundary in boundaries)


def _bounded(rule: BoundaryBounds, candidate: _Histogram) -> bool:
    """Tell whether `over`, where given, can be looked at."""
    return rule.over is None or rule.over in candidate.at_most


def _looks(rule: BoundaryBounds, candidate: _Histogram, stable: _Histogram) -> list[_Look]:
    """What to compare, at boundaries of both revisions; the canary's `tolerance` further up."""
    common = [boundary for boundary in candidate.at_most if boundary in stable.at_most]
    looks = [_Look(*pair) for pair in zip(common[rule.tolerance :], common, strict=False)]
    if len(looks) <= MOST_BOUNDARIES:
        return looks
    last = MOST_BOUNDARIES - 1
    picked = [looks[i * (len(looks) - 1) // last] for i in range(MOST_BOUNDARIES)]
    wanted = [look for look in looks if look.canary == rule.over and look not in picked]
    for look in wanted:
        picked[round(looks.index(look) * last / (len(looks) - 1))] = look
    return picked


def _telling(rule: BoundaryBounds, looks: Sequence[_Look], past: _Histogram) -> _Look | None:
    """The one comparison that may show a canary to be acceptable, chosen before the block is known."""
    at_over = [look for look in looks if look.canary == rule.over]
    known = [look for look in looks if past.requests and look.stable in past.at_most]
    return at_over[0] if at_over else min(known, key=lambda it: _off_tail(it, past), default=None)


def _off_tail(look: _Look, past: _Histogram) -> float:
    """Distance of stable's share of slow answers from `TAIL`, in log odds: 0 % is far away."""
    slow_of_stable = past.slower(look.stable)
    return abs(logit((slow_of_stable.errors + 0.5) / (slow_of_stable.requests + 1)) - logit(TAIL))


def _over(rule: BoundaryBounds, count: Count) -> list[list[float]]:
    return rate_gains(count, (rule.max_share, WORSE), (rule.max_share, BETTER))


def _enough(table: Table) -> bool:
    fast = table.canary + table.stable - table.errors
    return table.observed >= FEW and fast >= FEW


def _clarity(table: Table) -> tuple[bool, float]:
    """Whether most of stable is fast, then the odds ratio, finite by half an answer in each cell."""
    slow_stable = table.errors - table.observed
    candidate = (table.observed + 0.5) / (table.canary - table.observed + 0.5)
    odds_ratio = candidate * (table.stable - slow_stable + 0.5) / (slow_stable + 0.5)
    return 2 * slow_stable <= table.stable, odds_ratio
