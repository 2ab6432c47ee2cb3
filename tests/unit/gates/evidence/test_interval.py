import itertools
import math
import random

import pytest

from davylamp.gates.counts import Count, Pair
from davylamp.gates.evidence.interval import Interval, rate_interval, ratio_interval

SIZES = [1, 2, 17, 400]


def plausible(count, confidence):
    """All plausible rates of a grid, with the mixture integrated in arcsine coordinates."""
    steps = 2000
    angles = [(i + 0.5) / steps * math.pi / 2 for i in range(steps)]  # uniform under Beta(1/2, 1/2)

    def likelihood(p):
        return p**count.errors * (1 - p) ** (count.requests - count.errors)

    mixture = math.fsum(likelihood(math.sin(a) ** 2) for a in angles) / steps
    return [i / 1000 for i in range(1001) if mixture * (1 - confidence) <= likelihood(i / 1000)]


@pytest.mark.parametrize("count", [Count(1, 0), Count(1, 1), Count(12, 3), Count(90, 2)], ids=str)
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_the_ends_are_those_of_a_search_over_all_rates(count, confidence):
    found = rate_interval(count, confidence)
    inside = plausible(count, confidence)
    assert found.low == pytest.approx(min(inside), abs=0.0011)
    assert found.high == pytest.approx(max(inside), abs=0.0011)


@pytest.mark.parametrize("requests", SIZES)
def test_the_estimate_lies_inside_and_the_ends_are_exact_at_none_and_all(requests):
    for errors in range(requests + 1):
        found = rate_interval(Count(requests, errors))
        assert found.estimate == errors / requests
        assert 0 <= found.low <= found.estimate <= found.high <= 1
        assert (found.low == 0) == (errors == 0)
        assert (found.high == 1) == (errors == requests)


def test_nothing_is_known_without_requests():
    assert rate_interval(Count()) == Interval(0.0, 0.0, 1.0)


@pytest.mark.parametrize("requests", SIZES)
def test_more_errors_move_both_ends_up(requests):
    found = [rate_interval(Count(requests, errors)) for errors in range(requests + 1)]
    for fewer, more in itertools.pairwise(found):
        assert fewer.low < more.low
        assert fewer.high < more.high


def test_exchanging_errors_and_successes_mirrors_the_interval():
    a, b = rate_interval(Count(250, 40)), rate_interval(Count(250, 210))
    assert (1 - b.high, 1 - b.low) == pytest.approx((a.low, a.high))


def test_more_requests_at_the_same_rate_narrow_it():
    found = [rate_interval(Count(20 * 10**i, 10**i)) for i in range(8)]
    for shorter, longer in itertools.pairwise(found):
        assert shorter.low < longer.low < 0.05 < longer.high < shorter.high


def test_more_confidence_widens_it():
    found = [rate_interval(Count(300, 9), confidence) for confidence in (0.5, 0.9, 0.99, 0.9999)]
    for less, more in itertools.pairwise(found):
        assert more.low < less.low < less.high < more.high


@pytest.mark.parametrize("errors", [0, 1, 10**3, 5 * 10**8, 10**9 - 1, 10**9])
def test_a_thousand_million_requests_are_no_problem(errors):
    found = rate_interval(Count(10**9, errors))
    assert 0 <= found.low <= found.estimate <= found.high <= 1
    assert 1e-9 < found.high - found.low < 2e-4


def misses(rate, confidence, requests, runs):
    """Share of runs in which the true rate was outside at any of the looks, after 1, 2, ... ."""
    rng, missed = random.Random(11), 0
    ranges = {}
    for _ in range(runs):
        errors = 0
        for n in range(1, requests + 1):
            errors += rng.random() < rate
            if (n, errors) not in ranges:
                ranges[n, errors] = rate_interval(Count(n, errors), confidence)
            if not ranges[n, errors].low <= rate <= ranges[n, errors].high:
                missed += 1
                break
    return missed / runs


@pytest.mark.parametrize("rate", [0.01, 0.3])
def test_stopping_when_the_interval_looks_best_does_not_break_its_promise(rate):
    runs, left = 300, 0.2
    within_noise = left + 3 * math.sqrt(left * (1 - left) / runs)
    assert 0 < misses(rate, 1 - left, 300, runs) <= within_noise


@pytest.mark.parametrize(
    ("candidate", "stable", "estimate"),
    [
        (Count(100, 20), Count(1000, 50), 0.25 * 19),
        (Count(100, 5), Count(1000, 50), 1.0),
        (Count(100, 0), Count(1000, 50), 0.0),
        (Count(100, 20), Count(1000, 0), math.inf),
        (Count(100, 100), Count(1000, 50), math.inf),
        (Count(100, 0), Count(1000, 0), 1.0),
        (Count(100, 100), Count(1000, 1000), 1.0),
    ],
    ids=str,
)
def test_the_ratio_of_odds_lies_between_its_ends(candidate, stable, estimate):
    found = ratio_interval(Pair(candidate, stable))
    assert found.estimate == pytest.approx(estimate)
    assert 0 <= found.low <= found.estimate <= found.high
    assert found.low < found.high


@pytest.mark.parametrize("pair", [Pair(), Pair(Count(9, 3)), Pair(stable=Count(9, 3))], ids=str)
def test_no_ratio_is_known_while_one_side_has_no_requests(pair):
    assert ratio_interval(pair) == Interval(1.0, 0.0, math.inf)


def test_a_clear_difference_excludes_equal_odds():
    assert ratio_interval(Pair(Count(200, 40), Count(4000, 40))).low > 5
    assert ratio_interval(Pair(Count(200, 3), Count(4000, 40))).low < 1


def test_the_ratio_keeps_its_promise_when_stopped_at_will():
    rng, missed, truth = random.Random(12), 0, (0.2 / 0.8) / (0.05 / 0.95)
    for _ in range(100):
        seen = Pair()
        for _ in range(30):
            failed = [sum(rng.random() < p for _ in range(n)) for n, p in ((10, 0.2), (90, 0.05))]
            seen += Pair(Count(10, failed[0]), Count(90, failed[1]))
            found = ratio_interval(seen, 0.8)
            if not found.low <= truth <= found.high:
                missed += 1
                break
    assert missed <= 32


def test_the_ratio_shares_what_its_confidence_leaves_between_both_rates():
    pair = Pair(Count(200, 9), Count(4000, 40))
    found = ratio_interval(pair, 0.9)
    candidate, stable = rate_interval(pair.candidate, 0.95), rate_interval(pair.stable, 0.95)

    def odds(rate):
        return rate / (1 - rate)

    assert found.low == pytest.approx(odds(candidate.low) / odds(stable.high))
    assert found.high == pytest.approx(odds(candidate.high) / odds(stable.low))
