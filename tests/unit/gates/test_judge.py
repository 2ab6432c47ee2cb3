import dataclasses

import pytest
from tests.unit.gates.stories import START, judged, played, pod, steady, trial, update

from davylamp.gates import ErrorRate, Sample, Scrapes, Threshold, Verdict, start
from davylamp.gates.counts import Count
from davylamp.gates.kinds.registry import REASONS

STABLE = {"s": steady(12, 100, phase=1.0, base=(5_000, 10))}
HEALTHY = {"c": steady(12, 25, phase=2.0)}
BROKEN = {"c": steady(12, 100, 20, phase=2.0)}


def test_a_bad_canary_fails_with_its_second_bad_scrape():
    answer = judged(trial(), played(trial(), stable=STABLE, candidate=BROKEN))
    assert (answer.verdict, answer.reason) == (Verdict.FAIL, "ErrorRateWorse")
    assert answer.decided_at == START + 2.0 + 2 * 5.0
    assert answer.candidate == Count(200, 40)
    assert answer.message == (
        "canary 40 errors of 200 requests (20 %) against stable 0 of 200 (0 %): "
        "more than 1.5x and above 1 %; a healthy canary shows this with probability below 1 %"
    )


def test_a_failure_stays_when_the_source_goes_down_or_the_canary_recovers():
    mended = {"c": pod(*[(100, 20)] * 4, *[(100, 0)] * 40, phase=2.0)}
    longer = {"s": steady(44, 100, phase=1.0, base=(5_000, 10))}
    state = played(trial(), stable=longer, candidate=mended)
    first = judged(trial(), played(trial(), stable=STABLE, candidate=BROKEN))
    for error in (None, "connection refused"):
        answer = judged(trial(), state, now=START + 9_999, error=error)
        assert (answer.verdict, answer.decided_at) == (Verdict.FAIL, first.decided_at)


def test_gathering_says_what_is_there_and_what_is_needed():
    candidate = {"c": pod((25, 0), (25, 1), (25, 0), phase=2.0)}
    answer = judged(trial(), played(trial(), stable=STABLE, candidate=candidate), now=START + 18)
    assert (answer.verdict, answer.reason) == (Verdict.UNDECIDED, "GatheringEvidence")
    assert answer.message.startswith("canary 1 errors of 75 requests (1.33 %), stable 0 of ")
    assert answer.message.endswith(" more canary requests needed to decide")
    assert answer.requests_needed is not None
    assert answer.blocks == 3


def healthy_for(blocks, tail=()):
    stable = {"s": steady(blocks + len(tail), 400, 1, phase=1.0, base=(5_000, 10))}
    candidate = {"c": pod(*[(100, 0)] * blocks, *tail, phase=2.0)}
    return played(trial(), stable=stable, candidate=candidate)


def test_a_good_canary_passes():
    answer = judged(trial(), healthy_for(30))
    assert (answer.verdict, answer.reason) == (Verdict.PASS, "ErrorRateAcceptable")
    assert answer.log10_promote >= 2
    assert answer.decided_at is not None
    assert "canary 0 errors of 3000 requests (0 %)" in answer.message


def test_a_pass_is_held_while_the_last_minute_is_bad():
    answer = judged(trial(), healthy_for(30, tail=[(100, 8), (100, 7)]))
    assert answer.verdict is not Verdict.PASS
    calm = judged(trial(), healthy_for(30, tail=[(100, 5), *[(100, 0)] * 15]))
    assert calm.verdict is Verdict.PASS


def test_a_later_failure_wins_over_an_earlier_pass():
    answer = judged(trial(), healthy_for(60, tail=[(100, 60)] * 4))
    assert answer.verdict is Verdict.FAIL


def test_p3_source_down_is_unknown_and_keeps_the_evidence():
    state = healthy_for(30)
    answer = judged(trial(), state, error="503 Service Unavailable")
    assert (answer.verdict, answer.reason) == (Verdict.UNKNOWN, "SourceDown")
    assert answer.message == "the metrics source did not answer: 503 Service Unavailable"
    assert answer.log10_promote >= 2
    assert judged(trial(), state).verdict is Verdict.PASS


def test_p3_no_series_for_a_ready_canary_pod():
    state = played(trial(), stable=STABLE, candidate={})
    early = judged(trial(), state, now=START + 15)
    assert early.reason == "GatheringEvidence"
    answer = judged(trial(), state, now=START + 21)
    assert (answer.verdict, answer.reason) == (Verdict.UNKNOWN, "NoSeries")
    assert answer.message == "no samples of canary pod c after 21 s"


def test_p3_no_series_for_all_of_stable_but_one_new_pod_is_no_gap():
    state = played(trial(), stable={}, candidate=HEALTHY)
    answer = judged(trial(), state, now=START + 60)
    assert (
        answer.reason,
        "2 stable pods" in judged(trial(), state, now=START + 60, stable=("s1", "s2")).message,
    ) == ("NoSeries", True)
    state = played(trial(), stable=STABLE, candidate=HEALTHY)
    answer = judged(trial(), state, now=START + 60, stable=("s", "new"))
    assert answer.verdict is Verdict.UNDECIDED


def test_p3_new_pods_have_time_to_appear_after_a_weight_change():
    a_trial = trial(changes=[(START + 50.0, 0.5)])
    state = played(a_trial, stable=STABLE, candidate=HEALTHY)
    at = judged(a_trial, state, now=START + 62, candidate=("c", "new"))
    assert at.verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("gone", ["c", "s"])
