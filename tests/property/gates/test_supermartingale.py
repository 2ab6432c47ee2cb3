"""Every bound rests on one fact: while the canary is healthy, the e-values do not grow on average.

One step is checked exactly, by adding up all that a small block can show; whole trials, where the
blocks are too many, by simulation at fixed seeds.
"""

import itertools
import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davylamp.gates import ErrorRate, Pair
from davylamp.gates.counts import Count
from davylamp.gates.evidence import error_rate, fisher
from davylamp.gates.evidence.e_process import PRIOR, EvidenceCap, EvidenceLines, advance, levels
from davylamp.gates.evidence.error_rate import Lately
from davylamp.gates.evidence.fisher import Table

SOME = settings(max_examples=40, deadline=None)
ROUNDING = 1e-9
rates = st.floats(0.0005, 0.6)
sizes = st.integers(1, 6)
paces = st.builds(
    EvidenceCap, st.sampled_from([1.0, 2.0, 5.0]), st.sampled_from([1.0, 5.0]), st.integers(1, 4)
)
histories = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4)).map(
        lambda errors: Pair(Count(4, errors[0]), Count(9, errors[1]))
    ),
    max_size=6,
)


def binomial(count, rate):
    return math.comb(count.requests, count.errors) * math.prod(
        (rate**count.errors, (1 - rate) ** (count.requests - count.errors))
    )


def all_blocks(canary, stable):
    for mine, theirs in itertools.product(range(canary + 1), range(stable + 1)):
        yield Pair(Count(canary, mine), Count(stable, theirs))


def with_odds(rate, ratio):
    odds = ratio * rate / (1 - rate)
    return odds / (1 + odds)


def claim(rule, evidence, name):
    """The e-value of one claim, with the prior mass that has not been spent yet."""
    alone = replace(evidence, worse={name: evidence.worse[name]})
    return math.exp(levels(rule, alone).rollback)


def expected(rule, before, blocks, weigh, value, *, pace, lately=None):
    """Mean of an e-value after one more block, drawn from a null; bet on by what was `lately`."""
    total = 0.0
    for block in blocks:
        found = error_rate.gains(rule, block, lately)
        total += weigh(block) * value(advance(rule, before, found, pace))
    return total


def told(rule, history, pace, *, betting=False):
    evidence, lately = PRIOR, Lately()
    for block in history:
        found = error_rate.gains(rule, block, lately if betting else None)
        evidence, lately = advance(rule, evidence, found, pace), lately.after(block)
    return evidence


def recalled(history):
    """What the next block is bet on by."""
    lately = Lately()
    for block in history:
        lately = lately.after(block)
    return lately


def opened(rule):
    """The evidence before the first block, with its lines."""
    nothing = error_rate.gains(rule, Pair(Count(1, 0), Count(1, 0)))
    half = {name: (math.log(0.5),) * len(line) for name, line in nothing.worse.items()}
    even = {name: (0.0,) * len(line) for name, line in nothing.better.items()}
    return EvidenceLines(0, half, even)


@SOME
@given(rates, st.floats(0.01, 1.0), sizes, sizes, histories, paces)
def test_p2_the_ratio_claim_expects_nothing_of_a_canary_within_the_ratio(
    stable_rate, part, canary, stable, history, pace
):
    """Whatever was seen before; exact, as the common error level cancels given the margins."""
    rule = ErrorRate(burst=1.0, horizon_blocks=8)
    before = told(rule, history, pace) if history else opened(rule)
    canary_rate = with_odds(stable_rate, part * rule.ratio)

    def weigh(block):
        return binomial(block.candidate, canary_rate) * binomial(block.stable, stable_rate)

    def value(evidence):
        return claim(rule, evidence, error_rate.RATIO)

    after = expected(rule, before, all_blocks(canary, stable), weigh, value, pace=pace)
    assert after <= value(before) * (1 + ROUNDING)


@SOME
@given(rates, st.floats(0.0, 1.0), sizes, histories, paces, st.booleans())
def test_p2_the_rate_claim_expects_nothing_of_a_canary_within_the_rate(
    max_rate, part, canary, history, pace, betting
):
    """Bets have one claim, which says both: stable is without errors here."""
    rule = ErrorRate(max_rate=max_rate, burst=1.0, horizon_blocks=8)
    before = told(rule, history, pace, betting=betting) if history else None
    if before is None:
        before = opened(rule) if not betting else None
    rate = part * max_rate

    def weigh(block):
        return binomial(block.candidate, rate) * (block.stable.errors == 0)

    def value(evidence):
        return claim(rule, evidence, error_rate.RATIO if betting else error_rate.RATE)

    lately = recalled(history) if betting else None
    after = expected(
        rule, before or PRIOR, all_blocks(canary, 1), weigh, value, pace=pace, lately=lately
    )
    assert after <= (value(before) if before else 1.0) * (1 + ROUNDING)


