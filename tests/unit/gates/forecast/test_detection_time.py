import pytest

from davylamp.gates import ErrorRate, Threshold
from davylamp.gates.evidence.overdispersion import Survey
from davylamp.gates.forecast.detection_time import requests_to_detect

# Median canary requests by simulation: stable 0.2 %, bound 0.5 %, ratio 1.5, alpha 0.01.
MEDIANS = [
    (0.01, 0.01, 3152),
    (0.01, 0.02, 497),
    (0.01, 0.05, 93),
    (0.01, 0.20, 14),
    (0.05, 0.01, 3172),
    (0.05, 0.02, 461),
    (0.05, 0.05, 96),
    (0.10, 0.01, 3132),
    (0.10, 0.02, 504),
    (0.10, 0.05, 109),
]


@pytest.mark.parametrize(("weight", "rate", "median"), MEDIANS)
def test_the_rule_of_thumb_is_near_the_simulated_median(weight, rate, median):
    needed = requests_to_detect(ErrorRate(max_rate=0.005), weight, 0.002, rate)
    assert needed == pytest.approx(median, rel=0.35)


def test_half_the_traffic_takes_more_canary_requests():
    rule = ErrorRate(max_rate=0.005)
    assert requests_to_detect(rule, 0.5, 0.002, 0.05) > requests_to_detect(rule, 0.05, 0.002, 0.05)


@pytest.mark.parametrize(("stable", "canary"), [(0.001, 0.009), (0.05, 0.06), (0.0, 0.0)])
def test_a_canary_within_the_bounds_is_never_detected(stable, canary):
    assert requests_to_detect(ErrorRate(), 0.1, stable, canary) is None


def test_a_burst_makes_it_slower_in_proportion():
    once = requests_to_detect(ErrorRate(), 0.1, 0.001, 0.05)
    thrice = requests_to_detect(ErrorRate(burst=3.0), 0.1, 0.001, 0.05)
    assert thrice == pytest.approx(3 * once, abs=3)


def test_the_threshold_rule_needs_its_windows_filled():
    rule = Threshold(max_rate=0.05, failures=3, min_requests=20)
    assert rule.requests_to_detect(0.1, Survey(), 0.2) == 60
    assert rule.requests_to_detect(0.1, Survey(), 0.01) is None
