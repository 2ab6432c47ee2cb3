import random

import pytest
from bench.gates.pods import always, bursts

from davylamp.gates import ErrorRate, Latency, ScoreDistance
from davylamp.gates.counts import Count
from davylamp.gates.evidence.overdispersion import (
    ASSUMED_BURST,
    CELL,
    DesignEffect,
    Survey,
    dispersion,
    surveyed,
)
from davylamp.simulation.traffic import drawn

LENGTH = CELL * 5.0


def survey(rates, *, cells=60, pods=4, expected=200.0, cluster=1, seed=1):
    """What stable pods with these error rates show in ten minutes."""
    rng, found = random.Random(seed), Survey()
    for cell in range(cells + 1):
        at = cell * LENGTH
        seen = {f"pod-{i}": drawn(expected, rates(at), rng, cluster=cluster) for i in range(pods)}
        found = surveyed(found, at, LENGTH, seen)
    return found


def test_independent_errors_count_in_full_nearly_always():
    found = [ErrorRate().design_effect(survey(always(0.02), seed=seed)) for seed in range(40)]
    assert sum(each == DesignEffect() for each in found) >= 34
    assert all(each.burst < 2 and not each.betting for each in found)


@pytest.mark.parametrize("pods", [1, 4])
@pytest.mark.parametrize("cluster", [3, 5])
def test_clusters_divide_by_about_their_size(pods, cluster):
    found = ErrorRate().design_effect(survey(always(0.02), pods=pods, cluster=cluster))
    assert found.burst == pytest.approx(cluster, rel=0.4)
    assert found.burst_better == found.burst
    assert not found.betting


def test_bursts_of_a_whole_revision_are_bet_on_without_a_divisor():
    """Bets on whole blocks hold whatever is dependent inside; dividing them as well would blind."""
    found = survey(bursts(3, 0.04, 0.5, 0.002))
    assert dispersion(found).over_time > 10
    assert ErrorRate().design_effect(found) == DesignEffect(betting=True)


def test_what_hits_all_pods_at_once_does_not_show_between_them():
    assert dispersion(survey(bursts(3, 0.2, 0.2, 0.01))).between_pods < 2


def test_few_errors_tell_nothing_and_clusters_are_assumed_for_taking_back():
    found = ErrorRate().design_effect(survey(always(0.02), expected=1.0, cells=20))
    assert found == DesignEffect(ASSUMED_BURST)
    assert ErrorRate().design_effect(Survey()) == DesignEffect(), "nothing to look at: independent"


def test_what_a_person_says_is_taken_as_it_is():
    assert ErrorRate(burst=7.0).design_effect(survey(always(0.02))) == DesignEffect(7.0, 7.0)


def test_only_errors_are_surveyed():
    bursty = survey(bursts(3, 0.04, 0.5, 0.002))
    assert ScoreDistance().design_effect(bursty) == DesignEffect()
    assert not Latency().design_effect(bursty).betting


def test_cells_without_requests_are_passed_over():
    found = survey(always(0.02))
    idle = surveyed(found, 1e6, LENGTH, {"pod-0": Count()})
    idle = surveyed(idle, 2e6, LENGTH, {"pod-0": Count()})
    assert idle.cells == found.cells + 1  # the one that was open


def test_when_it_was_does_not_matter():
    early, late = Survey(), Survey()
    for at in range(0, 600, 5):
        seen = {"a": Count(100, at % 3), "b": Count(100, at % 2)}
        early = surveyed(early, at, LENGTH, seen)
        late = surveyed(late, at + 10_000 * LENGTH, LENGTH, seen)
    assert (early.between, early.squares) == (late.between, late.squares)
