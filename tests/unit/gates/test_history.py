"""What a trial makes of samples by their time: before it, in a pod's warm-up, and out of step."""

import math
from dataclasses import replace

import pytest
from tests.unit.gates.stories import START, judged, played, pod, steady, trial

from davylamp.gates import (
    ErrorRate,
    Latency,
    Scrapes,
    Threshold,
    Trial,
    Verdict,
    WeightChange,
    start,
    update,
)
from davylamp.gates.evidence.dispersion import temper

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


def worse_canary(blocks=4):
    return {"c": steady(blocks, 50, 3, phase=2.0)}


def estimated(**stable):
    rule = ErrorRate()
    state = played(trial(rule), stable=stable_before(**stable), candidate=worse_canary())
    return rule, state


def test_single_errors_on_stable_leave_the_evidence_as_it_is():
    rule, state = estimated(clusters=1, after=4)
    assert temper(rule, state.survey).burst == 1.0


def test_clusters_on_stable_before_the_trial_divide_the_evidence_of_the_trial():
    rule, state = estimated(clusters=5, after=4)
    used = temper(rule, state.survey)
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
    waiting = Trial(rule, math.inf, (WeightChange(math.inf, 0.5),))
    canary = {"c": steady(200, 100, 90, first=START - SURVEYED)}
    state = played(waiting, stable=stable_before(1, after=40), candidate=canary)
    assert state.book == start(waiting).book
    assert (state.candidate.requests, state.stable.requests) == (0, 0)
    assert state.survey.total.requests > 0
    answer = judged(waiting, state, now=START + 9_000)
    assert answer.verdict is Verdict.UNDECIDED
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
    answer = judged(trial(rule), state)
    assert (answer.verdict, answer.reason) == (Verdict.UNDECIDED, "GatheringEvidence")


# --- scrapes out of step ----------------------------------------------------------------------

LONG = 15.0


def outage(*, shift, blocks=5):
    """Both revisions fail entirely at the same moment; stable is scraped `shift` s later."""
    calm, broken = [(100, 0)] * 4, [(100, 100)] * blocks
    stable = {"s": pod(*[(300, 0)] * 60, base=(9_000, 0), phase=1.0 + shift)}
    return {"stable": stable, "candidate": {"c": pod(*calm, *broken, phase=1.0)}}


def blocks_until_failure(**scrapes):
    """Bad blocks until the canary fails, scraped every 5 s."""
    a_trial = trial()
    state, bad = start(a_trial), 0
    for scrape in range(1, 20):
        state = update(a_trial, state, Scrapes(START + 1.0 + EVERY * scrape, **scrapes))
        bad = max(0, scrape - 4)
        if state.book.joint.worse:
            return bad
    raise AssertionError("never")


def test_two_blocks_are_enough_where_both_revisions_are_scraped_in_step():
    assert blocks_until_failure(**outage(shift=0.0)) == 2


def test_a_pod_whose_scrapes_lag_makes_more_blocks_agree():
    """It is one of two pods of stable, so blocks close without it."""
    seen = outage(shift=0.0)
    lagging = pod(*[(900, 0)] * 20, base=(9_000, 0), every=LONG, phase=1.0)
    seen["stable"] = {**seen["stable"], "lagging": lagging}
    in_step = blocks_until_failure(**outage(shift=0.0))
    assert blocks_until_failure(**seen) > in_step
