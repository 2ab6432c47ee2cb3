"""Distances of predictions and explanations: what blocks say, what people are shown."""

import math
import random
from dataclasses import replace
from itertools import accumulate

import pytest

from davylamp.gates import ScoreDistance, ShareDistance
from davylamp.gates.counts import NOTHING, Count, Pair
from davylamp.gates.evidence import distance
from davylamp.gates.evidence.hoeffding import THETAS

TV = ScoreDistance(distance=0.1)
W1 = ScoreDistance(distance=0.1, ordered=True)
SHARES = ShareDistance(distance=0.1)
BASELINE = (("bmi", 2.0), ("bp", 1.0), ("sex", 1.0))
BOTH = ShareDistance(distance=0.1, baseline=BASELINE)
ALONE = ShareDistance(distance=0.1, baseline=BASELINE, against_stable=False)
BOUNDS = ("0.25", "0.5", "0.75", "+Inf")


def scores(*bins, bounds=BOUNDS):
    below = list(accumulate(bins))
    return Count(round(below[-1]), 0, dict(zip(bounds, map(float, below), strict=True)))


def shares(n, **means):
    return Count(n, 0, {name: n * mean for name, mean in means.items()})


def log_e(beyond, size):
    return [size * (4 * theta * beyond - 2 * theta**2) for theta in THETAS]


EVEN = scores(25, 25, 25, 25)
LOW = scores(70, 10, 10, 10)
PAST = Pair(LOW, EVEN)


def test_the_next_block_is_judged_on_the_set_that_earlier_blocks_point_to():
    found = distance.gains(TV, PAST, Pair(scores(30, 10, 5, 5), scores(50, 50, 50, 50)))

    assert found.worse["stable"] == pytest.approx(log_e(30 / 50 - 0.25 - 0.1, 40))
    assert not found.better


def test_what_a_block_shows_elsewhere_than_on_that_set_wins_nothing():
    found = distance.gains(TV, PAST, Pair(scores(0, 0, 0, 50), scores(50, 50, 50, 50)))

    assert found.worse["stable"] == pytest.approx(log_e(0 - 0.25 - 0.1, 40))


def test_the_ordered_witness_climbs_towards_where_the_past_canary_is():
    up = Pair(scores(10, 10, 10, 70), EVEN)
    found = distance.gains(W1, up, Pair(scores(0, 0, 0, 50), scores(50, 0, 0, 0)))

    assert found.worse["stable"] == pytest.approx(log_e(1 - 0.1, 25))


@pytest.mark.parametrize("past", [Pair(), Pair(LOW), Pair(NOTHING, EVEN)])
def test_without_a_past_on_both_sides_a_block_says_nothing(past):
    assert not distance.gains(TV, past, PAST).worse


def test_total_variation_does_not_know_an_order_of_bins():
    order = [2, 0, 3, 1]

    def mixed(bins):
        return scores(*(bins[i] for i in order))

    past, block = ((70, 12, 10, 8), (25, 26, 24, 25)), ((30, 10, 4, 6), (50, 55, 45, 50))
    plain = [Pair(*(scores(*bins) for bins in each)) for each in (past, block)]
    other = [Pair(*(mixed(bins) for bins in each)) for each in (past, block)]

    assert distance.gains(TV, *plain).worse["stable"] == pytest.approx(
        distance.gains(TV, *other).worse["stable"]
    )
    assert distance.distance_between(TV, plain[0]) == pytest.approx(
        distance.distance_between(TV, other[0])
    )


def test_features_may_come_in_any_order_and_stay_away_where_they_are_nothing():
    past = Pair(shares(50, bmi=0.7, bp=0.3), shares(500, bmi=0.4, bp=0.4, sex=0.2))
    block = Pair(shares(50, bmi=0.6, bp=0.4), shares(500, bmi=0.5, bp=0.5))
    turned = Pair(shares(50, bp=0.4, sex=0.0, bmi=0.6), shares(500, bp=0.5, bmi=0.5))

    found = distance.gains(SHARES, past, block).worse["stable"]
    assert found == distance.gains(SHARES, past, turned).worse["stable"]
    assert found == pytest.approx(log_e(0.6 - 0.5 - 0.1, 1 / (1 / 50 + 1 / 500)))


