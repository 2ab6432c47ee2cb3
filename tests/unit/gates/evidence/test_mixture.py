"""The mixture itself, apart from any test: it starts even, keeps its mass, and needs its blocks."""

import itertools
import math

import pytest

from davylamp.gates import ErrorRate
from davylamp.gates.evidence.e_process import (
    PRIOR,
    EvidenceCap,
    EvidenceLines,
    LogLikelihoodRatios,
    advance,
    levels,
    says_acceptable,
    says_worse,
)

RULE = ErrorRate(false_rollback=0.01, false_promotion=0.05, horizon_blocks=10)
FREE = EvidenceCap(agreeing=1)
HUGE = 1e6
FIVE = 5
"""Alternatives of a line, as the tests of the gates have them."""


def told(*blocks, rule=RULE, pace=FREE):
    """The evidence after blocks, each the gains of its `worse` lines."""
    evidence = PRIOR
    for block in blocks:
        evidence = advance(rule, evidence, LogLikelihoodRatios(block), pace)
    return evidence


def against(*blocks, rule=RULE, pace=FREE):
    return levels(rule, told(*blocks, rule=rule, pace=pace)).rollback


def line(gain):
    return (gain,) * FIVE


def test_before_the_first_block_all_is_even():
    assert levels(RULE, PRIOR).rollback == levels(RULE, PRIOR).promote == 0.0


@pytest.mark.parametrize("blocks", [1, 5, 10, 11, 50])
def test_blocks_that_say_nothing_leave_it_even_within_the_horizon_and_beyond(blocks):
    assert against(*[{"a": line(0.0)}] * blocks) == pytest.approx(0.0, abs=1e-12)


def test_one_block_moves_only_what_was_bet_on_it():
    """Half is bet from the first block on; of the rest a tenth joins at each block."""
    staked = 0.5 + 0.5 / 10
    expected = math.log(staked * 4 + 1 - staked)
    assert against({"a": line(math.log(4))}) == pytest.approx(expected)


def test_turning_bad_late_costs_no_more_than_what_was_held_back():
    """Blocks of evidence for the canary do not have to be earned back."""
    good, bad = {"a": line(-5.0)}, {"a": line(math.log(100))}
    late = against(*[good] * 9, bad, bad)
    assert late >= math.log(0.05 * 100**2)
    assert late < against(bad, bad)


@pytest.mark.parametrize("agreeing", [2, 3, 4, 8])
@pytest.mark.parametrize("false_rollback", [0.001, 0.01, 0.2])
def test_a_total_outage_takes_exactly_as_many_blocks_as_have_to_agree(agreeing, false_rollback):
    rule = ErrorRate(false_rollback=false_rollback)
    outage = {"a": line(HUGE), "b": line(HUGE)}
    evidence, taken = PRIOR, 0
    while not says_worse(rule, levels(rule, evidence)):
        evidence = advance(
            rule, evidence, LogLikelihoodRatios(outage), EvidenceCap(agreeing=agreeing)
        )
        taken += 1
    assert taken == agreeing


def test_one_alternative_that_is_right_is_enough():
    """Nobody has to guess how bad a bad model is."""
    rule = ErrorRate()
    outage = {"a": (HUGE, -HUGE, -HUGE, -HUGE, -HUGE)}
    at = levels(rule, told(outage, outage, rule=rule, pace=EvidenceCap(agreeing=2)))
    assert says_worse(rule, at)


def test_clusters_divide_the_evidence():
    plain = against({"a": line(3.0)})
    assert against({"a": line(12.0)}, pace=EvidenceCap(burst=4.0, agreeing=1)) == pytest.approx(
        plain
    )
    assert against({"a": line(12.0)}) > plain


def test_clusters_divide_the_evidence_for_promotion_by_their_own_number():
    gains = LogLikelihoodRatios({}, {"a": (12.0, 12.0)})
    found = advance(RULE, PRIOR, gains, EvidenceCap(burst=7.0, burst_better=4.0))
    assert levels(RULE, found).promote == pytest.approx(3.0)


