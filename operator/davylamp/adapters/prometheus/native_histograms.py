"""Native histograms, counted up to fixed boundaries: as if they had classic buckets.

Why fixed: buckets of a native histogram come and go. Empty ones are not sent, and a client makes
all of them twice as wide when there are too many. To the gates a counter that is no longer there
is a restart, so each sample of each pod has to have the same boundaries whatever its buckets are.

The boundaries are powers of the square root of 2. They bound buckets in every schema from 1 on (a
new bucket at each 41 % or less), so the count up to one of them is the sum of the buckets below,
exactly. Where a bucket lies across a boundary (schema 0 and coarser, most custom buckets, a wide
zero bucket) nothing exact can be said: such a sample is no number, and its scrape is left out.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from davylamp.adapters.prometheus.query_result import Bucket, Histogram
from davylamp.gates.channels import Channel, Ladder, boundary
from davylamp.gates.kinds.registry import CHANNELS

_ROUNDING: Final = 1e-9
"""Bounds are computed in different ways; the next bucket of the finest schema is 0.27 % away."""


@dataclass(frozen=True, slots=True)
class Boundaries:
    """Boundaries in ascending order, and the names of the parts that count up to them."""

    bounds: tuple[float, ...]
    names: tuple[str, ...]


def _boundaries(ladder: Ladder) -> Boundaries:
    """The half powers of 2 between two whole ones."""
    halves = range(2 * ladder.lowest, 2 * ladder.highest + 1)
    bounds = tuple(2.0 ** (half / 2) for half in halves)
    return Boundaries(bounds, tuple(boundary(_short(bound)) for bound in bounds))


def _short(bound: float) -> float:
    """Six digits are enough to know an irrational boundary by."""
    is_exact = math.log2(bound).is_integer()
    return bound if is_exact else float(f"{bound:.6g}")


LADDERS: Final[Mapping[Channel, Boundaries]] = {
    channel: _boundaries(channel.ladder) for channel in CHANNELS if channel.ladder
}
"""Boundaries of the channels whose metric may be a native histogram."""


def counted(histogram: Histogram, ladder: Boundaries) -> tuple[float, ...]:
    """Observations up to each boundary; NaN for all of them where that cannot be said exactly."""
    steps = [0.0] * (len(ladder.bounds) + 1)
    for bucket in histogram.buckets:
        step = _first_at_least(ladder, bucket.upper)
        is_across = step > 0 and bucket.lower < ladder.bounds[step - 1] * (1 - _ROUNDING)
        if is_across or not _is_count(bucket):
            return (math.nan,) * len(ladder.bounds)
        steps[step] += bucket.count
    return _running(steps[:-1])


def _first_at_least(ladder: Boundaries, upper: float) -> int:
    return bisect_left(ladder.bounds, upper * (1 - _ROUNDING) if upper > 0 else upper)


def _is_count(bucket: Bucket) -> bool:
    is_bounded = not (math.isnan(bucket.lower) or math.isnan(bucket.upper))
    return is_bounded and math.isfinite(bucket.count) and bucket.count >= 0


def _running(steps: list[float]) -> tuple[float, ...]:
    total, sums = 0.0, []
    for step in steps:
        total += step
        sums.append(total)
    return tuple(sums)