def test_a_shift_by_one_bin_is_all_for_total_variation_and_a_step_for_wasserstein():
    bounds = ("10", "20", "30", "40", "50", "+Inf")
    pair = Pair(
        scores(0, 0, 500, 0, 0, 0, bounds=bounds), scores(0, 500, 0, 0, 0, 0, bounds=bounds)
    )

    assert distance.distance_between(TV, pair) == pytest.approx(1.0, abs=0.001)
    assert distance.distance_between(W1, pair) == pytest.approx(10 / 40, abs=0.001)


def test_boundaries_are_the_same_however_they_are_written():
    other = scores(50, 50, 50, 50, bounds=("0.250", "5e-1", ".75", "Inf"))
    block = scores(30, 10, 5, 5)

    assert distance.gains(TV, PAST, Pair(block, other)) == distance.gains(
        TV, PAST, Pair(block, scores(50, 50, 50, 50))
    )


def test_bins_lie_between_the_boundaries_that_both_have():
    fine = scores(30, 5, 5, 5, 5, bounds=("0.25", "0.4", "0.5", "0.75", "+Inf"))
    coarse = scores(100, 100, bounds=("0.5", "+Inf"))
    found = distance.gains(TV, Pair(LOW, EVEN), Pair(fine, coarse))

    assert found.worse["stable"] == pytest.approx(log_e(0.8 - 0.5 - 0.1, 40))
    assert not distance.gains(TV, PAST, Pair(fine, scores(9, bounds=("+Inf",)))).worse


def test_both_references_must_be_left_behind():
    past = Pair(shares(50, bmi=0.8, bp=0.1, sex=0.1), shares(50, bmi=0.5, bp=0.25, sex=0.25))
    found = distance.gains(BOTH, past, past)

    assert found.worse["stable"] == pytest.approx(log_e(0.2, 25))
    assert found.worse["baseline"] == pytest.approx(log_e(0.2, 50))


def test_where_stable_says_nothing_the_baseline_does_not_speak_for_it():
    past = Pair(shares(50, bmi=0.8, bp=0.1, sex=0.1))
    found = distance.gains(BOTH, past, past)

    assert found.worse["stable"] == [0.0] * len(THETAS)
    assert max(found.worse["baseline"]) > 0


def test_the_baseline_alone():
    past = Pair(shares(50, bmi=0.8, age=0.2), shares(50, bmi=1.0))
    expected = pytest.approx(log_e(0.5 - 0.1, 50))

    assert distance.gains(ALONE, past, past).worse == {"baseline": expected}
    for rule in (ALONE, BOTH):
        alone = distance.gains_alone(rule, past.candidate, past.candidate)
        assert alone.worse == {"baseline": expected}
    assert not distance.gains_alone(BOTH, NOTHING, past.candidate).worse
    for rule in (TV, SHARES):
        assert not distance.gains_alone(rule, past.candidate, past.candidate).worse


HOSTILE_SCORES = {
    "nothing": Count(50),
    "no end": scores(20, 30, bounds=("0.25", "0.5")),
    "no numbers": Count(50, 0, {"0.25": math.nan, "0.5": 20.0, "+Inf": math.nan}),
    "no boundaries": Count(50, 0, {"low": 20.0, "nan": 3.0, "-Inf": 2.0, "": 50.0}),
    "falling": Count(50, 0, {"0.25": 40.0, "0.5": 30.0, "0.75": 30.0, "+Inf": 50.0}),
    "empty": Count(0, 0, dict.fromkeys(BOUNDS, 0.0)),
    "rounding only": Count(0, 0, {"0.25": 0.0, "0.5": -1e-17, "0.75": 1e-17, "+Inf": 0.0}),
    "endless": Count(50, 0, {"0.25": 1.0, "0.5": math.inf, "0.75": math.inf, "+Inf": math.inf}),
    "huge": Count(50, 0, {"0.25": -1e308, "0.5": 1e308, "0.75": 1e308, "+Inf": 1e308}),
}
HOSTILE_SHARES = {
    "nothing": Count(50),
    "too much": shares(50, bmi=0.8, bp=0.8),
    "negative": shares(50, bmi=1.2, bp=-0.2),
    "no numbers": shares(50, bmi=math.nan),
    "endless": shares(50, bmi=math.inf),
    "nobody": Count(0, 0, {"bmi": 0.0}),
    "huge": Count(50, 0, {"bmi": 1e308, "bp": 1e308}),
}


