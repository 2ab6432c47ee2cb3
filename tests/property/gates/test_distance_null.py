"""What is within its tolerance is hardly ever taken back; what is far beyond it always is.

One block is checked exactly, by going through everything that can be in it; whole trials are
simulated at the very edge of what is tolerated, with fixed seeds.
"""

import math
from itertools import accumulate, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from davylamp.gates import GroupRateGap, ScoreDistance, ShareDistance
from davylamp.gates.counts import Count, Pair
from davylamp.gates.evidence import distance, group_gap
from davylamp.gates.evidence.e_process import PRIOR, EvidenceCap, advance, levels, says_worse

TINY = ("0.25", "0.5", "+Inf")
BOUNDS = (*(f"0.{i}" for i in range(1, 10)), "+Inf")
UNIFORM = np.full(10, 0.1)
PACE = EvidenceCap(1.0, 1.0, 2)
SLACK = 1 + 1e-9


def scores(bins, bounds=BOUNDS):
    below = list(accumulate(map(float, bins)))
    return Count(round(below[-1]), 0, dict(zip(bounds, below, strict=True)))


def outcomes(n, chances):
    """Every histogram of n draws, with its probability."""
    for bins in product(range(n + 1), repeat=len(chances)):
        if sum(bins) == n:
            ways = math.factorial(n) / math.prod(map(math.factorial, bins))
            yield bins, ways * math.prod(p**k for p, k in zip(chances, bins, strict=True))


def expected(line_of, canary, stable):
    """Mean e-value of a block, by alternative, over all outcomes of both revisions."""
    total = 0.0
    for (ours, p), (theirs, q) in product(canary, stable):
        total += p * q * np.exp(line_of(ours, theirs))
    return total


CHANCES = st.tuples(*[st.floats(0.01, 1.0)] * 3).map(lambda w: tuple(x / sum(w) for x in w))
BINS = st.tuples(*[st.integers(0, 20)] * 3).filter(any)


@settings(max_examples=60, deadline=None)
@given(CHANCES, CHANCES, BINS, BINS, st.booleans(), st.integers(1, 4), st.integers(1, 4))
def test_no_past_makes_a_block_of_tolerated_scores_win_on_average(
    p, q, ours, theirs, ordered, n, m
):
    below = [abs(a - b) for a, b in zip(accumulate(p[:2]), accumulate(q[:2]), strict=True)]
    apart = 0.5 * sum(below) if ordered else sum(abs(a - b) for a, b in zip(p, q, strict=True)) / 2
    assume(1e-6 < apart < 1)
    rule = ScoreDistance(distance=apart, ordered=ordered)
    past = Pair(scores(ours, TINY), scores(theirs, TINY))

    def line(canary, stable):
        block = Pair(scores(canary, TINY), scores(stable, TINY))
        return distance.gains(rule, past, block).worse["stable"]

    means = expected(line, list(outcomes(n, p)), list(outcomes(m, q)))
    assert max(means) <= SLACK


@settings(max_examples=60, deadline=None)
@given(CHANCES, CHANCES, BINS, st.integers(1, 8))
def test_no_past_makes_a_block_of_tolerated_shares_win_on_average(p, q, ours, n):
    apart = sum(abs(a - b) for a, b in zip(p, q, strict=True)) / 2
    assume(1e-6 < apart < 1)
    baseline = tuple(zip("abc", q, strict=True))
    rule = ShareDistance(distance=apart, against_stable=False, baseline=baseline)

    def count(bins):
        return Count(sum(bins), 0, dict(zip("abc", map(float, bins), strict=True)))

    means = sum(
        chance * np.exp(distance.gains_alone(rule, count(ours), count(bins)).worse["baseline"])
        for bins, chance in outcomes(n, p)
    )
    assert max(means) <= SLACK


RATE = st.floats(0.0, 1.0)
ROWS = st.integers(1, 3)


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[RATE] * 4), st.tuples(*[ROWS] * 4))
def test_a_block_of_tolerated_gaps_does_not_win_on_average(rates, rows):
    (ca, cb, sa, sb) = rates
    bound, grown = abs(ca - cb), abs((ca - cb) - (sa - sb))
    assume(0 < bound < 1)
    assume(grown < 1)
    rule = GroupRateGap(max_gap=bound, increase=grown)

    def two(positive):
        parts = {}
        for name, n, k in zip("ab", rows, positive, strict=False):
            parts |= {f"{name}/answered": float(n), f"{name}/positive": float(k)}
        return Count(rows[0] + rows[1], 0, parts)

    rows = (rows[0], rows[1]) * 2
    arms = [
        [
            ((a, b), p * q)
            for ((a, _), p), ((b, _), q) in product(
                outcomes(rows[0], (x, 1 - x)), outcomes(rows[1], (y, 1 - y))
            )
        ]
        for x, y in ((ca, cb), (sa, sb))
    ]
    for name in ("bound:a>b", "bound:b>a", "stable:a>b", "stable:b>a"):

        def line(ours, theirs, name=name):
            return group_gap.gains(rule, Pair(two(ours), two(theirs))).worse[name]

        assert max(expected(line, *arms)) <= SLACK


