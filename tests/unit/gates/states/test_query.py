"""The user's own query: which values count, which are bad, and when they are too many."""

import math

import pytest

from davylamp.gates import (
    ErrorRate,
    JudgementContext,
    Query,
    QueryAnswers,
    ShareChange,
    Trial,
    Verdict,
    judge,
    start,
)
from davylamp.gates.states.history import answered
from davylamp.gates.states.query import is_bad
from davylamp.gates.values import Value

START = 1000.0
STEP = 15.0


def trial(**settings):
    rule = Query(**{"promql": "up", "highest": 1.0, "failures": 3, "interval": STEP} | settings)
    return Trial(rule, START, (ShareChange(START, 0.25),))


def on_grid(*values, first=1):
    """One value each interval; None where the query had no answer."""
    return {START + STEP * i: value for i, value in enumerate(values, first) if value is not None}


def played(a_trial, candidate, stable=None, *, until=START + 10_000):
    answers = QueryAnswers(until, candidate, stable or {})
    return answered(a_trial, start(a_trial), answers)


def judged(a_trial, state, *, now=START + 60):
    return judge(a_trial, state, JudgementContext(now, frozenset({"c"}), frozenset({"s"})))


@pytest.mark.parametrize(
    ("bounds", "good", "bad"),
    [
        ({"highest": 1.0}, [1.0, -9.0], [1.01]),
        ({"lowest": 0.2, "highest": math.inf}, [0.2, 9.0], [0.19]),
        ({"lowest": 0.2, "highest": 0.8}, [0.2, 0.8], [0.1, 0.9]),
    ],
    ids=["max", "min", "both"],
)
def test_a_bad_value_is_outside_of_the_bounds(bounds, good, bad):
    rule = trial(**bounds).rule
    assert not any(is_bad(rule, Value(START, each)) for each in good)
    assert all(is_bad(rule, Value(START, each)) for each in bad)


def test_with_stable_to_compare_with_a_bad_value_is_beyond_both():
    rule = trial(highest=1.0, ratio=1.5).rule
    assert is_bad(rule, Value(START, 1.2, 0.5))
    assert not is_bad(rule, Value(START, 1.2, 1.0)), "no worse than stable"
    assert not is_bad(rule, Value(START, 0.9, 0.1)), "within the bound"


def test_without_bounds_stable_alone_is_what_counts():
    rule = trial(highest=math.inf, ratio=1.5).rule
    assert is_bad(rule, Value(START, 0.31, 0.2))
    assert not is_bad(rule, Value(START, 0.3, 0.2))
    assert is_bad(rule, Value(START, 0.01, 0.0))


def test_bad_values_add_up_and_good_ones_do_not_take_them_back():
    state = played(trial(), on_grid(2, 0, 2, 0, 0, 2, 0))
    assert (state.account.bad, state.account.good) == (3, 4)
    assert state.account.failed_at == START + 6 * STEP
    answer = judged(trial(), state)
    assert (answer.verdict, answer.reason) == (Verdict.FAIL, "QueryOutOfBounds")
    assert answer.decided_at == START + 6 * STEP


def test_bad_values_in_a_row_are_counted_apart_and_start_anew_after_a_good_one():
    patient = trial(failures=100, in_a_row=3)
    assert played(patient, on_grid(2, 2, 0, 2, 2, 0)).account.failed_at is None
    assert played(patient, on_grid(2, 2, 0, 2, 2, 2)).account.failed_at == START + 6 * STEP


def test_a_moment_without_an_answer_neither_counts_nor_breaks_a_row():
    patient = trial(failures=100, in_a_row=2)
    assert played(patient, on_grid(2, None, 2)).account.failed_at == START + 3 * STEP


def test_a_failure_stays_whatever_comes_later():
    state = played(trial(failures=1), on_grid(2, 0, 9, 0))
    assert state.account.failed_at == START + STEP
    answer = judged(trial(failures=1), state)
    assert answer.verdict is Verdict.FAIL
    assert answer.message.startswith("value 2, wanted at most 1; ")


def test_it_passes_while_its_last_value_is_good_and_failures_are_left():
    assert judged(trial(), played(trial(), on_grid(2, 0, 0, 0))).verdict is Verdict.PASS
    assert judged(trial(), played(trial(), on_grid(0, 0, 0, 2))).verdict is Verdict.UNDECIDED


def test_nothing_counts_from_before_the_canary_or_its_warm_up():
    early = {START - STEP: 9.0, START: 9.0}
    assert played(trial(failures=1), early).account.last is None
    warm = trial(failures=1, warm_up=2 * STEP)
    assert played(warm, on_grid(9, 9)).account.last is None
    assert played(warm, on_grid(9, 9, 9)).account.failed_at == START + 3 * STEP


def test_a_value_counts_once_however_often_it_is_told():
    a_trial = trial(failures=2)
    state, values = start(a_trial), on_grid(2)
    for until in (START + 20, START + 25, START + 29):
        state = answered(a_trial, state, QueryAnswers(until, values))
    assert (state.account.bad, state.account.failed_at) == (1, None)


def test_a_value_beyond_the_watermark_waits_to_be_told_again():
    a_trial = trial(failures=1)
    state = answered(a_trial, start(a_trial), QueryAnswers(START + 10, on_grid(2)))
    assert state.account.last is None
    state = answered(a_trial, state, QueryAnswers(START + 20, on_grid(2)))
    assert state.account.failed_at == START + STEP


def test_without_stables_value_there_is_nothing_to_compare_with():
    a_trial = trial(highest=math.inf, ratio=1.5, failures=1)
    state = played(a_trial, on_grid(9, 9), {START + 2 * STEP: 1.0})
    assert state.account.bad == 1
    assert state.account.failed_at == START + 2 * STEP


def test_answers_for_another_rule_are_refused():
    counted = Trial(ErrorRate(), START, (ShareChange(START, 0.25),))
    with pytest.raises(TypeError, match="another rule"):
        answered(counted, start(counted), QueryAnswers(START, {}))
