import pytest

from davylamp.simulation.outcomes import interval, quantile


def test_quantiles_count_those_that_never_came():
    assert quantile([1.0, None, 3.0], 0.5) == 3.0
    assert quantile([1.0, None, None], 0.5) is None


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(0, 100, 0.0, 0.0370), (100, 100, 0.9630, 1.0), (50, 100, 0.4038, 0.5962), (0, 0, 0.0, 1.0)],
)
def test_intervals_are_wilsons(hits, of, low, high):
    assert interval(hits, of) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
