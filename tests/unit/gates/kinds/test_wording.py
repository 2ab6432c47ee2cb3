"""What people read: numbers they can check, and no claim that is not so."""

import math

import pytest

from davylamp.gates import (
    Count,
    ErrorRate,
    GroupRateGap,
    Latency,
    Pair,
    Query,
    ScoreDistance,
    ShareDistance,
    Threshold,
)
from davylamp.gates.messages import sentences
from davylamp.gates.states.query import QueryState
from davylamp.gates.states.threshold import ThresholdState
from davylamp.gates.values import Value

ERRORS = Pair(Count(200, 40), Count(800, 8))


def timed(requests, fast):
    return Count(requests, 0, {"0.1": float(fast), "1": float(requests)})


def scores(low, high):
    return Count(low + high, 0, {"0.5": float(low), "+Inf": float(low + high)})


def shares(age, bmi):
    return Count(100, 0, {"age": 100.0 * age, "bmi": 100.0 * bmi})


def groups(women, men):
    parts = {}
    for name, positive in (("women", women), ("men", men)):
        rows = {"rows": 200.0, "answered": 200.0, "positive": float(positive)}
        parts |= {f"{name}/{kind}": number for kind, number in rows.items()}
    return Count(400, 0, parts)


TIMED = Pair(timed(200, 150), timed(800, 792))
SCORED = Pair(scores(100, 300), scores(600, 200))
EXPLAINED = Pair(shares(0.8, 0.2), shares(0.3, 0.7))
GROUPED = Pair(groups(100, 40), groups(60, 58))
EVERY_RULE = [
    (ErrorRate(), ERRORS),
    (Latency(over=0.1), TIMED),
    (Latency(), TIMED),
    (ScoreDistance(), SCORED),
    (ScoreDistance(ordered=True), SCORED),
    (ShareDistance(), EXPLAINED),
    (ShareDistance(baseline=(("age", 0.5), ("bmi", 0.5))), EXPLAINED),
    (GroupRateGap(), GROUPED),
    (GroupRateGap(positive=False), GROUPED),
]


@pytest.mark.parametrize(
    ("rule", "seen", "sentence"),
    [
        (
            ErrorRate(),
            ERRORS,
            (
                "canary 40 errors of 200 requests (20 %) against stable 8 of 800 (1 %): "
                "more than 1.5x and above 1 %"
            ),
        ),
        (
            Latency(over=0.1, max_share=0.05),
            TIMED,
            (
                "canary 50 of 200 requests slower than 0.1 s (25 %) against stable 8 of 800 (1 %): "
                "more than 1.25x as often and above 5 %"
            ),
        ),
        (
            Latency(),
            TIMED,
            (
                "canary 50 of 200 requests slower than 0.1 s (25 %) against stable 8 of 800 (1 %): "
                "more than 1.25x as often"
            ),
        ),
    ],
    ids=["errors", "latency with a bound", "latency"],
)
def test_a_failure_says_what_was_seen_and_what_was_wanted(rule, seen, sentence):
    chance = "; a healthy canary shows this with probability below 1 %"
    assert rule.worse_sentence(seen, alone=False) == sentence + chance


def test_a_failure_of_the_other_rules_names_the_two_things_compared():
    assert "total variation" in ScoreDistance().worse_sentence(SCORED, alone=False)
    assert "Wasserstein" in ScoreDistance(ordered=True).worse_sentence(SCORED, alone=False)
    assert "from stable's" in ShareDistance().worse_sentence(EXPLAINED, alone=False)
    told = GroupRateGap().worse_sentence(GROUPED, alone=False)
    assert "positive answers of group women 50 %, of group men 20 %: a gap of 0.3" in told
    assert "against stable's 0.01" in told


def test_without_stable_pods_nothing_is_compared_with_stable():
    for rule, seen in ((ErrorRate(), ERRORS), (Latency(over=0.1), TIMED)):
        told = rule.worse_sentence(Pair(seen.candidate), alone=True)
        assert "against no stable pods: above 1 %;" in told
        assert "x" not in told.partition(":")[2].partition(";")[0]


