"""Why a gate cannot say anything: each kind of rule has every reason, with a sentence of its own."""

import pytest
from tests.unit.gates.stories import START, played, pod, steady, trial

from davylamp.gates import (
    ErrorRate,
    GroupRateGap,
    JudgementContext,
    Query,
    QueryAnswers,
    ScoreDistance,
    ShareDistance,
    Threshold,
    Verdict,
    judge,
    start,
)
from davylamp.gates.missing_data import unread
from davylamp.gates.states.history import answered

COUNTING = {
    "sequential": ErrorRate(burst=1.0),
    "threshold": Threshold(max_rate=0.05, failures=1, window=30.0),
}
OWN = Query(promql="up", highest=1.0, interval=15.0)
STABLE = {"s": steady(20, 100, phase=1.0, base=(5_000, 10))}
CANARY = {"c": steady(20, 25, phase=2.0)}
counting = pytest.mark.parametrize("rule", COUNTING.values(), ids=COUNTING.keys())
every_rule = pytest.mark.parametrize("rule", [*COUNTING.values(), OWN], ids=[*COUNTING, "query"])


def said(rule, state, *, now, stable=("s",), down=None):
    context = JudgementContext(START + now, frozenset({"c"}), frozenset(stable))
    answer = judge(trial(rule), state, context, unread=down)
    return answer.verdict, answer.reason, answer.message


def asked(*values, rule=OWN, until=1_000.0):
    """The state of an own query with one value each interval from the start on."""
    found = {START + rule.interval * i: value for i, value in enumerate(values, 1)}
    a_trial = trial(rule)
    return answered(a_trial, start(a_trial), QueryAnswers(START + until, found))


@every_rule
def test_p3_source_down(rule):
    assert said(
        rule, start(trial(rule)), now=1.0, down=unread("SourceDown", "no answer within 8 s")
    ) == (
        Verdict.UNKNOWN,
        "SourceDown",
        "the metrics source did not answer: no answer within 8 s",
    )


@every_rule
def test_p3_bad_answer(rule):
    bad = unread("BadAnswer", "7 series where one is needed")
    assert said(rule, start(trial(rule)), now=1.0, down=bad) == (
        Verdict.UNKNOWN,
        "BadAnswer",
        "the metrics source answered badly: 7 series where one is needed",
    )


@counting
def test_p3_no_series(rule):
    state = played(trial(rule), stable=STABLE, candidate={})
    assert said(rule, state, now=20.0)[1] == "GatheringEvidence"
    assert said(rule, state, now=21.0) == (
        Verdict.UNKNOWN,
        "NoSeries",
        "no samples of canary pod c after 21 s",
    )


@counting
def test_p3_stale_scrape(rule):
    state = played(trial(rule), stable=STABLE, candidate={"c": steady(4, 25, phase=2.0)})
    assert said(rule, state, now=37.0)[1] != "StaleScrape"
    verdict, reason, message = said(rule, state, now=42.0)
    assert (verdict, reason) == (Verdict.UNKNOWN, "StaleScrape")
    assert message == "the last sample of canary pod c is 20 s old"


@counting
def test_p3_no_traffic(rule):
    idle = {"c": pod(*[(25, 0)] * 4, *[(0, 0)] * 16, phase=2.0)}
    state = played(trial(rule), stable=STABLE, candidate=idle)
    verdict, reason, message = said(rule, state, now=102.0)
    assert (verdict, reason) == (Verdict.UNKNOWN, "NoTraffic")
    assert message == "the canary has had no request for 80 s"


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        (ScoreDistance(), "prediction"),
        (ShareDistance(), "explanation"),
        (GroupRateGap(), "row with a group"),
    ],
)
def test_p3_no_traffic_is_told_in_what_the_gate_counts(rule, what):
    """There may well be requests: one that is not explained is none to this gate."""
    idle = {"c": steady(20, 0, phase=2.0)}
    state = played(trial(rule), stable=STABLE, candidate=idle)
    answer = said(rule, state, now=102.0)
    assert answer == (Verdict.UNKNOWN, "NoTraffic", f"the canary has had no {what} for 102 s")


def test_p3_a_rule_without_comparison_does_not_miss_stable():
    for rule, reason in zip(COUNTING.values(), ("NoSeries", "ErrorRateAcceptable"), strict=True):
        state = played(trial(rule), stable={}, candidate={"c": steady(5, 25, phase=2.0)})
        assert said(rule, state, now=27.0)[1] == reason


def test_p3_a_query_without_values_is_no_series_after_three_intervals():
    state = start(trial(OWN))
    assert said(OWN, state, now=50.0)[1] == "GatheringEvidence"
    assert said(OWN, state, now=51.0) == (
        Verdict.UNKNOWN,
        "NoSeries",
        "the query has had no value for 51 s",
    )


def test_p3_a_query_that_stops_answering_is_no_series_as_well():
    state = asked(0.5, 0.5)
    assert said(OWN, state, now=80.0)[0] is Verdict.PASS
    assert said(OWN, state, now=81.0)[1:] == ("NoSeries", "the query has had no value for 51 s")


def test_p3_a_query_is_not_missed_in_its_warm_up():
    patient = Query(promql="up", highest=1.0, interval=15.0, warm_up=60.0)
    state = start(trial(patient))
    assert said(patient, state, now=110.0)[1] == "GatheringEvidence"
    assert said(patient, state, now=111.0)[1] == "NoSeries"


def test_p3_a_query_that_compares_misses_the_value_of_either_side():
    compared = Query(promql="up", ratio=1.5, interval=15.0)
    state = asked(0.5, 0.5, 0.5, 0.5, rule=compared)
    assert said(compared, state, now=70.0)[1:] == (
        "NoSeries",
        "the query has had no value of both revisions for 70 s",
    )


@counting
def test_p3_no_gap_takes_back_what_has_failed_already(rule):
    broken = {"c": steady(10, 100, 50, phase=2.0)}
    state = played(trial(rule), stable=STABLE, candidate=broken)
    assert said(rule, state, now=900.0, down=unread("SourceDown", "gone"))[0] is Verdict.FAIL
