"""Gaps between groups of people: what blocks say, what people are shown."""

import math

import pytest

from davylamp.gates import GroupRateGap
from davylamp.gates.counts import NOTHING, Count, Pair
from davylamp.gates.evidence import group_gap
from davylamp.gates.evidence.hoeffding import THETAS

RULE = GroupRateGap(max_gap=0.1, increase=0.05)
ERRORS = GroupRateGap(max_gap=0.1, increase=0.05, positive=False)
SILENT = [0.0] * len(THETAS)


def groups(**rates):
    """Rows and positive answers by group; every tenth row failed."""
    parts, rows = {}, 0
    for name, (n, positive) in rates.items():
        rows += n
        parts |= {
            f"{name}/rows": n,
            f"{name}/failed": n / 10,
            f"{name}/answered": n - n / 10,
            f"{name}/positive": positive,
        }
    return Count(rows, 0, parts)


def answered(**rates):
    """Answered rows and positive answers by group."""
    parts = {}
    for name, (n, positive) in rates.items():
        parts |= {f"{name}/answered": float(n), f"{name}/positive": float(positive)}
    return Count(sum(n for n, _ in rates.values()), 0, parts)


def log_e(beyond, size):
    return [size * (4 * theta * beyond - 2 * theta**2) for theta in THETAS]


def test_each_ordered_pair_is_tested_for_its_gap_and_for_its_growth():
    canary, stable = answered(f=(40, 30), m=(60, 15)), answered(f=(100, 50), m=(200, 80))
    found = group_gap.gains(RULE, Pair(canary, stable)).worse

    ours, all_four = 1 / (1 / 40 + 1 / 60), 1 / (1 / 40 + 1 / 60 + 1 / 100 + 1 / 200)
    assert found.keys() == {"bound:f>m", "bound:m>f", "stable:f>m", "stable:m>f"}
    assert found["bound:f>m"] == pytest.approx(log_e(0.75 - 0.25 - 0.1, ours))
    assert found["bound:m>f"] == pytest.approx(log_e(0.25 - 0.75 - 0.1, ours))
    assert found["stable:f>m"] == pytest.approx(log_e(0.5 - 0.1 - 0.05, all_four))
    assert found["stable:m>f"] == pytest.approx(log_e(-0.5 + 0.1 - 0.05, all_four))


def test_errors_are_failed_rows_and_positives_are_of_answered_ones():
    canary = groups(f=(100, 45), m=(100, 9))

    assert group_gap.gap(RULE, canary) == group_gap.WidestGap("f", 0.5, "m", 0.1)
    assert group_gap.gap(ERRORS, canary).size == 0.0
    assert group_gap.gains_alone(ERRORS, canary).worse["bound:f>m"] == pytest.approx(
        log_e(-0.1, 50)
    )


def test_alone_only_the_bound_is_tested():
    found = group_gap.gains_alone(RULE, answered(f=(40, 30), m=(60, 15))).worse

    assert found.keys() == {"bound:f>m", "bound:m>f"}


def test_a_pair_without_rows_stands_still():
    canary = answered(f=(40, 30), m=(60, 15), other=(0, 0))
    found = group_gap.gains(RULE, Pair(canary, answered(f=(40, 20), m=(0, 0), other=(9, 0)))).worse

    assert max(found["bound:f>m"]) > 0
    for line in ("bound:f>other", "bound:other>f", "stable:f>m", "stable:other>f"):
        assert found[line] == SILENT


def test_blocks_without_two_groups_say_nothing():
    one, two = answered(f=(40, 30)), answered(f=(40, 30), m=(60, 15))

    assert not group_gap.gains(RULE, Pair(one, two)).worse
    assert not group_gap.gains(RULE, Pair(two, NOTHING)).worse
    assert not group_gap.gains_alone(RULE, one).worse
    assert not group_gap.gains_alone(RULE, answered(f=(40, 30), m=(0, 0))).worse


def test_six_groups_by_name_whatever_their_answers():
    canary = answered(**{name: (50, 5 * i) for i, name in enumerate("hgfedcba")})
    found = group_gap.gains_alone(RULE, canary).worse

    assert len(found) == 30
    assert {line.partition(":")[2][0] for line in found} == set("abcdef")


def test_a_group_may_be_called_anything():
    names = {"a/b": (50, 40), "x:y>z": (50, 5), "/rows": (50, 20), "": (50, 20)}
    found = group_gap.gains_alone(RULE, answered(**names)).worse

    assert max(found["bound:a/b>x:y>z"]) > 0
    assert len(found) == 12
    assert {line.partition(":")[0] for line in found} == {"bound"}
    assert group_gap.gap(RULE, answered(**names)).largest_group == "a/b"