def test_p3_stale_scrapes(gone):
    fresh = {"c": steady(30, 25, phase=2.0), "s": steady(30, 100, phase=1.0, base=(5_000, 10))}
    fresh[gone] = fresh[gone][:13]
    state = played(trial(), stable={"s": fresh["s"]}, candidate={"c": fresh["c"]})
    answer = judged(trial(), state)
    assert (answer.verdict, answer.reason) == (Verdict.UNKNOWN, "StaleScrape")
    side = {"c": "canary", "s": "stable"}[gone]
    assert answer.message.startswith(f"the last sample of {side} pod {gone} is ")


def test_p3_one_stale_stable_pod_of_two_is_no_gap():
    stable = {"s": steady(30, 100, phase=1.0, base=(9, 0)), "old": steady(3, 100, base=(9, 0))}
    state = played(trial(), stable=stable, candidate={"c": steady(30, 25, phase=2.0)})
    assert judged(trial(), state, stable=("s", "old")).verdict is not Verdict.UNKNOWN


def test_p3_no_traffic():
    stable = {"s": steady(20, 100, phase=1.0, base=(5_000, 10))}
    candidate = {"c": pod(*[(25, 0)] * 4, *[(0, 0)] * 16, phase=2.0)}
    answer = judged(trial(), played(trial(), stable=stable, candidate=candidate))
    assert (answer.verdict, answer.reason) == (Verdict.UNKNOWN, "NoTraffic")
    assert answer.message == "the canary has had no request for 80 s"


def test_p3_a_gap_stops_a_promotion():
    state = healthy_for(30)
    late = judged(trial(), state, now=START + 30 * 5 + 20)
    assert (late.verdict, late.reason) == (Verdict.UNKNOWN, "StaleScrape")


def test_p3_a_counter_reset_is_no_evidence():
    candidate = {"c": [*steady(6, 25, phase=2.0), *steady(6, 25, phase=34.0)]}
    answer = judged(trial(), played(trial(), stable=STABLE, candidate=candidate), now=START + 60)
    assert answer.verdict is Verdict.UNDECIDED
    assert answer.log10_rollback < 0.1


def test_without_ready_stable_pods_the_bound_alone_decides():
    stable = {"s": steady(1, 100, phase=1.0, base=(5_000, 10))}
    state = played(trial(), stable=stable, candidate=BROKEN)
    candidate_only = played(trial(), stable={}, candidate=BROKEN)
    for each in (state, candidate_only):
        answer = judged(trial(), each, stable=())
        assert answer.verdict is Verdict.FAIL
        assert "against no stable pods: above 1 %" in answer.message
    waiting = judged(trial(), candidate_only)
    assert waiting.verdict is Verdict.UNKNOWN


def test_the_threshold_rule_needs_no_stable_samples():
    a_trial = trial(Threshold(max_rate=0.05, window=30.0))
    state = played(a_trial, stable={}, candidate=HEALTHY, until=START + 62)
    assert judged(a_trial, state, now=START + 62).verdict is Verdict.PASS


def test_a_state_of_another_rule_is_refused():
    with pytest.raises(TypeError, match="another rule"):
        judged(trial(Threshold(max_rate=0.1)), start(trial()))
    with pytest.raises(TypeError, match="another rule"):
        update(
            trial(ErrorRate()),
            start(trial(Threshold(max_rate=0.1))),
            Scrapes(START + 9, candidate={"c": [Sample(START + 5, 1, 0)]}),
        )


def test_reasons_are_stable_names():
    assert sorted(REASONS) == [
        "BadAnswer",
        "BothRevisionsFail",
        "ErrorRateAcceptable",
        "ErrorRateWorse",
        "ExplanationsAlike",
        "ExplanationsDiffer",
        "GatheringEvidence",
        "GroupGapAcceptable",
        "GroupGapWorse",
        "LatencyAcceptable",
        "LatencyWorse",
        "NoSeries",
        "NoTraffic",
        "PredictionsAlike",
        "PredictionsDiffer",
        "QueryOutOfBounds",
        "QueryWithinBounds",
        "SourceDown",
        "StaleScrape",
    ]


def test_judging_changes_nothing():
    state = healthy_for(5)
    before = dataclasses.replace(state)
    judged(trial(), state)
    judged(trial(), state, error="down")
    assert state == before


def test_p2_an_incident_that_hits_both_is_said_to_be_one():
    stable = {"s": steady(12, 100, 30, phase=1.0, base=(5_000, 10))}
    candidate = {"c": steady(12, 25, 8, phase=2.0)}
    answer = judged(trial(), played(trial(), stable=stable, candidate=candidate))
    assert (answer.verdict, answer.reason) == (Verdict.UNDECIDED, "BothRevisionsFail")
    assert "both above 1 %, which is not the canary's fault" in answer.message
    assert answer.requests_needed is None


def test_p2_a_shared_outage_is_not_the_canarys_fault_whatever_the_phases_of_the_scrapes():
    """Of both revisions' counters the outage shows on one first, and on one last."""
    for offset in range(0, 50, 4):
        for begin in range(300, 350, 3):
            answer = judged(trial(), outage(offset / 10, begin / 10), now=START + 100)
            assert answer.verdict is not Verdict.FAIL, (offset, begin)


def outage(offset, begin, length=20.0):
    """Both fail wholly for some seconds; stable is scraped `offset` seconds after the canary."""

    def served(rate, at):
        failing = max(0.0, min(at, begin + length) - begin)
        return float(int(rate * at)), float(int(rate * failing))

    def scraped(rate, phase):
        times = [phase + 5.0 * i for i in range(-2, 20)]
        return [Sample(START + t, *served(rate, max(0.0, t))) for t in times]

    return played(trial(), stable={"s": scraped(75, offset)}, candidate={"c": scraped(25, 0.05)})