@SOME
@given(rates, st.floats(0.0, 1.0), sizes, sizes, histories)
def test_p2_betting_expects_nothing_of_a_canary_whose_rate_is_not_higher_by_more(
    stable_rate, part, canary, stable, history
):
    """Also where a whole block fails together, which no other test survives."""
    rule, pace = ErrorRate(burst=1.0, max_rate=0.05, horizon_blocks=8), EvidenceCap()
    before = told(rule, history, pace, betting=True) if history else None
    canary_rate = min(1.0, stable_rate + part * rule.max_rate)

    def weigh(block):
        mine = {canary: canary_rate, 0: 1 - canary_rate}.get(block.candidate.errors, 0.0)
        theirs = {stable: stable_rate, 0: 1 - stable_rate}.get(block.stable.errors, 0.0)
        return mine * theirs

    def value(evidence):
        return claim(rule, evidence, error_rate.RATIO)

    blocks = all_blocks(canary, stable)
    lately = recalled(history)
    after = expected(rule, before or PRIOR, blocks, weigh, value, pace=pace, lately=lately)
    assert after <= (value(before) if before else 1.0) * (1 + ROUNDING)


@SOME
@given(st.floats(0.02, 0.3), st.floats(1.0, 3.0), st.floats(1.0, 3.0), sizes, sizes, histories)
def test_p2_promotion_expects_nothing_of_a_canary_beyond_both_bounds(
    tolerated, over, times, canary, stable, history
):
    rule, pace = ErrorRate(burst=1.0, max_rate=tolerated), EvidenceCap()
    before = told(rule, history, pace) if history else opened(rule)
    canary_rate = min(0.99, tolerated * over)
    stable_rate = with_odds(canary_rate, 1 / (rule.promote_ratio * times))

    def weigh(block):
        return binomial(block.candidate, canary_rate) * binomial(block.stable, stable_rate)

    def value(evidence):
        return math.exp(levels(rule, evidence).promote)

    after = expected(rule, before, all_blocks(canary, stable), weigh, value, pace=pace)
    assert after <= value(before) * (1 + ROUNDING)


@pytest.mark.parametrize(
    ("stable_rate", "canary_rate"), [(0.3, 0.3), (0.3, with_odds(0.3, 1.5)), (0.0, 0.1)]
)
def test_p2_over_whole_trials_the_mean_stays_at_most_one(stable_rate, canary_rate):
    """Stopped at the bound as a rollout is; three standard errors are left for chance."""
    rule, pace = ErrorRate(max_rate=0.1, burst=1.0, horizon_blocks=30), EvidenceCap(agreeing=1)
    ends = [_stopped(rule, pace, stable_rate, canary_rate, seed) for seed in range(600)]
    mean = math.fsum(ends) / len(ends)
    spread = math.sqrt(math.fsum((each - mean) ** 2 for each in ends)) / len(ends)
    assert mean <= 1 + 3 * spread
    assert sum(each >= 100 for each in ends) <= 0.01 * len(ends) + 3 * math.sqrt(6)


def _stopped(rule, pace, stable_rate, canary_rate, seed):
    rng, evidence = random.Random(seed), PRIOR
    for _ in range(30):
        block = Pair(_drawn(5, canary_rate, rng), _drawn(15, stable_rate, rng))
        evidence = advance(rule, evidence, error_rate.gains(rule, block), pace)
        if levels(rule, evidence).rollback >= math.log(100):
            break
    return math.exp(levels(rule, evidence).rollback)


def _drawn(requests, rate, rng):
    return Count(requests, sum(rng.random() < rate for _ in range(requests)))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 10**9), st.integers(1, 10**9), st.floats(0, 1), st.floats(0, 1)),
        min_size=1,
        max_size=4,
    ),
    st.booleans(),
    st.sampled_from([1, 2, 5]),
)
def test_numbers_stay_finite_from_one_to_a_billion_requests(blocks, betting, agreeing):
    rule, evidence = ErrorRate(burst=1.0, horizon_blocks=2), PRIOR
    lately = Lately()
    for canary, stable, mine, theirs in blocks:
        block = Pair(
            Count(canary, min(canary, round(canary * mine**8))),
            Count(stable, min(stable, round(stable * theirs**8))),
        )
        found = error_rate.gains(rule, block, lately if betting else None)
        evidence, lately = (
            advance(rule, evidence, found, EvidenceCap(agreeing=agreeing)),
            lately.after(block),
        )
        at = levels(rule, evidence)
        assert math.isfinite(at.rollback)
        assert math.isfinite(at.promote)
        every = itertools.chain(*evidence.worse.values(), *evidence.better.values())
        assert all(map(math.isfinite, every))


@SOME
@given(st.integers(1, 60_000), st.integers(1, 60_000), st.floats(0, 1), st.floats(0, 1))
def test_large_blocks_agree_with_the_exact_sum(canary, stable, errors, share):
    """The stated error bound, 1e-7 in the logarithm, on both sides of where the method changes."""
    whole = round(errors * (canary + stable))
    low, high = max(0, whole - stable), min(canary, whole)
    table = Table(canary, stable, whole, low + round(share * (high - low)))
    odds = [math.log(each) for each in (0.125, 1.5, 3.0, 1500.0)]
    found = fisher.fisher(table, odds)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(fisher, "_WALKED", 10**9)
        exact = fisher.fisher(table, odds)
    for a, b in itertools.pairwise(range(len(odds))):
        assert found[b] - found[a] == pytest.approx(exact[b] - exact[a], abs=1e-7, rel=1e-10)
