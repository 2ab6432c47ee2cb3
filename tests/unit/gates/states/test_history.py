"""What a trial makes of samples by their time: before it, in a pod's warm-up, and out of step."""

import math
from dataclasses import replace

import pytest
from tests.unit.gates.stories import START, judged, played, pod, steady, trial

from davylamp.gates import (
    Arm,
    ErrorRate,
    Latency,
    Sample,
    ShareChange,
    Threshold,
    Trial,
    Verdict,
    start,
)
from davylamp.gates.samples import PodKey
from davylamp.gates.states.blocks import Block
from davylamp.gates.states.blocks import agreeing as agreeing_blocks
from davylamp.gates.states.gate_state import Moment

# --- stable before the trial ------------------------------------------------------------------

SURVEYED = 600.0
EVERY = 5.0


def stable_before(clusters, *, after=0, blame=0):
    """Two stable pods for ten minutes before the trial; errors come that many at once, on one pod."""

    def of(pod_number):
        steps, turn = [], 0
        for scrape in range(int(SURVEYED / EVERY)):
            turn += scrape % clusters == 0
            bad = clusters if scrape % clusters == 0 and turn % 2 == pod_number else 0
            steps.append((100, bad))
        return pod(*steps, *[(100, blame)] * after, first=START - SURVEYED, base=(9_000, 7))

    return {"s0": of(0), "s1": of(1)}


def worse_canary():
    return {"c": steady(4, 50, 3, phase=2.0)}


def estimated(**stable):
    rule = ErrorRate()
    state = played(trial(rule), stable=stable_before(**stable), candidate=worse_canary())
    return rule, state


def test_single_errors_on_stable_leave_the_evidence_as_it_is():
    rule, state = estimated(clusters=1, after=4)
    assert rule.design_effect(state.survey).burst == 1.0


def test_clusters_on_stable_before_the_trial_divide_the_evidence_of_the_trial():
    rule, state = estimated(clusters=5, after=4)
    used = rule.design_effect(state.survey)
    assert used.burst == pytest.approx(5, rel=0.3)
    assert not used.betting
    _, calm = estimated(clusters=1, after=4)
    clustered, single = judged(trial(rule), state), judged(trial(rule), calm)
    assert 0 < clustered.log10_rollback < single.log10_rollback / 2


def test_a_burst_that_the_user_states_is_taken_as_it_is():
    rule = ErrorRate(burst=1.0)
    known = played(trial(rule), stable=stable_before(5, after=4), candidate=worse_canary())
    calm = played(trial(rule), stable=stable_before(1, after=4), candidate=worse_canary())
    assert judged(trial(rule), known).log10_rollback == judged(trial(rule), calm).log10_rollback


def test_the_survey_ends_where_the_trial_begins():
    """Else a bad canary that makes stable stumble would hide itself."""
    _, before = estimated(clusters=5, after=0)
    _, later = estimated(clusters=5, after=40, blame=37)
    assert later.survey == before.survey
    assert later.stable.errors > 0


def test_the_canary_is_no_part_of_the_survey():
    rule, stable = ErrorRate(), stable_before(1)
    canary = {"c": pod(*[(100, 50)] * 100, first=START - SURVEYED)}
    with_canary = played(trial(rule), stable=stable, candidate=canary)
    assert with_canary.survey == played(trial(rule), stable=stable, candidate={}).survey


@pytest.mark.parametrize("rule", [ErrorRate(), Threshold(max_rate=0.01, failures=1, window=30.0)])
def test_a_trial_that_has_not_begun_only_surveys(rule):
    waiting = Trial(rule, math.inf, (ShareChange(math.inf, 0.5),))
    canary = {"c": steady(200, 100, 90, first=START - SURVEYED)}
    state = played(waiting, stable=stable_before(1, after=40), candidate=canary)
    assert state.account == start(waiting).account
    assert (state.candidate.requests, state.stable.requests) == (0, 0)
    assert state.survey.total.requests > 0
    answer = judged(waiting, state, now=max(each.time for each in state.last.values()))
    assert answer.verdict is not Verdict.FAIL
    assert answer.log10_rollback == 0.0


# --- warm-up ----------------------------------------------------------------------------------

LATENCY = Latency(over=0.1, warm_up=30.0, burst=1.0)


def timed(samples):
    """Errors as slow answers."""
    return [
        replace(s, errors=0.0, parts={"0.1": s.requests - s.errors, "1": s.requests})
        for s in samples
    ]


def slow_start(*, born=0.0):
    """Every answer of the first 30 s is slow, none later."""
    return timed(pod(*[(100, 100)] * 6, *[(100, 0)] * 6, first=START + born, phase=2.0))


STABLE = {"s": timed(steady(30, 300, 3, phase=1.0, base=(9_000, 40), first=START - 60))}


