"""Before a canary: what stable shows of what the gates will be able to find."""

import math
import re

import pytest
from tests.unit.gates.stories import update

from davylamp.gates import (
    ErrorRate,
    Latency,
    Query,
    Sample,
    ScoreDistance,
    Scrapes,
    ShareChange,
    Threshold,
    Trial,
    start,
)
from davylamp.gates.forecast.detection_time import requests_to_detect
from davylamp.gates.forecast.forecast import forecast, has_samples_of_stable, misfit
from davylamp.gates.forecast.plan import Plan

BEGAN = 1000.0
EVERY = 5.0
PLAN = Plan([0.2, 0.5], deadline=7200.0)
FEW_ERRORS = 2
"""Of the scrapes of a pod, the one in so many that shows an error."""


def never(_scrape, _pod):
    return 0


def surveyed(rule, *, rate, errors=never, pods=2, seconds=600.0):
    """A trial that has not begun, and what it saw of stable with that many requests a second."""
    trial = Trial(rule, math.inf, (ShareChange(math.inf, 0.5),), EVERY)
    scraped = {f"s{pod}": _pod(rate / pods, errors, pod, seconds) for pod in range(pods)}
    return trial, update(trial, start(trial), Scrapes(BEGAN + seconds, scraped))


def _pod(rate, errors, pod, seconds):
    requests, failed, samples = 9_000.0, 3.0, []
    for scrape in range(int(seconds / EVERY) + 1):
        samples.append(Sample(BEGAN + EVERY * scrape, requests, failed))
        requests, failed = requests + rate * EVERY, failed + errors(scrape, pod)
    return samples


def told(rule, plan=PLAN, **traffic):
    trial, state = surveyed(rule, **traffic)
    return forecast(trial, state, plan)


def one_in_a_hundred(scrape, _pod):
    return scrape % FEW_ERRORS == 0


def test_traffic_and_time_to_a_decision_at_the_first_and_the_last_step():
    found = told(ErrorRate(false_rollback=0.009, burst=1.0), rate=20, errors=one_in_a_hundred)
    traffic, first, last = found.message.split("; ")
    assert traffic == "stable has 19.8 requests/s, 1.01 % errors"
    assert first.startswith("at 20% the canary gets 4 requests/s, which would detect: twice the ")
    assert last.startswith("at 50% the canary gets 9.9 requests/s, which would detect: ")
    assert found.warning is None


@pytest.mark.parametrize(("share", "bad"), [(0.2, 0.05), (0.2, 0.2), (0.5, 0.05)])
def test_the_times_are_requests_needed_over_the_canarys_traffic(share, bad):
    rule = ErrorRate(burst=1.0)
    found = told(rule, Plan([share], 7200.0), rate=20, errors=one_in_a_hundred)
    needed = requests_to_detect(rule, share, 0.01, bad)
    minutes, seconds, requests = re.search(
        rf"{bad:.0%} errors in about (?:(\d+)m)?(\d+)s \(([\d,]+) requests\)", found.message
    ).groups()
    assert int(requests.replace(",", "")) == pytest.approx(needed, rel=0.05)
    took = 60 * int(minutes or 0) + int(seconds)
    assert took == pytest.approx(needed / (20 * share), rel=0.05, abs=1)


def test_no_decision_is_promised_before_two_blocks():
    found = told(ErrorRate(burst=1.0), rate=2_000)
    assert found.message.count("20% errors in about 10s") == 2


def test_a_regression_within_the_bounds_is_never_found_and_told_so():
    found = told(ErrorRate(max_rate=0.1, burst=1.0), rate=20, errors=one_in_a_hundred)
    assert "5% errors never, that is within the bounds" in found.message


def test_clusters_are_told_and_cost_time():
    def batches(scrape, pod):
        return 5 * (scrape % 40 == pod)

    found = told(ErrorRate(), rate=200, errors=batches)
    assert re.search(
        r"correlated in clusters of about 5\.\d \(evidence is divided by 5\.\d\)", found.message
    )
    stated = told(ErrorRate(burst=1.0), rate=200, errors=batches)
    assert "clusters" not in stated.message
    assert "5% errors in about 10s" in stated.message
    assert "5% errors in about 10s" not in found.message


def test_extreme_clusters_are_told_with_what_is_done_instead():
    def outages(scrape, _pod):
        return 30 * (scrape % 10 == 3)

    found = told(ErrorRate(), rate=200, errors=outages)
    assert "whole blocks are compared" in found.message
    assert "divided" not in found.message