@pytest.mark.parametrize("bad", HOSTILE_SCORES.values(), ids=HOSTILE_SCORES)
@pytest.mark.parametrize("rule", [TV, W1], ids=["TV", "W1"])
def test_scores_that_contradict_themselves_are_no_evidence(rule, bad):
    for past, block in (
        (PAST, Pair(bad, EVEN)),
        (PAST, Pair(LOW, bad)),
        (Pair(bad, EVEN), PAST),
        (Pair(LOW, bad), PAST),
    ):
        assert not distance.gains(rule, past, block).worse
    pair = Pair(bad, EVEN)
    assert distance.distance_between(rule, pair) is None
    assert distance.psi(pair) is None
    assert distance.biggest_movers(rule, pair) == ()
    assert not distance.accepts(rule, pair)
    assert distance.needed(rule, pair) > 0


@pytest.mark.parametrize("bad", HOSTILE_SHARES.values(), ids=HOSTILE_SHARES)
def test_shares_that_contradict_themselves_are_no_evidence(bad):
    good = shares(50, bmi=0.8, bp=0.2)
    for past, block in ((good, bad), (bad, good)):
        assert not distance.gains(SHARES, Pair(past, good), Pair(block, good)).worse
        assert not distance.gains(SHARES, Pair(good, past), Pair(good, block)).worse
        assert not distance.gains_alone(ALONE, past, block).worse
    assert distance.baseline_distance(ALONE, bad) is None
    assert distance.biggest_movers(ALONE, Pair(bad)) == ()
    assert not distance.accepts(BOTH, Pair(bad, bad))


def test_rounding_in_a_block_is_let_pass():
    noisy = Count(50, 0, {"0.25": 30.0, "0.5": 30.0 - 1e-9, "0.75": 40.0, "+Inf": 50.0 - 1e-9})
    clean = scores(30, 0, 10, 10)

    assert distance.gains(TV, PAST, Pair(noisy, EVEN)).worse["stable"] == pytest.approx(
        distance.gains(TV, PAST, Pair(clean, EVEN)).worse["stable"]
    )


@pytest.mark.parametrize("rule", [TV, W1], ids=["TV", "W1"])
@pytest.mark.parametrize("n", [1, 10**3, 10**6, 10**9])
@pytest.mark.parametrize("m", [1, 10**9])
def test_numbers_stay_finite(rule, n, m):
    pair = Pair(scores(n, 0, 0, 0), scores(0, 0, 0, m))

    assert all(map(math.isfinite, distance.gains(rule, pair, pair).worse["stable"]))
    assert distance.needed(rule, pair) >= 0
    assert distance.distance_between(rule, pair + pair) in (None, pytest.approx(1.0, abs=0.1))


def drawn(seed, n, weights):
    counts = [0] * len(weights)
    for each in random.Random(seed).choices(range(len(weights)), weights, k=n):
        counts[each] += 1
    return scores(*counts, bounds=[*map(str, range(len(weights) - 1)), "+Inf"])


@pytest.mark.parametrize("estimate", [lambda p: distance.distance_between(TV, p), distance.psi])
def test_equal_models_do_not_look_different_after_a_few_requests(estimate):
    found = [
        estimate(Pair(drawn(seed, 50, [1] * 10), drawn(-seed, 1000, [1] * 10)))
        for seed in range(1, 61)
    ]

    assert sum(found) / len(found) < 0.06
    assert min(found) == 0.0


