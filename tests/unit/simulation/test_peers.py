import pytest

from davylamp.gates import Count
from davylamp.simulation.peers import ARGO, ARGO_FAST, FLAGGER, FLAGGER_FAST, PEERS, rolled_back

STEP = 5.0
HOUR = 720


def steady(errors, requests=100):
    return [Count(requests, errors)] * HOUR


@pytest.mark.parametrize(
    ("rule", "at"), [(ARGO, 120), (ARGO_FAST, 10), (FLAGGER, 360), (FLAGGER_FAST, 30)], ids=str
)
def test_a_total_outage_is_found_after_that_many_checks(rule, at):
    assert rolled_back(rule, steady(100), STEP) == at


@pytest.mark.parametrize("rule", PEERS, ids=str)
def test_a_canary_below_the_bound_lives(rule):
    assert rolled_back(rule, [Count(1000, 9)] * HOUR, STEP) is None


def test_at_the_bound_argo_fails_and_flagger_does_not():
    assert rolled_back(ARGO, steady(1), STEP) == 120
    assert rolled_back(FLAGGER, steady(1), STEP) is None


def test_without_traffic_flagger_fails_and_argo_does_not():
    assert rolled_back(ARGO, steady(0, 0), STEP) is None
    assert rolled_back(FLAGGER, steady(0, 0), STEP) == 360


def test_failures_are_never_forgiven():
    bad, good = [Count(100, 50)] * 12, [Count(100, 0)] * 120
    assert rolled_back(FLAGGER, (bad + good) * 4, STEP) is None
    assert rolled_back(FLAGGER, (bad + good) * 5, STEP) == 4 * 660 + 60 + 60


def test_what_would_be_decided_after_the_end_is_not_decided():
    assert rolled_back(FLAGGER, steady(100)[:71], STEP) is None