HOSTILE = {
    "empty": Count(100),
    "strange names": Count(100, 0, {"f": 1.0, "answered": 3.0, "f/": 2.0, "f/other": 3.0}),
    "more than all": answered(f=(40, 80), m=(60, 90)),
    "negative": answered(f=(40, -8), m=(60, -9)),
    "negative rows": answered(f=(-40, 0), m=(-60, 0)),
    "no numbers": answered(f=(40, math.nan), m=(60, math.inf)),
    "no rows": Count(100, 0, {"f/positive": 3.0, "m/positive": 3.0}),
    "endless": Count(100, 0, {"f/answered": math.inf, "m/answered": math.nan}),
}


@pytest.mark.parametrize("bad", HOSTILE.values(), ids=HOSTILE)
def test_counts_that_contradict_themselves_are_no_evidence(bad):
    good = answered(f=(40, 30), m=(60, 15))

    assert not group_gap.gains_alone(RULE, bad).worse
    assert not group_gap.gains(RULE, Pair(bad, good)).worse
    found = group_gap.gains(RULE, Pair(good, bad)).worse
    assert all(line == SILENT for name, line in found.items() if name.startswith("stable"))
    assert group_gap.gap(RULE, bad) is None
    assert not group_gap.accepts(RULE, Pair(bad, good))
    assert group_gap.needed(RULE, Pair(bad, good)) > 0


def test_rounding_is_let_pass():
    noisy = answered(f=(40, 40 + 1e-9), m=(60, -1e-9))

    assert group_gap.gains_alone(RULE, noisy).worse["bound:f>m"] == pytest.approx(log_e(0.9, 24))


@pytest.mark.parametrize("n", [1, 10**3, 10**6, 10**9])
def test_numbers_stay_finite(n):
    pair = Pair(answered(f=(n, n), m=(n, 0)), answered(f=(n, 0), m=(n, n)))

    found = group_gap.gains(RULE, pair).worse
    assert all(math.isfinite(each) for line in found.values() for each in line)
    assert max(found["stable:f>m"]) > 0 > max(found["bound:m>f"])


def test_people_are_told_the_widest_gap_of_groups_with_enough_rows():
    count = answered(f=(100, 50), m=(100, 20), x=(20, 6), few=(19, 19))

    assert group_gap.gap(RULE, count) == group_gap.WidestGap("f", 0.5, "m", 0.2)
    assert group_gap.gap(RULE, answered(f=(100, 50), few=(19, 19))) is None


def test_enough_is_what_a_clear_gap_takes():
    """ln(2 x 5 x 2 / 0.01) / (2 x 0.05^2) = 1520.2 effective rows, of four rates here."""
    stable = answered(f=(10**9, 5), m=(10**9, 5))

    def canary(n):
        return answered(f=(n, n // 2), m=(n, n // 2))

    assert not group_gap.enough(RULE, Pair(canary(3040), stable))
    assert group_gap.enough(RULE, Pair(canary(3041), stable))
    assert group_gap.enough(RULE, Pair(canary(3041)))
    assert group_gap.needed(RULE, Pair(canary(1520), stable)) == pytest.approx(3041, abs=3)
    assert group_gap.needed(RULE, Pair()) == 6081
    assert group_gap.needed(RULE, Pair(canary(3041), canary(3041))) == pytest.approx(6080, abs=3)


def test_a_small_group_does_not_hold_a_promotion_up():
    canary = answered(f=(9000, 4500), m=(9000, 4500), x=(900, 450))

    assert group_gap.enough(RULE, Pair(canary))
    assert not group_gap.enough(RULE, Pair(answered(f=(9000, 4500), x=(900, 450))))


def test_fine_is_within_the_bound_or_close_to_stable():
    n = 100_000

    def at(f, m):
        return answered(f=(n, f * n), m=(n, m * n))

    assert group_gap.accepts(RULE, Pair(at(0.5, 0.41), at(0.5, 0.5)))
    assert group_gap.accepts(RULE, Pair(at(0.5, 0.2), at(0.5, 0.24)))
    assert not group_gap.accepts(RULE, Pair(at(0.5, 0.2), at(0.5, 0.3)))
    assert not group_gap.accepts(RULE, Pair(at(0.5, 0.2)))
    assert group_gap.accepts(RULE, Pair(at(0.5, 0.45)))
    assert not group_gap.accepts(RULE, Pair(answered(f=(50, 25), m=(50, 25))))
