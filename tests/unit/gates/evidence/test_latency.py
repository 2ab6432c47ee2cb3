import itertools
import math
import random

import pytest

from davylamp.gates import Latency
from davylamp.gates.counts import NOTHING, Count, Pair
from davylamp.gates.evidence.e_process import (
    BETTER,
    PRIOR,
    WORSE,
    EvidenceCap,
    LogLikelihoodRatios,
    advance,
    levels,
    says_acceptable,
    says_worse,
)
from davylamp.gates.evidence.fisher import Table
from davylamp.gates.evidence.latency import (
    MOST_BOUNDARIES,
    gains,
    gains_alone,
    missing_boundary,
    slow,
    worst_boundary,
)
from davylamp.gates.evidence.odds import rate_gains, ratio_gains

NO_PAST = Pair()
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


def histogram(requests, **at_most):
    """A count; `le_0_25=90` says that 90 took at most 0.25 s."""
    names = {name.removeprefix("le_").replace("_", "."): n for name, n in at_most.items()}
    return Count(requests, 0, {name: float(n) for name, n in names.items()} | {"+Inf": requests})


SEEN = Pair(
    histogram(30, le_0_1=10, le_0_25=20, le_1_0=29),
    histogram(500, le_0_1=400, le_0_25=470, le_1_0=499),
)


def test_each_boundary_is_compared_with_stable_by_how_many_are_slower():
    found = gains(Latency(ratio=1.25), NO_PAST, SEEN).worse
    tables = {
        "slower:0.1": Table(30, 500, 120, 20),
        "slower:0.25": Table(30, 500, 40, 10),
        "slower:1": Table(30, 500, 2, 1),
    }
    assert found == {name: ratio_gains(table, (1.25, WORSE))[0] for name, table in tables.items()}


def test_the_own_bound_is_compared_with_the_share_that_is_slower():
    rule = Latency(over=0.25, max_share=0.05)
    found = gains(rule, NO_PAST, SEEN)
    worse, better = rate_gains(Count(30, 10), (0.05, WORSE), (0.05, BETTER))
    assert (found.worse["over"], found.better["over"]) == (worse, better)
    assert worse[0] > 0 > better[0]


def test_one_boundary_may_be_written_in_several_ways():
    written = Pair(
        Count(30, 0, {"1e-1": 10.0, ".25": 20.0, "1": 29.0, "+Inf": 30.0}),
        # two pods of one revision, of which each writes the last boundary in its own way
        Count(500, 0, {"0.10": 400.0, "0.250": 470.0, "1": 299.0, "1.0": 200.0, "Inf": 500.0}),
    )
    rule = Latency(over=0.25, max_share=0.05)
    assert gains(rule, SEEN, written) == gains(rule, SEEN, SEEN)


def test_a_canary_slower_by_the_tolerated_buckets_is_as_good_as_stable():
    shifted = Pair(
        histogram(30, le_0_1=0, le_0_25=10, le_1_0=20, le_2_5=29),
        histogram(500, le_0_1=400, le_0_25=470, le_1_0=499, le_2_5=500),
    )
    tolerant = gains(Latency(tolerance=1), NO_PAST, shifted).worse
    strict = gains(Latency(), NO_PAST, SEEN).worse
    assert tolerant == {
        "slower:0.25": strict["slower:0.1"],
        "slower:1": strict["slower:0.25"],
        "slower:2.5": strict["slower:1"],
    }


def test_only_boundaries_of_both_revisions_are_compared():
    block = Pair(histogram(30, le_0_1=10, le_0_2=20), histogram(500, le_0_1=400, le_0_3=470))
    assert list(gains(Latency(), NO_PAST, block).worse) == ["slower:0.1"]


@pytest.mark.parametrize(
    ("rule", "stable"),
    [
        (Latency(over=0.3), SEEN.stable),
        (Latency(over=0.25, tolerance=3), SEEN.stable),
        (Latency(over=0.25), histogram(500, le_0_2=470)),
        (Latency(over=0.25), Count(500)),
    ],
    ids=["over is no boundary", "tolerance beyond the last", "none in common", "no buckets"],
)
def test_nothing_is_concluded_where_it_cannot_be_compared(rule, stable):
    """Not even by the canary's own bound: both claims have to be shown for a rollback."""
    broken = histogram(30, le_0_1=0, le_0_25=0, le_1_0=0)
    assert gains(rule, SEEN, Pair(broken, stable)) == LogLikelihoodRatios({}, {})