def test_the_smallest_claim_speaks():
    assert against({"a": line(5.0), "b": line(0.5)}) == against({"b": line(0.5)})


def test_lines_of_one_claim_are_averaged():
    two = against({"a:1": line(5.0), "a:2": line(0.0)})
    assert math.exp(two) == pytest.approx((math.exp(against({"a": line(5.0)})) + 1) / 2)


def test_for_promotion_all_lines_are_averaged():
    found = advance(
        RULE, PRIOR, LogLikelihoodRatios({}, {"a": (math.log(7.0),), "b": (0.0,)}), FREE
    )
    assert levels(RULE, found).promote == pytest.approx(math.log(4.0))


def test_a_line_that_comes_later_had_stood_at_one():
    """So that a bucket that appears in the middle of a trial neither helps nor harms."""
    late = told({"a": line(0.0)}, {"a": line(0.0)}, {"a": line(0.0), "b": line(2.0)})
    early = told(*[{"a": line(0.0), "b": line(0.0)}] * 2, {"a": line(0.0), "b": line(2.0)})
    assert late.worse["b"] == pytest.approx(early.worse["b"])


def test_a_line_that_stays_away_stands_still():
    away = told({"a": line(2.0), "b": line(2.0)}, {"b": line(0.0)})
    there = told(*[{"a": line(2.0), "b": line(2.0)}], {"a": line(0.0), "b": line(0.0)})
    assert away.worse["a"] == pytest.approx(there.worse["a"])


def test_the_bounds_are_reached_at_one_in_their_number():
    just = math.log(100)
    assert says_worse(RULE, levels(RULE, EvidenceLines(10, {"a": (just,)})))
    assert not says_worse(RULE, levels(RULE, EvidenceLines(10, {"a": (just - 1e-6,)})))
    for promote, fine in ((math.log(20) + 1e-9, True), (math.log(20) - 1e-6, False)):
        assert says_acceptable(RULE, levels(RULE, EvidenceLines(1, {}, {"a": (promote,)}))) is fine


@pytest.mark.parametrize("agreeing", [1, 2, 3])
@pytest.mark.parametrize("burst", [1.0, 2.5])
def test_p2_on_the_null_the_expectation_is_at_most_one_after_every_block(agreeing, burst):
    """Exactly, over all outcomes of six throws of a coin whose alternatives are other coins."""
    rule = ErrorRate(horizon_blocks=4, false_rollback=0.2)
    null, others = 0.3, (0.4, 0.6, 0.9, 0.3, 0.1)

    def gains(head):
        return tuple(math.log(q / null) if head else math.log((1 - q) / (1 - null)) for q in others)

    for throws in range(1, 7):
        expected = 0.0
        for heads in itertools.product((True, False), repeat=throws):
            chance = math.prod(null if head else 1 - null for head in heads)
            blocks = ({"a": gains(head)} for head in heads)
            pace = EvidenceCap(burst=burst, agreeing=agreeing)
            expected += chance * math.exp(against(*blocks, rule=rule, pace=pace))
        assert expected <= 1 + 1e-12
        if burst == agreeing == 1:  # and not by being idle: nothing is given away
            assert expected >= 0.99


def test_p2_a_line_that_comes_late_does_not_move_its_claim():
    """A claim is the mean of its lines: one that began at 1 would lift a claim out of nothing."""
    rule = RULE
    evidence = PRIOR
    for _ in range(50):
        evidence = advance(
            rule, evidence, LogLikelihoodRatios({"gap:a": [-0.3] * 5}), EvidenceCap()
        )
    before = levels(rule, evidence).rollback
    late = advance(
        rule, evidence, LogLikelihoodRatios({"gap:a": [0.0] * 5, "gap:b": [0.0] * 5}), EvidenceCap()
    )
    quiet = advance(rule, evidence, LogLikelihoodRatios({"gap:a": [0.0] * 5}), EvidenceCap())
    assert levels(rule, late).rollback == pytest.approx(levels(rule, quiet).rollback, abs=1e-9)
    assert levels(rule, late).rollback == pytest.approx(before, abs=0.1)
