import random

import pytest

from davylamp.api.spec import Rollout, Step
from davylamp.simulation import plans
from davylamp.simulation.peers import ARGO
from davylamp.simulation.rollouts import SimulatedTraffic, Stream, classic, product

ROLLOUT = Rollout(steps=(Step(weight=25, hold="1m"), Step(weight=50, hold="1m")))
SCHEDULE = plans.schedule(ROLLOUT, 4, 100.0, 5.0)
TRIALS = plans.trials(ROLLOUT, SCHEDULE.weights, 5.0)


def stream(canary, seed=1):
    return Stream(SimulatedTraffic(100.0, 0.005, canary), SCHEDULE, random.Random(seed))


def test_a_broken_canary_is_taken_back_after_the_answers_it_gave_until_then():
    seen = stream(1.0)
    fate = product(TRIALS, seen, 3600.0)
    assert (fate.end, fate.at) == ("rollback", 10.0)
    assert fate.bad == sum(each.candidate.errors for each in seen.first(2)) > 100


def test_a_good_canary_is_promoted_when_its_steps_are_over_not_before():
    fate = product(TRIALS, stream(0.0), 3600.0)
    assert (fate.end, fate.at, fate.bad) == ("promote", SCHEDULE.ends, 0)


def test_a_canary_between_the_bounds_stays_undecided():
    fate = product(TRIALS, stream(0.0125), SCHEDULE.ends + 60.0)
    assert fate.end in {"undecided", "rollback"}


def test_classic_rules_promote_when_the_steps_are_over():
    assert classic(ARGO, stream(0.0)).end == "promote"
    assert classic(ARGO, stream(0.2)).at == 120.0


def test_all_judges_see_the_same_traffic():
    seen = stream(0.2)
    product(TRIALS, seen, 3600.0)
    before = list(seen.drawn)
    classic(ARGO, seen)
    assert seen.drawn[: len(before)] == before


@pytest.mark.parametrize("seed", range(3))
def test_the_canarys_share_of_the_traffic_is_that_of_the_step(seed):
    done = stream(0.0, seed).first(24)
    for part, share in ((done[:12], 0.2), (done[12:], 0.5)):
        canary = sum(each.candidate.requests for each in part)
        total = canary + sum(each.stable.requests for each in part)
        assert canary / total == pytest.approx(share, abs=0.03)