def test_too_little_traffic_warns_with_the_weight_that_would_do():
    plan = Plan([0.05], deadline=600.0)
    found = told(ErrorRate(burst=1.0), plan, rate=0.4)
    words = (
        r"at 0\.02 canary requests/s even 20% errors are not detected within the deadline of 10m00s"
    )
    assert re.match(words, found.warning)
    weight = int(re.search(r"a weight of (\d+) % would", found.warning).group(1))
    assert told(ErrorRate(burst=1.0), Plan([weight / 100], 600.0), rate=0.4).warning is None
    smaller = Plan([(weight - 5) / 100], 600.0)
    assert told(ErrorRate(burst=1.0), smaller, rate=0.4).warning is not None


def test_where_no_weight_would_do_it_says_how_much_traffic_would():
    rule, plan = ErrorRate(burst=1.0), Plan([0.05, 0.25], deadline=60.0)
    found = told(rule, plan, rate=0.4)
    needed = float(re.search(r"it takes about ([\d.]+) requests/s", found.warning).group(1))
    assert needed == pytest.approx(requests_to_detect(rule, 0.25, 0.0, 0.2) / 60 / 0.25, rel=0.05)
    assert told(rule, plan, rate=1.1 * needed).warning is None


def test_a_stable_without_traffic_is_warned_about():
    found = told(ErrorRate(), rate=0)
    assert "stable has 0 requests/s" in found.message
    assert "there is too little traffic" in found.message
    assert "even 20% errors are not detected" in found.warning


def test_the_classic_rule_takes_as_many_windows_as_it_has_failures():
    found = told(Threshold(max_rate=0.01, failures=3, window=60.0), rate=20)
    assert "20% errors in about 3m00s" in found.message
    assert found.warning is None


def test_a_window_that_never_fills_decides_nothing():
    found = told(Threshold(max_rate=0.01, window=60.0, min_requests=10), rate=0.8, pods=1)
    assert "at 20% the canary gets 0.16 requests/s" in found.message
    assert "20% errors never, there is too little traffic" in found.message
    assert found.warning is None, "the last step fills it"
    narrow = told(Threshold(max_rate=0.01), Plan([0.2], 7200.0), rate=0.8, pods=1)
    assert narrow.warning.endswith("a weight of 25 % would")


def test_other_gates_tell_the_traffic_alone():
    found = told(ScoreDistance(), rate=20)
    assert (found.message, found.warning) == ("stable has 19.8 requests/s", None)


def test_nothing_is_told_before_half_a_minute_was_seen_or_of_user_queries():
    assert told(ErrorRate(), rate=20, seconds=25.0) is None
    assert told(ErrorRate(), rate=20, seconds=45.0) is not None
    assert told(ErrorRate(), Plan([], 7200.0), rate=20) is None
    trial = Trial(Query(promql="up", highest=1.0), math.inf, (ShareChange(math.inf, 0.5),))
    assert forecast(trial, start(trial), PLAN) is None


def test_stable_is_seen_with_its_first_sample_and_the_canary_does_not_count():
    trial = Trial(ErrorRate(), math.inf, (ShareChange(math.inf, 0.5),))
    empty = start(trial)
    assert not has_samples_of_stable(empty)
    sample = [Sample(BEGAN, 5.0, 0.0)]
    assert not has_samples_of_stable(update(trial, empty, Scrapes(BEGAN, {}, {"c": sample})))
    assert has_samples_of_stable(update(trial, empty, Scrapes(BEGAN, {"s": sample})))


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (Latency(over=0.25), "0.25 s is no bucket boundary; the nearest are 0.1 and 0.5"),
        (Latency(over=0.5), None),
        (Latency(), None),
        (ErrorRate(), None),
    ],
)
def test_a_bound_that_is_no_bucket_boundary_is_told(rule, fault):
    trial = Trial(rule, math.inf, (ShareChange(math.inf, 0.5),))
    parts = {"0.1": 5.0, "0.5": 9.0, "+Inf": 10.0}
    stable = {"s": [Sample(BEGAN, 10.0, 0.0, parts)]}
    assert misfit(trial, update(trial, start(trial), Scrapes(BEGAN, stable))) == fault


def test_the_canarys_histogram_is_not_what_the_bound_is_held_against_before_it_serves():
    trial = Trial(Latency(over=0.25), math.inf, (ShareChange(math.inf, 0.5),))
    canary = {"c": [Sample(BEGAN, 10.0, 0.0, {"0.1": 5.0, "+Inf": 10.0})]}
    assert misfit(trial, update(trial, start(trial), Scrapes(BEGAN, {}, canary))) is None
