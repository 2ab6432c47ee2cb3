import pytest
from tests.unit.gates.stories import START, judged, played, pod, trial

from davylamp.gates import Threshold, Verdict

RULE = Threshold(max_rate=0.05, failures=2, window=60.0, min_requests=10)
GOOD, BAD, QUIET = (20, 0), (20, 4), (2, 2)


def verdict(*windows, rule=RULE):
    """Judge a canary scraped once a window, in the window's middle."""
    a_trial = trial(rule, interval=30.0)
    state = played(
        a_trial,
        stable={},
        candidate={"c": pod(*windows, every=60.0, phase=-30.0)},
        until=START + 60.0 * len(windows) + 1,
    )
    return judged(a_trial, state, now=START + 60.0 * len(windows))


@pytest.mark.parametrize(
    ("windows", "expected", "blocks"),
    [
        ((GOOD,), Verdict.PASS, 1),
        ((GOOD, BAD), Verdict.UNDECIDED, 2),
        ((GOOD, BAD, GOOD), Verdict.PASS, 3),
        ((BAD, BAD), Verdict.FAIL, 2),
        ((BAD, GOOD, BAD), Verdict.FAIL, 3),
        ((BAD, GOOD, BAD, GOOD, GOOD), Verdict.FAIL, 5),
        ((QUIET, QUIET), Verdict.UNDECIDED, 0),
        ((BAD, QUIET, GOOD), Verdict.PASS, 2),
        (((20, 1),), Verdict.PASS, 1),  # exactly at the bound is not above it
    ],
)
def test_windows_add_up(windows, expected, blocks):
    answer = verdict(*windows)
    assert (answer.verdict, answer.blocks) == (expected, blocks)


def test_the_decision_is_dated_at_the_end_of_the_window_that_failed():
    assert verdict(BAD, GOOD, BAD, GOOD).decided_at == START + 180.0


def test_an_open_window_decides_nothing():
    a_trial = trial(RULE)
    state = played(
        a_trial,
        stable={},
        candidate={"c": pod((500, 500), every=30.0)},
        until=START + 59.0,
    )
    assert judged(a_trial, state).verdict is Verdict.UNDECIDED


def test_the_message_counts_the_windows():
    text = "canary 8 errors of 60 requests (13.3 %): 2 of 3 measured 60 s windows above 5 % (2 roll back)"
    assert verdict(BAD, GOOD, BAD).message == text