def test_slow_answers_of_a_pods_first_half_minute_are_left_out():
    state = played(trial(LATENCY), stable=STABLE, candidate={"c": slow_start()})
    assert state.candidate.requests == 600
    assert state.candidate.part("0.1") == 600
    assert judged(trial(LATENCY), state).log10_rollback <= 0.0


def test_each_pod_has_its_own_half_minute():
    late = played(
        trial(LATENCY), stable=STABLE, candidate={"c": slow_start(), "new": slow_start(born=20.0)}
    )
    assert late.candidate.requests == late.candidate.part("0.1") == 1_200


def test_without_a_warm_up_they_count():
    rule = replace(LATENCY, warm_up=0.0)
    state = played(trial(rule), stable=STABLE, candidate={"c": slow_start()})
    assert state.candidate.requests - state.candidate.part("0.1") == 600
    assert judged(trial(rule), state).verdict is Verdict.FAIL


def test_a_pod_that_was_scraped_before_the_trial_is_warm_sooner():
    early = timed(pod(*[(100, 0)] * 12, first=START - 30.0, phase=2.0))
    state = played(trial(LATENCY), stable=STABLE, candidate={"c": early})
    assert state.candidate.requests == 600


def test_p3_a_long_warm_up_is_not_taken_for_no_traffic():
    rule = replace(LATENCY, warm_up=120.0)
    state = played(trial(rule), stable=STABLE, candidate={"c": slow_start()})
    assert state.candidate.requests == 0
    for seconds in (31, 45, 62):
        answer = judged(trial(rule), state, now=START + seconds)
        assert (answer.verdict, answer.reason) == (Verdict.UNDECIDED, "GatheringEvidence")


# --- scrapes out of step ----------------------------------------------------------------------


def agreeing(*, canary, stable, began=START, now=START + EVERY, rule=None):
    """How many blocks have to agree, by the times of the last samples of each side's pods."""
    a_trial = trial(rule or ErrorRate(burst=1.0))
    keyed = {
        PodKey(arm.value, str(number)): Sample(time, 100.0)
        for arm, times in ((Arm.CANDIDATE, canary), (Arm.STABLE, stable))
        for number, time in enumerate(times)
    }
    return agreeing_blocks(
        a_trial, Block(began=began), Moment(now, keyed), least=a_trial.rule.agreeing_blocks
    )


def test_two_blocks_are_enough_where_both_sides_are_scraped_in_step():
    at = START + EVERY
    assert agreeing(canary=[at, at], stable=[at, at]) == 2
    assert agreeing(canary=[at], stable=[at - EVERY]) == 2


@pytest.mark.parametrize(("behind", "needed"), [(5.1, 3), (10.0, 3), (10.1, 4), (14.9, 4)])
def test_whoever_is_behind_makes_more_blocks_agree(behind, needed):
    """A shared incident shows on one side earlier by that, in as many blocks as fit into it."""
    at = START + EVERY
    assert agreeing(canary=[at], stable=[at, at - behind]) == needed
    assert agreeing(canary=[at, at - behind], stable=[at]) == needed


def test_longer_blocks_hold_more_of_what_is_behind():
    at = START + 3 * EVERY
    assert agreeing(canary=[at], stable=[at - 12.0], began=START, now=at) == 2


def test_short_blocks_do_not_count_as_shorter_than_a_scrape():
    """A block that happens to be short is followed by one that is not."""
    at = START + 1.0
    assert agreeing(canary=[at], stable=[at - 4.0], began=START, now=at) == 2


def test_a_pod_that_is_lost_is_not_waited_for():
    at = START + 100.0
    lost = at - 3 * EVERY - 0.1
    assert agreeing(canary=[at], stable=[at, lost], began=at - EVERY, now=at) == 2
    assert agreeing(canary=[at], stable=[lost], began=at - EVERY, now=at) == 2


def test_a_user_who_wants_more_blocks_gets_them():
    at = START + EVERY
    rule = ErrorRate(min_blocks=4)
    assert agreeing(canary=[at], stable=[at], rule=rule) == 4
    assert agreeing(canary=[at], stable=[at - 14.9, at], rule=ErrorRate(min_blocks=3)) == 4


def test_p2_the_blocks_that_have_to_agree_are_those_that_take_a_canary_back():
    """A second pod of stable whose samples are 7.4 s old at the end of the only two bad blocks."""
    stable = {"s": steady(20, 100, base=(9_000, 0)), "late": [Sample(START - 2.4, 9_000.0)]}
    state = played(trial(), stable=stable, candidate={"c": steady(1, 50, 50)})
    in_step = played(trial(), stable={"s": stable["s"]}, candidate={"c": steady(1, 50, 50)})
    late, prompt = (judged(trial(), each).log10_rollback for each in (state, in_step))
    assert 0 < late < prompt
    assert 3 * late >= 2.0 > 2 * late, "three such blocks, and not two"
