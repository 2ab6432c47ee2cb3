"""Native histograms up to fixed boundaries: exactly, or not at all."""

import math
import random

import pytest

from davylamp.adapters.prometheus.native_histograms import LADDERS, counted
from davylamp.adapters.prometheus.query_result import Bucket, Histogram
from davylamp.gates import LATENCY

LADDER = LADDERS[LATENCY]


def observed(values: list[float], schema: int) -> Histogram:
    """What a client of a schema makes of observations: bounds are powers of 2^(2^-schema)."""
    counts: dict[int, int] = {}
    for value in values:
        index = math.ceil(math.log2(value) * 2**schema)
        counts[index] = counts.get(index, 0) + 1
    buckets = (
        Bucket(2 ** ((index - 1) * 2.0**-schema), 2 ** (index * 2.0**-schema), count)
        for index, count in sorted(counts.items())
    )
    return Histogram(len(values), tuple(buckets))


@pytest.mark.parametrize("schema", range(1, 9))
def test_counts_are_those_of_the_observations_in_every_schema(schema: int) -> None:
    draw = random.Random(schema)
    values = [draw.lognormvariate(-3, 3) for _ in range(500)]
    exact = tuple(sum(value <= bound for value in values) for bound in LADDER.bounds)
    assert counted(observed(values, schema), LADDER) == exact


def test_a_client_that_halves_its_resolution_changes_nothing() -> None:
    draw = random.Random(1)
    values = [draw.lognormvariate(-3, 1) for _ in range(200)]
    assert counted(observed(values, 5), LADDER) == counted(observed(values, 1), LADDER)


def test_an_observation_on_a_boundary_is_up_to_it() -> None:
    at = LADDER.names.index("0.5")
    assert counted(observed([0.5], 3), LADDER)[at - 1 : at + 1] == (0, 1)


@pytest.mark.parametrize("schema", [0, -1, -4])
def test_too_coarse_a_schema_says_nothing_rather_than_something_wrong(schema: int) -> None:
    assert all(map(math.isnan, counted(observed([0.3, 0.4], schema), LADDER)))


def test_zero_and_negative_observations_are_below_all_boundaries() -> None:
    histogram = Histogram(3, (Bucket(-1.0, -0.9, 1), Bucket(-1e-128, 1e-128, 2)))
    assert set(counted(histogram, LADDER)) == {3}


@pytest.mark.parametrize(
    "bucket",
    [
        Bucket(0.5, 0.55, math.nan),
        Bucket(0.5, 0.55, math.inf),
        Bucket(0.5, 0.55, -1),
        Bucket(math.nan, 0.55, 1),
        Bucket(0.5, math.nan, 1),
        Bucket(-math.inf, math.inf, 1),
        Bucket(0.0, 0.1, 1),
    ],
)
def test_senseless_buckets_make_no_number(bucket: Bucket) -> None:
    good = Bucket(0.25, 0.27, 1)
    assert all(map(math.isnan, counted(Histogram(2, (good, bucket)), LADDER)))


def test_what_people_ask_latencies_for_are_boundaries() -> None:
    assert {0.125, 0.25, 0.5, 1.0, 2.0, 4.0} <= {float(name) for name in LADDER.names}
    assert len(set(LADDER.names)) == len(LADDER.bounds) == 33