def seconds(rule, draw, blocks):
    """When a canary is taken back, in blocks of 5 s; None if it never is."""
    past, evidence = Pair(), PRIOR
    for number in range(1, blocks + 1):
        block = draw()
        gains = (
            group_gap.gains(rule, block)
            if isinstance(rule, GroupRateGap)
            else distance.gains(rule, past, block)
        )
        evidence = advance(rule, evidence, gains, PACE)
        past = past + block
        if says_worse(rule, levels(rule, evidence)):
            return 5 * number
    return None


def histograms(seed, canary, stable=UNIFORM):
    """100 requests a second, 5 % of them the canary's."""
    rng = np.random.default_rng(seed)

    def draw():
        n, m = 1 + rng.poisson(24), 1 + rng.poisson(474)
        return Pair(scores(rng.multinomial(n, canary)), scores(rng.multinomial(m, stable)))

    return draw


def shares(seed, canary, stable=UNIFORM, *, firmness=8.0):
    rng = np.random.default_rng(seed)
    names = [f"feature-{i}" for i in range(10)]

    def some(n, means):
        rows = rng.dirichlet(firmness * means, size=n).sum(axis=0)
        return Count(n, 0, dict(zip(names, map(float, rows), strict=True)))

    def draw():
        return Pair(some(1 + rng.poisson(24), canary), some(1 + rng.poisson(94), stable))

    return draw


def answers(seed, canary, stable):
    rng = np.random.default_rng(seed)

    def some(n, rates):
        parts = {}
        for name, rate in zip("fm", rates, strict=True):
            rows = rng.poisson(n / 2)
            parts |= {
                f"{name}/answered": float(rows),
                f"{name}/positive": float(rng.binomial(rows, rate)),
            }
        return Count(n, 0, parts)

    return lambda: Pair(some(25, canary), some(475, stable))


def moved(apart):
    """Ten even bins, of which five lose to the other five."""
    return UNIFORM + np.repeat([apart / 5, -apart / 5], 5)


@pytest.mark.parametrize(
    ("rule", "world"),
    [
        (ScoreDistance(distance=0.1), lambda seed: histograms(seed, moved(0.1))),
        (ScoreDistance(distance=0.1), lambda seed: histograms(seed, UNIFORM)),
        (ScoreDistance(distance=0.06, ordered=True), lambda seed: histograms(seed, moved(0.1))),
        (ShareDistance(distance=0.1), lambda seed: shares(seed, moved(0.1))),
        (ShareDistance(distance=0.1), lambda seed: shares(seed, moved(0.1), firmness=1e-3)),
        (GroupRateGap(max_gap=0.2), lambda seed: answers(seed, (0.6, 0.4), (0.5, 0.5))),
        (GroupRateGap(increase=0.1), lambda seed: answers(seed, (0.6, 0.4), (0.55, 0.45))),
    ],
    ids=["TV", "equal", "W1", "shares", "shares of one feature each", "gap", "grown gap"],
)
def test_p2_what_is_just_tolerated_stays(rule, world):
    taken_back = [seed for seed in range(25) if seconds(rule, world(seed), 120)]

    assert not taken_back


@pytest.mark.parametrize(
    ("rule", "world", "most"),
    [
        (ScoreDistance(distance=0.1), lambda seed: histograms(seed, moved(0.2)), 150),
        (ScoreDistance(distance=0.1), lambda seed: histograms(seed, moved(0.3)), 40),
        (ScoreDistance(distance=0.1), lambda seed: histograms(seed, moved(0.5)), 15),
        (ScoreDistance(distance=0.1, ordered=True), lambda s: histograms(s, moved(0.5)), 40),
        (ShareDistance(distance=0.1), lambda seed: shares(seed, moved(0.3)), 40),
        (GroupRateGap(), lambda seed: answers(seed, (0.8, 0.2), (0.5, 0.5)), 60),
    ],
    ids=["TV 0.2", "TV 0.3", "TV 0.5", "W1", "shares", "gap"],
)
def test_what_is_far_off_is_found(rule, world, most):
    found = sorted(seconds(rule, world(seed), 120) or math.inf for seed in range(25))

    assert found[-1] < math.inf
    assert found[len(found) // 2] <= most


def test_enough_finds_twice_the_distance_before_it_passes():
    rule, passed = ScoreDistance(distance=0.1), 0
    for seed in range(20):
        draw, past = histograms(seed, moved(0.2)), Pair()
        while not distance.enough(rule, past):
            past = past + draw()
        passed += distance.accepts(rule, past)
    healthy = histograms(1, UNIFORM)

    assert passed == 0
    assert distance.accepts(rule, sum((healthy() for _ in range(20)), Pair()))