@pytest.mark.parametrize(("rule", "seen"), EVERY_RULE)
def test_every_rule_has_a_sentence_for_every_answer(rule, seen):
    for told in (
        rule.worse_sentence(seen, alone=False),
        rule.acceptable_sentence(seen),
        rule.gathering_sentence(seen, 1234),
        rule.gathering_sentence(Pair(), None),
    ):
        assert told
        assert "nan" not in told.split()
        assert "inf" not in told.split()


def test_what_is_needed_is_told_with_the_precision_it_has():
    told = ErrorRate().gathering_sentence(ERRORS, 1234)
    assert told.endswith("about 1200 more canary requests needed to decide")
    assert "too little to say" in ErrorRate().gathering_sentence(ERRORS, None)


@pytest.mark.parametrize(
    ("odds", "words"),
    [
        (0.01, "no evidence against the canary"),
        (1.99, "no evidence against the canary"),
        (47, "47:1 against the canary"),
        (4_711, "4,700:1 against the canary"),
        (2e9, "more than 10^9:1 against the canary"),
    ],
)
def test_evidence_in_words(odds, words):
    assert sentences.strength(math.log(odds), 0.0045).startswith(f"{words} (")


def test_evidence_in_words_says_what_it_takes():
    assert sentences.strength(0.0, 0.01).endswith(" (100:1 required)")
    assert sentences.strength(0.0, 0.0045).endswith(" (220:1 required)")


@pytest.mark.parametrize(
    ("bounds", "wanted"),
    [
        ({"highest": 0.5}, "at most 0.5"),
        ({"lowest": 0.2}, "at least 0.2"),
        ({"lowest": 0.2, "highest": 0.5}, "between 0.2 and 0.5"),
        ({"ratio": 1.5}, "at most 1.5x stable's 0.4"),
        ({"highest": 0.5, "ratio": 1.5}, "at most 0.5 or at most 1.5x stable's 0.4"),
    ],
)
def test_a_query_says_its_value_and_every_bound_there_is(bounds, wanted):
    rule = Query(promql="up", failures=3, **bounds)
    value = Value(0.0, 0.8, 0.4 if "ratio" in bounds else None)
    told = rule.sentence(QueryState(good=5, bad=2, last=value))
    assert told == f"value 0.8, wanted {wanted}; 2 of 7 values out of bounds (3 roll back)"


def test_a_query_that_failed_shows_the_value_that_did_it():
    bad, good = Value(0.0, 9.0), Value(15.0, 0.1)
    book = QueryState(good=1, bad=3, last=good, failed_at=0.0, failed_with=bad)
    told = Query(promql="up", highest=1.0, in_a_row=2).sentence(book)
    assert told.startswith("value 9, wanted at most 1; ")
    assert told.endswith("(3 roll back, or 2 in a row)")


def test_a_query_without_a_value_says_so():
    assert "no value" in Query(promql="up", highest=1.0).sentence(QueryState())


def test_the_classic_rule_says_where_it_stands():
    rule = Threshold(max_rate=0.05, failures=2, window=30.0)
    told = rule.sentence(ThresholdState(good=3, bad=1), Count(60, 8))
    assert told == (
        "canary 8 errors of 60 requests (13.3 %): "
        "1 of 4 measured 30 s windows above 5 % (2 roll back)"
    )


def test_a_pass_that_is_held_says_why():
    told = sentences.waiting(Count(50, 5), 0.01)
    assert "5 errors of 50 requests (10 %), above 1 %" in told


def test_latencies_count_requests_though_no_boundary_tells_the_revisions_apart():
    """A step waits for a number of requests, not of slow ones."""
    quick = Pair(timed(200, 200), timed(800, 800))
    assert Latency().bad(quick) == Pair(Count(200), Count(800))
    assert "latencies of 200 canary requests" in Latency().gathering_sentence(quick, None)