def test_without_stable_nothing_is_concluded_from_a_bound_that_is_no_boundary():
    assert gains_alone(Latency(over=0.3), SEEN.candidate) == LogLikelihoodRatios({}, {})


def fine_grained(requests, many=40):
    parts = {f"{(i + 1) / 100:g}": requests * (i + 1) / (many + 1) for i in range(many)}
    return Count(requests, 0, parts)


@pytest.mark.parametrize("at", range(1, 41))
def test_of_many_boundaries_a_dozen_is_looked_at_always_with_the_bound(at):
    block = Pair(fine_grained(41), fine_grained(410))
    lines = gains(Latency(over=at / 100), NO_PAST, block).worse
    looked_at = sorted(float(name.partition(":")[2]) for name in lines if name != "over")
    assert len(looked_at) == MOST_BOUNDARIES
    assert at / 100 in looked_at
    assert looked_at[0] <= 0.02
    assert looked_at[-1] >= 0.39
    assert max(b - a for a, b in itertools.pairwise(looked_at)) < 0.065


def test_counters_read_at_different_moments_keep_counts_possible():
    torn = Count(30, 0, {"0.1": 31.0, "0.25": 29.0, "1": 30.0})
    assert [slow(Latency(), torn, le).errors for le in ("0.1", "0.25", "1")] == [0, 0, 0]


def test_a_canary_is_shown_to_be_fine_at_the_bound():
    found = gains(Latency(over=0.25, promote_ratio=3.0), NO_PAST, SEEN).better
    (expected,) = ratio_gains(Table(30, 500, 40, 10), (3.0, BETTER))
    assert found["slower"] == expected


@pytest.mark.parametrize(
    ("past", "table"),
    [
        (histogram(10_000, le_0_1=8800, le_0_25=9800, le_1_0=10_000), Table(30, 500, 120, 20)),
        (histogram(10_000, le_0_1=2000, le_0_25=9000, le_1_0=10_000), Table(30, 500, 40, 10)),
        (histogram(10_000, le_0_1=0, le_0_25=700, le_1_0=9100), Table(30, 500, 2, 1)),
        # nearer to 10 % by difference would be 0 %, of which nothing can be learned
        (histogram(10_000, le_0_1=6000, le_0_25=10_000, le_1_0=10_000), Table(30, 500, 120, 20)),
    ],
)
def test_a_canary_is_shown_to_be_fine_where_a_tenth_of_stable_was_slower_before(past, table):
    found = gains(Latency(), Pair(stable=past), SEEN).better
    assert found == {"slower": ratio_gains(table, (2.0, BETTER))[0]}


@pytest.mark.parametrize("past", [NO_PAST, Pair(stable=histogram(0, le_0_1=0, le_0_25=0))])
def test_nothing_shows_a_canary_to_be_fine_while_there_is_no_past(past):
    assert gains(Latency(), past, SEEN).better == {}


def test_without_stable_the_own_bound_stands_for_both_claims_in_the_same_lines():
    rule = Latency(over=0.25, max_share=0.05)
    both, alone = gains(rule, SEEN, SEEN), gains_alone(rule, SEEN.candidate)
    assert alone.worse.keys() == both.worse.keys()
    assert alone.better.keys() == both.better.keys()
    assert all(line == both.worse["over"] for line in alone.worse.values())
    assert all(line == both.better["over"] for line in alone.better.values())


def test_without_stable_and_without_a_bound_nothing_is_concluded():
    assert gains_alone(Latency(), SEEN.candidate) == LogLikelihoodRatios({}, {})


def test_slow_answers_are_counted_at_the_bound_or_where_asked():
    assert slow(Latency(over=0.25), SEEN.candidate) == Count(30, 10)
    assert slow(Latency(over=0.25), SEEN.candidate, "1") == Count(30, 1)
    assert slow(Latency(), SEEN.candidate, 0.1) == Count(30, 20)


@pytest.mark.parametrize("rule", [Latency(), Latency(over=0.3)])
def test_no_rate_is_made_up_where_there_is_no_boundary(rule):
    assert slow(rule, SEEN.candidate) == NOTHING


