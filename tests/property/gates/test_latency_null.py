"""Latency evidence on canaries that are not slower: it must not be expected to grow.

Exactly where all outcomes can be enumerated, and by simulation with a fixed seed for whole trials,
in which a bound that holds at any time is looked at after every block.
"""

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davylamp.gates import Latency
from davylamp.gates.counts import Count, Pair
from davylamp.gates.evidence.e_process import PRIOR, EvidenceCap, advance, levels
from davylamp.gates.evidence.latency import gains, gains_alone

SIZES = st.integers(1, 12)


def at(requests, slow):
    return Count(requests, 0, {"0.5": float(requests - slow), "+Inf": float(requests)})


def splits(canary, stable, slow, psi):
    """All ways in which `slow` answers can fall on the revisions, with probabilities."""
    possible = range(max(0, slow - stable), min(canary, slow) + 1)
    weights = [math.comb(canary, k) * math.comb(stable, slow - k) * psi**k for k in possible]
    for k, weight in zip(possible, weights, strict=True):
        yield Pair(at(canary, k), at(stable, slow - k)), weight / sum(weights)


def expected(rule, claim, side, past, outcomes):
    """Expected factors by alternative."""
    factors = [
        [weight * math.exp(gain) for gain in getattr(gains(rule, past, block), side)[claim]]
        for block, weight in outcomes
    ]
    return [math.fsum(column) for column in zip(*factors, strict=True)]


@given(canary=SIZES, stable=SIZES, slow=st.integers(0, 24), share=st.floats(0.001, 1))
def test_p2_no_canary_up_to_the_ratio_is_expected_to_look_slower(canary, stable, slow, share):
    rule = Latency(ratio=1.25)
    outcomes = splits(canary, stable, min(slow, canary + stable), share * rule.ratio)
    assert max(expected(rule, "slower:0.5", "worse", Pair(), outcomes)) <= 1 + 1e-9


@given(canary=SIZES, stable=SIZES, slow=st.integers(0, 24), beyond=st.floats(1, 1000))
def test_p2_no_canary_beyond_the_ratio_is_expected_to_look_fine(canary, stable, slow, beyond):
    rule, past = Latency(promote_ratio=2.0), Pair(at(50, 5), at(500, 50))
    outcomes = splits(canary, stable, min(slow, canary + stable), beyond * rule.promote_ratio)
    assert max(expected(rule, "slower", "better", past, outcomes)) <= 1 + 1e-9


@given(canary=SIZES, share=st.floats(0.001, 1))
def test_p2_no_canary_within_its_bound_is_expected_to_look_too_slow(canary, share):
    rule = Latency(over=0.5, max_share=0.05)
    p = share * rule.max_share
    factors = [0.0] * 5
    for k in range(canary + 1):
        weight = math.comb(canary, k) * p**k * (1 - p) ** (canary - k)
        for i, gain in enumerate(gains_alone(rule, at(canary, k)).worse["over"]):
            factors[i] += weight * math.exp(gain)
    assert max(factors) <= 1 + 1e-9


NUMBERS = st.integers(1, 10**9)


@settings(max_examples=60, deadline=None)
@given(canary=NUMBERS, stable=NUMBERS, shares=st.lists(st.floats(0, 1), min_size=6, max_size=6))
def test_p2_numbers_stay_finite_whatever_was_counted(canary, stable, shares):
    rule = Latency(over=0.5, max_share=0.05)
    block = Pair(_counted(canary, shares[:3]), _counted(stable, shares[3:]))
    found = gains(rule, block, block)
    lines = itertools.chain(found.worse.values(), found.better.values())
    assert all(math.isfinite(gain) for line in lines for gain in line)


def _counted(requests, shares):
    at_most = (math.floor(requests * share) for share in sorted(shares))
    return Count(requests, 0, dict(zip(("0.1", "0.5", "2"), map(float, at_most), strict=True)))


BUCKETS = (0.02, 0.05, 0.1, 0.25, 0.5)
RULE = Latency(ratio=1.25, horizon_blocks=40)
PACE = EvidenceCap(burst=1.0, burst_better=1.0, agreeing=1)
"""The least careful setting; the cap of one agreeing block binds least."""


def level(rng, canary_median, *, give_up, blocks=40):
    """The level at which a trial is stopped: when it first exceeds `give_up`, or at the end."""
    evidence, past = PRIOR, Pair()
    for _ in range(blocks):
        block = Pair(_answers(rng, 15, canary_median), _answers(rng, 60, 0.06))
        evidence = advance(RULE, evidence, gains(RULE, past, block), PACE)
        past += block
        if levels(RULE, evidence).rollback >= give_up:
            break
    return levels(RULE, evidence).rollback


def _answers(rng, requests, median):
    times = [rng.lognormvariate(math.log(median), 0.8) for _ in range(requests)]
    return Count(requests, 0, {str(le): float(sum(t <= le for t in times)) for le in BUCKETS})


@pytest.mark.parametrize("median", [0.06, 0.063], ids=["equal", "slower, but within the ratio"])
def test_p2_a_healthy_canary_is_not_expected_to_gather_evidence_until_stopped(median):
    """The boundaries' lines depend on each other, yet their mean must not be expected to grow."""
    rng = random.Random(3)
    stopped = [math.exp(level(rng, median, give_up=math.log(5))) for _ in range(150)]
    mean = math.fsum(stopped) / len(stopped)
    spread = math.sqrt(math.fsum((x - mean) ** 2 for x in stopped)) / len(stopped)
    assert mean <= 1 + 3 * spread
    assert max(stopped) > 1  # it does move
