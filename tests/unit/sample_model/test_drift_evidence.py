"""The evidence is simulated with the job's own code: what is promised is a rate of false alarms."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from diabetes_model import shares
from diabetes_model.drift import evidence

LIMIT = 0.1
BASELINE = np.array([0.4, 0.3, 0.2, 0.1])
ALTERNATIVE = np.array([0.0, 0.0, 0.0, 1.0])
RUNS = 400

finite = st.floats(-1e6, 1e6, allow_nan=False)
contributions = arrays.arrays(
    np.float64, st.tuples(st.integers(1, 60), st.integers(1, 6)), elements=finite
)


def all_or_nothing(generator, expected, rows):
    """Rows that are each one feature's alone: the largest variance that shares can have."""
    return np.eye(len(expected))[generator.choice(len(expected), size=rows, p=expected)]


def spread(generator, expected, rows):
    """Rows in which every feature has some share: what real explanations look like."""
    return generator.dirichlet(expected * 20, size=rows)


def at(distance):
    """Expected shares at this distance from the baseline."""
    return BASELINE + (ALTERNATIVE - BASELINE) * distance / shares.distance(ALTERNATIVE, BASELINE)


def judged(world, distance, rows):
    generator = np.random.default_rng(5)
    expected = at(distance)
    return [evidence.weigh(world(generator, expected, rows), BASELINE, LIMIT) for _ in range(RUNS)]


@pytest.mark.parametrize("world", [all_or_nothing, spread])
@pytest.mark.parametrize("distance", [0.0, 0.05, 0.1])
def test_within_the_limit_false_alarms_are_rarer_than_1_in_100_however_often_one_looks(
    world, distance
):
    ever = [max(found.path) >= math.log(evidence.DRIFT) for found in judged(world, distance, 600)]
    assert sum(ever) <= RUNS * 0.01


@pytest.mark.parametrize("world", [all_or_nothing, spread])
@pytest.mark.parametrize("distance", [0.1, 0.12, 0.2])
def test_above_the_limit_no_more_than_5_in_100_are_bounded_below_it(world, distance):
    below = [found.upper < distance for found in judged(world, distance, 600)]
    assert sum(below) <= RUNS * 0.05


@pytest.mark.parametrize(
    ("world", "distance", "rows"),
    [(spread, 0.2, 100), (spread, 0.15, 300), (all_or_nothing, 0.2, 800), (spread, 0.5, 60)],
)
def test_real_drift_is_found(world, distance, rows):
    found = [each.drifted for each in judged(world, distance, rows)]
    assert sum(found) >= RUNS * 0.95


@pytest.mark.parametrize("world", [all_or_nothing, spread])
def test_600_rows_without_drift_are_known_to_be_within_the_limit(world):
    generator = np.random.default_rng(6)
    found = [evidence.weigh(world(generator, BASELINE, 600), BASELINE, LIMIT) for _ in range(RUNS)]
    assert sum(each.upper <= LIMIT for each in found) >= RUNS * 0.9


def test_drift_that_hits_some_rows_late_is_weighed_in_order_of_arrival():
    generator = np.random.default_rng(7)
    early, late = (spread(generator, expected, 300) for expected in (BASELINE, at(0.6)))
    forwards = evidence.weigh(np.concatenate([early, late]), BASELINE, LIMIT)
    backwards = evidence.weigh(np.concatenate([late, early]), BASELINE, LIMIT)
    assert forwards.path[: 300 // evidence.BLOCK] != backwards.path[: 300 // evidence.BLOCK]
    assert forwards.distance == pytest.approx(backwards.distance)


def test_one_block_bets_nothing_because_no_set_was_chosen_before_it():
    found = evidence.weigh(np.eye(4)[[3] * evidence.BLOCK], BASELINE, LIMIT)
    assert (found.log_e, found.drifted, found.upper) == (0.0, False, 1.0)


def test_a_limit_that_cannot_be_exceeded_makes_no_evidence():
    baseline = np.array([0.05, 0.95])
    found = evidence.weigh(np.eye(2)[[1] * 200], baseline, 0.2)
    assert found.log_e == 0.0


@pytest.mark.parametrize(("apart", "expected"), [(0.0, 150), (0.05, 600), (0.1, None), (0.3, None)])
def test_the_rows_that_would_tell_are_the_rows_whose_margin_fits(apart, expected):
    needed = evidence.rows_needed(apart, LIMIT)
    assert needed == expected
    if needed is not None:
        assert apart + evidence.margin(needed) <= LIMIT < apart + evidence.margin(needed - 1)


@given(contributions)
def test_shares_of_any_row_are_a_distribution(values):
    rows = shares.of(values)
    assert (rows >= 0).all()
    assert rows.sum(axis=1) == pytest.approx(np.ones(len(rows)))


@given(contributions)
def test_evidence_is_finite_and_the_distance_within_its_bound(values):
    rows = shares.of(values)
    baseline = np.full(rows.shape[1], 1 / rows.shape[1])
    found = evidence.weigh(rows, baseline, LIMIT)
    assert np.isfinite(found.path).all()
    assert 0 <= found.distance <= found.upper <= 1


def test_a_row_without_any_contribution_is_everybodys():
    assert shares.of(np.zeros((1, 4))).tolist() == [[0.25] * 4]


def test_the_distance_is_the_largest_difference_of_any_set():
    left, right = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.4, 0.4])
    assert shares.distance(left, right) == pytest.approx(0.3)