def test_the_message_names_the_boundary_where_the_canary_is_slowest_against_stable():
    canary = histogram(300, le_0_1=100, le_0_25=200, le_1_0=298)
    early = Pair(canary, histogram(5000, le_0_1=4500, le_0_25=4600, le_1_0=5000))
    late = Pair(canary, histogram(5000, le_0_1=4000, le_0_25=4900, le_1_0=5000))
    assert worst_boundary(Latency(), early) == 0.1
    assert worst_boundary(Latency(), late) == 0.25


def test_the_message_names_no_boundary_that_nearly_everything_exceeds_anyway():
    block = Pair(
        histogram(1000, le_0_01=1, le_0_25=900),
        histogram(10_000, le_0_01=600, le_0_25=9700),
    )
    assert worst_boundary(Latency(), block) == 0.25


def test_the_message_names_no_boundary_on_a_handful_of_slow_answers():
    block = Pair(histogram(30, le_0_25=26), histogram(500, le_0_25=500))
    assert worst_boundary(Latency(), block) is None


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        (None, None),
        (0.25, None),
        (0.3, "0.3 s is no bucket boundary; the nearest are 0.25 and 1"),
        (0.01, "0.01 s is no bucket boundary; the nearest is 0.1"),
        (10.0, "10 s is no bucket boundary; the nearest is 1"),
    ],
)
def test_a_bound_that_is_no_boundary_is_told_with_its_neighbours(over, sentence):
    assert missing_boundary(Latency(over=over), SEEN.candidate) == sentence


def test_a_revision_without_buckets_is_told_once_it_answers():
    rule = Latency(over=0.3)
    assert missing_boundary(rule, NOTHING) is None
    told = missing_boundary(rule, Count(7, 0, {"+Inf": 7.0}))
    assert told == "0.3 s is no bucket boundary; there are no buckets"


def answers(rng, requests, slowdown):
    """Lognormal latencies with a median of 60 ms, as in the design's table."""
    times = [rng.lognormvariate(math.log(0.06 * slowdown), 0.8) for _ in range(requests)]
    return Count(requests, 0, {str(le): sum(t <= le for t in times) for le in BUCKETS})


def trial(rng, rule, pace, slowdown, blocks):
    """Seconds to the rollback and to the permission to promote, in blocks of 5 s at 5 + 95 rps."""
    evidence, past, fine = PRIOR, NO_PAST, math.inf
    for block in range(1, blocks + 1):
        seen = Pair(answers(rng, 25, slowdown), answers(rng, 475, 1.0))
        evidence = advance(rule, evidence, gains(rule, past, seen), pace)
        past += seen
        at = levels(rule, evidence)
        if says_worse(rule, at):
            return 5 * block, fine
        if says_acceptable(rule, at):
            fine = min(fine, 5 * block)
    return math.inf, fine


def median(times):
    ordered = sorted(times)
    return ordered[len(ordered) // 2]


QUICK = EvidenceCap(burst=1.0, burst_better=1.0, agreeing=2)
CAREFUL = EvidenceCap(burst=3.0, burst_better=3.0, agreeing=4)


@pytest.mark.parametrize(
    ("slowdown", "pace", "seconds"),
    [(1.5, QUICK, 50), (2.0, QUICK, 15), (4.0, QUICK, 10), (2.0, CAREFUL, 45), (4.0, CAREFUL, 20)],
)
def test_p2_a_slow_canary_is_found_as_soon_as_the_design_says(slowdown, pace, seconds):
    rng = random.Random(5)
    found = [trial(rng, Latency(), pace, slowdown, 60) for _ in range(25)]
    assert median(rollback for rollback, _ in found) <= seconds
    assert all(fine == math.inf for _, fine in found)


def test_p2_a_canary_as_fast_as_stable_is_kept_and_may_be_promoted():
    rng = random.Random(6)
    found = [trial(rng, Latency(), QUICK, 1.0, 60) for _ in range(20)]
    assert all(rollback == math.inf for rollback, _ in found)
    assert median(fine for _, fine in found) <= 130  # 75 in the long run


def test_p2_a_canary_that_is_slower_but_within_its_bound_is_kept():
    rng = random.Random(7)
    rule = Latency(over=1.0, max_share=0.05)
    assert all(trial(rng, rule, QUICK, 2.0, 40)[0] == math.inf for _ in range(10))
