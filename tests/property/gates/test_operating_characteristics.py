"""What the gate does to whole populations of simulated canaries, against the design's figures.

Fixed seeds, so a failure is a change of behaviour and not bad luck. The bounds leave three standard
deviations for the number of canaries; `python -m bench.gates.simulate` prints the whole tables.
"""

import pytest
from bench.gates.canaries import Lens, rolled_back, runs
from bench.gates.gates import AUTO, BETTING, FAST
from bench.gates.pods import always, between, bursts
from bench.gates.scenarios import incident, scenario, shared

from davylamp.gates import ErrorRate
from davylamp.simulation.outcomes import quantile

HEALTHY = 0.005
OUT_OF_STEP = Lens(aligned=False)


def median(volume, rate, count, **kwargs):
    bad = scenario(volume, "bad", always(HEALTHY), always(rate))
    return quantile([each.rolled_back for each in runs(bad, FAST, count, **kwargs)], 0.5)


@pytest.mark.parametrize("volume", ["100rps/5%", "10rps/10%", "1rps/5%"])
def test_p2_healthy_canaries_live(volume):
    assert rolled_back(runs(shared(always(HEALTHY), name="", volume=volume), FAST, 30)) == 0


@pytest.mark.parametrize("volume", ["100rps/5%", "10rps/10%", "1rps/5%"])
def test_p2_canaries_survive_an_incident_that_hits_both(volume):
    both = scenario(volume, "", *incident(0.05))
    assert rolled_back(runs(both, FAST, 25)) == 0


@pytest.mark.parametrize("rate", [0.05, 1.0])
def test_p2_canaries_survive_a_shared_incident_with_scrapes_out_of_step(rate):
    both = scenario("100rps/5%", "", *incident(rate))
    assert rolled_back(runs(both, FAST, 10, lens=OUT_OF_STEP)) == 0


@pytest.mark.parametrize("lead", [-5.0, 5.0])
def test_p2_two_blocks_cover_a_misalignment_of_one_scrape(lead):
    both = scenario("100rps/5%", "", *incident(1.0, lead=lead))
    assert rolled_back(runs(both, FAST, 15)) == 0


def test_p2_more_blocks_cover_a_larger_misalignment():
    both = scenario("100rps/5%", "", *incident(1.0, lead=-15.0))
    assert rolled_back(runs(both, ErrorRate(min_blocks=5), 15)) == 0


def test_p2_canaries_survive_shared_bursts():
    both = shared(bursts(7, 0.02, 0.5, HEALTHY), name="")
    assert rolled_back(runs(both, FAST, 10)) == 0


@pytest.mark.parametrize(
    ("stable", "canary"),
    [(0.02, 0.02), (0.02, 1.5 * 0.02 / 1.01), (0.001, 0.01)],
    ids=["both above the bound", "at the ratio", "at the rate"],
)
def test_p2_canaries_at_the_bounds_are_rolled_back_in_one_hour_of_a_hundred(stable, canary):
    at_bound = scenario("100rps/5%", "", always(stable), always(canary))
    assert rolled_back(runs(at_bound, FAST, 16)) <= 0.01 + 3 * (0.01 * 0.99 / 16) ** 0.5


@pytest.mark.parametrize(
    ("volume", "rate", "count", "design", "within"),
    [
        ("100rps/5%", 1.00, 60, 10, 0.0),
        ("100rps/5%", 0.20, 60, 10, 0.0),
        ("100rps/5%", 0.05, 100, 40, 10.0),
        ("100rps/5%", 0.02, 150, 310, 80.0),
        ("10rps/10%", 0.20, 60, 25, 5.0),
        ("10rps/10%", 0.05, 100, 185, 45.0),
        ("1rps/5%", 1.00, 60, 70, 15.0),
        ("1rps/5%", 0.20, 60, 410, 120.0),
    ],
)
def test_bad_canaries_are_found_as_fast_as_designed(volume, rate, count, design, within):
    assert median(volume, rate, count) == pytest.approx(design, abs=within)


def test_scrapes_out_of_step_cost_less_than_one_scrape():
    assert median("100rps/5%", 0.20, 60, lens=OUT_OF_STEP) <= 15.0


def test_a_late_break_is_found_as_fast_as_designed():
    turned = between(1200.0, 1e9, 1.0, HEALTHY)
    found = runs(scenario("100rps/5%", "", always(HEALTHY), turned), FAST, 15)
    assert quantile([each.rolled_back for each in found], 0.5) == pytest.approx(1220, abs=5)


def test_p2_healthy_canaries_live_where_blocks_are_bet_on():
    alike = bursts(7, 0.04, 0.5, HEALTHY), bursts(8, 0.04, 0.5, HEALTHY)
    assert rolled_back(runs(scenario("100rps/5%", "", *alike), AUTO, 15, lens=BETTING)) == 0


def test_bets_find_a_late_break_as_fast_as_an_early_one():
    """The stake that follows the trend loses nothing while the canary is healthy."""

    def found(rates):
        outcomes = runs(scenario("100rps/5%", "", always(HEALTHY), rates), AUTO, 15, BETTING)
        return quantile([each.rolled_back for each in outcomes], 0.5)

    early, late = found(always(0.2)), found(between(1200.0, 1e9, 0.2, HEALTHY)) - 1200
    assert 100 < late <= 1.1 * early


def test_good_canaries_pass_and_bad_ones_do_not():
    good = runs(scenario("100rps/5%", "", always(HEALTHY), always(HEALTHY)), FAST, 25)
    assert quantile([each.passed for each in good], 0.5) == pytest.approx(620, abs=200)
    bad = runs(scenario("100rps/5%", "", always(HEALTHY), always(0.05)), FAST, 40)
    assert all(each.passed is None and each.rolled_back is not None for each in bad)


def test_p3_silence_neither_passes_nor_fails():
    silent = scenario("100rps/5%", "", always(HEALTHY), always(HEALTHY))
    nothing = type(silent)(silent.name, 0.0, silent.weight, silent.stable, silent.canary)
    outcome = runs(nothing, FAST, 1)[0]
    assert (outcome.rolled_back, outcome.passed) == (None, None)
