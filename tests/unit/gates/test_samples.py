import math

import pytest

from davylamp.gates.counts import Count
from davylamp.gates.samples import Sample, increment, usable


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (None, (7, 2), (7, 2)),
        ((10, 1), (25, 4), (15, 3)),
        ((10, 1), (10, 1), (0, 0)),
        ((100, 5), (8, 1), (8, 1)),
        ((100, 5), (150, 2), (150, 2)),  # restarted and already past its old count
        ((10, 0), (12, 5), (2, 2)),  # counters read at slightly different moments
        ((0, 0), (1e9, 1e6), (10**9, 10**6)),
    ],
)
def test_increment_between_two_samples(before, now, expected):
    previous = None if before is None else Sample(0.0, *before)
    assert increment(previous, Sample(5.0, *now)) == Count(*expected)


@pytest.mark.parametrize(
    "bad",
    [
        Sample(1.0, math.nan, 0.0),
        Sample(1.0, 1.0, math.nan),
        Sample(1.0, math.inf, 0.0),
        Sample(1.0, -1.0, 0.0),
        Sample(1.0, 1e20, 0.0),
        Sample(1.0, 1.0, 0.0, {"1/rows": 1e300}),
        Sample(1.0, 1.0, -0.5),
        Sample(math.nan, 1.0, 0.0),
    ],
)
def test_a_sample_with_a_bad_number_is_not_usable(bad):
    assert not usable(bad)
    assert usable(Sample(1.0, 1.0, 0.0))