@pytest.mark.parametrize("true", [0.2, 0.4])
def test_a_distance_is_estimated_as_it_is(true):
    weights = [0.1 + true / 5] * 5 + [0.1 - true / 5] * 5
    found = [
        distance.distance_between(TV, Pair(drawn(seed, 400, weights), drawn(-seed, 4000, [1] * 10)))
        for seed in range(1, 31)
    ]

    assert sum(found) / len(found) == pytest.approx(true, abs=0.02)


def test_too_few_requests_are_no_estimate():
    assert distance.distance_between(TV, Pair(scores(10, 9, 0, 0), EVEN)) is None
    assert distance.psi(Pair(EVEN, scores(10, 9, 0, 0))) is None
    assert distance.baseline_distance(BOTH, shares(19, bmi=1.0)) is None
    assert distance.baseline_distance(SHARES, shares(500, bmi=1.0)) is None
    assert distance.baseline_distance(BOTH, shares(500, bmi=1.0)) == pytest.approx(0.5, abs=0.01)


def test_enough_is_what_twice_the_distance_takes():
    """ln(2 x 5 / 0.01) / (2 x 0.1^2) = 345.4 effective requests."""
    most = Pair(shares(10**9, bmi=1.0), shares(10**9, bmi=1.0))

    assert distance.needed(TV, Pair()) == 346
    assert distance.needed(TV, Pair(scores(100, 100, 0, 0), scores(0, 0, 100, 100))) == 491
    assert not distance.enough(ALONE, Pair(shares(345, bmi=1.0)))
    assert distance.enough(ALONE, Pair(shares(346, bmi=1.0)))
    assert distance.needed(replace(TV, burst=2.0), Pair()) == 691
    assert distance.needed(replace(TV, false_promotion=1e-6), Pair()) == 691
    for tolerated in (0.0001, 0.01, 0.5, 0.99, 0.9999):
        assert distance.enough(ShareDistance(distance=tolerated), most)


def scores_of(n, *weights):
    return scores(*(n * each for each in weights))


def test_fine_is_enough_and_close():
    stable = scores_of(20_000, 0.25, 0.25, 0.25, 0.25)
    close, far = (0.3, 0.25, 0.25, 0.2), (0.4, 0.25, 0.25, 0.1)

    assert distance.accepts(TV, Pair(scores_of(1000, *close), stable))
    assert not distance.accepts(TV, Pair(scores_of(1000, *far), stable))
    assert not distance.accepts(TV, Pair(scores_of(200, *close), stable))
    assert not distance.accepts(TV, Pair(scores_of(1000, *close)))


def test_one_reference_that_is_kept_is_fine():
    like_baseline = shares(2000, bmi=0.5, bp=0.25, sex=0.25)
    other = shares(2000, bmi=0.1, bp=0.8, sex=0.1)

    assert distance.accepts(BOTH, Pair(like_baseline, other))
    assert distance.accepts(BOTH, Pair(other, other))
    assert distance.accepts(BOTH, Pair(like_baseline))
    assert not distance.accepts(BOTH, Pair(other, like_baseline))
    assert not distance.accepts(SHARES, Pair(like_baseline, other))
    assert not distance.accepts(ALONE, Pair(other, other))


def test_people_are_told_what_moved_most():
    bounds = ("25", "50.0", "1e3", "+Inf")
    pair = Pair(scores(70, 20, 0, 10, bounds=bounds), scores(10, 50, 20, 20, bounds=bounds))

    assert distance.biggest_movers(TV, pair) == (
        ("up to 25", 0.7, 0.1),
        ("25 to 50", 0.2, 0.5),
        ("50 to 1000", 0.0, 0.2),
    )
    assert distance.biggest_movers(TV, pair, most=4)[3] == ("above 1000", 0.1, 0.2)


def test_features_that_moved_are_compared_with_stable_or_with_the_baseline():
    pair = Pair(shares(100, bmi=0.9, bp=0.1), shares(100, bp=1.0))

    assert distance.biggest_movers(BOTH, pair, most=1) == (("bmi", 0.9, 0.0),)
    assert distance.biggest_movers(ALONE, pair, most=1) == (("bmi", 0.9, 0.5),)
