import math
import random

import pytest
from tests.unit.gates.states import reference

from davylamp.gates import ErrorRate
from davylamp.gates.counts import Count, Pair
from davylamp.gates.evidence import e_process, error_rate
from davylamp.gates.evidence.e_process import PRIOR, EvidenceCap


def blocks(seed, count, n=(40, 300), rates=(0.05, 0.02)):
    rng = random.Random(seed)

    def arm(most, rate):
        requests = rng.randint(1, most)
        return Count(requests, sum(rng.random() < rate for _ in range(requests)))

    return [(arm(n[0], rates[0]), arm(n[1], rates[1])) for _ in range(count)]


def pace(rule):
    return EvidenceCap(rule.burst or 1.0, rule.burst or 1.0, rule.agreeing_blocks)


def fold(rule, evidence, candidate, stable):
    found = error_rate.gains(rule, Pair(candidate, stable))
    return e_process.advance(rule, evidence, found, pace(rule))


def folded(rule, pairs):
    evidence = PRIOR
    for candidate, stable in pairs:
        evidence = fold(rule, evidence, candidate, stable)
    return evidence


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    "settings",
    [{}, {"burst": 3.0, "min_blocks": 4}, {"horizon_blocks": 10}, {"max_rate": 0.05, "ratio": 1.0}],
    ids=str,
)
def test_agrees_with_the_formulas(seed, settings):
    rule = ErrorRate(**settings)
    config = reference.Config(
        floor=rule.max_rate,
        tol=rule.max_rate,
        ratio=rule.ratio,
        min_blocks=rule.agreeing_blocks,
        burst=rule.burst or 1.0,
        horizon=rule.horizon_blocks,
    )
    evidence, state = PRIOR, reference.State()
    for candidate, stable in blocks(seed, 40):
        evidence = fold(rule, evidence, candidate, stable)
        counts = (candidate.requests, candidate.errors, stable.requests, stable.errors)
        state = reference.update(state, config, *counts)
        at = e_process.levels(rule, evidence)
        expected = reference.evidence(state, config)
        assert (at.rollback, at.promote) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("agreeing", [1, 2, 3, 5])
def test_p2_exactly_the_asked_number_of_blocks_must_agree(agreeing):
    rule = ErrorRate(min_blocks=agreeing)
    outage = [(Count(1_000, 1_000), Count(3_000, 0))]
    before = e_process.levels(rule, folded(rule, outage * (agreeing - 1)))
    after = e_process.levels(rule, folded(rule, outage * agreeing))
    assert not e_process.says_worse(rule, before)
    assert e_process.says_worse(rule, after)


def test_p2_an_incident_that_hits_both_is_no_evidence():
    rule = ErrorRate()
    at = e_process.levels(rule, folded(rule, [(Count(100, 40), Count(300, 120))] * 200))
    assert at.rollback < math.log(10)
    at = e_process.levels(rule, folded(rule, [(Count(100, 100), Count(300, 300))] * 200))
    assert at.rollback <= math.log(1.1)


def test_p2_a_worse_canary_within_the_bound_is_no_evidence():
    rule = ErrorRate(max_rate=0.01)
    at = e_process.levels(rule, folded(rule, [(Count(1_000, 8), Count(10_000, 1))] * 300))
    assert at.rollback < math.log(100)


def test_each_process_starts_with_the_value_one():
    at = e_process.levels(ErrorRate(), PRIOR)
    assert (at.rollback, at.promote) == pytest.approx((0.0, 0.0))


def test_without_stable_the_rate_alone_decides():
    rule = ErrorRate()
    evidence = PRIOR
    for _ in range(2):
        found = error_rate.gains_alone(rule, Count(100, 20))
        evidence = e_process.advance(rule, evidence, found, pace(rule))
    assert e_process.says_worse(rule, e_process.levels(rule, evidence))


def test_a_late_break_is_found_after_a_long_healthy_time():
    rule = ErrorRate()
    healthy = [(Count(25, 0), Count(475, 2))] * 240
    broken = [(Count(25, 25), Count(475, 2))] * 4
    assert e_process.says_worse(rule, e_process.levels(rule, folded(rule, healthy + broken)))


@pytest.mark.parametrize("requests", [1, 10**3, 10**9])
@pytest.mark.parametrize("rate", [0.0, 0.5, 1.0])
def test_evidence_stays_finite(requests, rate):
    rule = ErrorRate()
    pair = (Count(requests, round(requests * rate)), Count(requests, 0))
    at = e_process.levels(rule, folded(rule, [pair] * 3))
    assert math.isfinite(at.rollback)
    assert math.isfinite(at.promote)
