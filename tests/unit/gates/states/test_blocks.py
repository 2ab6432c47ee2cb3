"""Which samples may be compared, and when: told by the counts and evidence that come out."""

import math

import pytest
from tests.unit.gates.stories import START, judged, played, pod, steady, trial, update

from davylamp.gates import Sample, Scrapes, start
from davylamp.gates.counts import Count


def closed(a_trial, **arms):
    return played(a_trial, **arms).account.joint.evidence.blocks


def test_one_block_a_scrape_when_traffic_is_ample():
    stable = {"s": steady(10, 75, phase=1.0, base=(5_000, 3))}
    assert closed(trial(), stable=stable, candidate={"c": steady(10, 25, phase=2.0)}) == 10


def test_little_traffic_makes_longer_blocks():
    stable = {"s": steady(20, 4, base=(100, 0))}
    assert closed(trial(), stable=stable, candidate={"c": steady(20, 1)}) == 10


@pytest.mark.parametrize(("weight", "expected"), [(0.01, 1), (0.1, 10), (0.99, 1)])
def test_a_lopsided_split_needs_larger_blocks(weight, expected):
    stable = {"s": steady(10, 9, base=(100, 0))}
    got = closed(trial(weight=weight), stable=stable, candidate={"c": steady(10, 1)})
    assert got == expected


def test_no_block_without_stable_or_without_canary_requests():
    busy, idle = steady(10, 50), steady(10, 0)
    assert closed(trial(), stable={"s": idle}, candidate={"c": busy}) == 0
    assert closed(trial(), stable={"s": busy}, candidate={"c": idle}) == 0


def test_a_block_waits_for_every_canary_pod_alive():
    fast, slow = steady(12, 25), steady(4, 75, every=15.0)
    stable = {"s": steady(12, 75, phase=1.0, base=(9, 0))}
    assert closed(trial(), stable=stable, candidate={"c1": fast, "c2": slow}) == 4


def test_a_vanished_canary_pod_holds_nothing_for_long():
    stable = {"s": steady(20, 75, phase=1.0, base=(9, 0))}
    candidate = {"c1": steady(20, 25), "gone": steady(2, 25)}
    assert closed(trial(), stable=stable, candidate=candidate) >= 16


def test_a_vanished_stable_pod_holds_nothing_for_long():
    stable = {"s1": steady(20, 75, phase=1.0, base=(9, 0)), "gone": steady(2, 75, base=(9, 0))}
    assert closed(trial(), stable=stable, candidate={"c": steady(20, 25)}) >= 16


def test_a_pod_that_returns_brings_nothing_from_before_the_closed_blocks():
    away = steady(2, 75, base=(9, 0))
    away += [Sample(START + 90 + 5 * i, 9_000 + 75 * i, 4_000) for i in range(2)]
    stable = {"s": steady(20, 75, phase=1.0, base=(9, 0)), "back": away}
    evidence = played(
        trial(), stable=stable, candidate={"c": steady(20, 25)}
    ).account.joint.evidence
    alone = {"s": stable["s"], "back": away[:3]}
    without = played(trial(), stable=alone, candidate={"c": steady(20, 25)}).account.joint.evidence
    assert evidence.worse["ratio"] == without.worse["ratio"]


def test_a_late_stable_scrape_is_waited_for():
    """During a shared outage some scrapes fail; what is there then must not be compared alone."""
    outage, healthy = (75, 75), (75, 0)
    late = [
        s for s in pod(*[healthy] * 4, *[outage] * 8, base=(9, 0)) if not 20 < s.time - START < 40
    ]
    stable = {"s1": pod(*[healthy] * 4, *[outage] * 8, phase=1.0, base=(9, 0)), "s2": late}
    candidate = {"c": pod(*[(50, 0)] * 4, *[(50, 50)] * 8, phase=2.0)}
    state = played(trial(), stable=stable, candidate=candidate)
    assert judged(trial(), state, stable=("s1", "s2")).log10_rollback < 1


def test_pod_born_in_the_trial_counts_from_zero_stable_from_its_first_sample():
    state = played(
        trial(),
        stable={"s": [Sample(START + 1, 5_000, 70)]},
        candidate={"c": [Sample(START + 3, 40, 2)]},
    )
    assert (state.candidate, state.stable) == (Count(40, 2), Count())


def test_a_canary_pod_from_before_the_trial_is_only_a_baseline():
    samples = [Sample(START - 2, 700, 300), Sample(START + 3, 710, 301)]
    state = played(trial(), stable={}, candidate={"c": samples})
    assert state.candidate == Count(10, 1)


def test_no_block_straddles_a_weight_change():
    """Ten seconds of the old weight are still open when the weight moves: they are dropped."""
    changed = trial(weight=0.01, changes=[(START + 12.5, 0.5)])
    stable = {"s": steady(6, 10, base=(9, 0))}
    state = played(changed, stable=stable, candidate={"c": steady(6, 10)})
    # Scrapes at 5 and 10 s are dropped with the block, that of 15 s reaches back over the change.
    assert state.account.joint.evidence.blocks == 3
    assert state.candidate == Count(60, 0)


def test_samples_while_the_weight_propagates_are_baselines():
    changed = trial(changes=[(START + 9.0, 0.5)])
    stable = {"s": steady(4, 50, base=(9, 0))}
    state = played(changed, stable=stable, candidate={"c": steady(4, 50)})
    # 5 s before the change, 10 s inside the propagation, 15 and 20 s after it.
    assert state.account.joint.evidence.blocks == 3


def test_evidence_goes_on_across_weight_changes():
    bad = {"c": steady(8, 25, 1)}
    stable = {"s": steady(8, 75, base=(9, 0))}
    state = played(trial(changes=[(START + 20.0, 0.5)]), stable=stable, candidate=bad)
    before = played(trial(), stable=stable, candidate=bad, until=START + 20.0)
    assert judged(trial(), state).log10_rollback > judged(trial(), before).log10_rollback > 0.4


def test_unusable_samples_are_missed_scrapes():
    good = steady(6, 25, 1)
    broken = list(good)
    broken[3] = Sample(good[3].time, math.nan, 0.0)
    stable = {"s": steady(6, 75, base=(9, 0))}
    assert played(trial(), stable=stable, candidate={"c": broken}).candidate == Count(150, 6)


def test_samples_above_the_watermark_wait():
    samples = {"c": steady(4, 25)}
    stable = {"s": steady(4, 75, base=(9, 0))}
    state = update(trial(), start(trial()), Scrapes(START + 10.0, stable, samples))
    assert state.candidate == Count(50, 0)
    later = update(trial(), state, Scrapes(START + 20.0))
    assert later.candidate == Count(100, 0)


def test_samples_that_come_after_their_watermark_are_ignored():
    state = update(trial(), start(trial()), Scrapes(START + 10.0))
    late = update(trial(), state, Scrapes(START + 12.0, candidate={"c": [Sample(START + 8, 9, 9)]}))
    assert late.candidate == Count()
