"""The budget of pod reads: nobody is asked more often than wanted, and scarcity is shared."""

import itertools
import random
from collections import defaultdict

import pytest

from davylamp.controller.cluster.cache import Key
from davylamp.controller.evidence.read_budget import ReadBudget, Wish


def keys(count: int, prefix: str = "model") -> list[Key]:
    return [Key("ns", f"{prefix}-{n}") for n in range(count)]


def run(budget: ReadBudget, wanted, *, seconds: float, tick: float = 1.0, jitter: float = 0.0):
    """Times at which each key was swept."""
    chance = random.Random(7)
    times = defaultdict(list)
    for n in range(round(seconds / tick)):
        now = 100 + n * tick + chance.uniform(0, jitter)
        for key in budget.plan(now, wanted):
            times[key].append(now)
    return times


def gaps(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in itertools.pairwise(times)]


def test_within_the_budget_everybody_is_swept_at_every_interval():
    wanted = dict.fromkeys(keys(10), Wish(pods=4, interval=1.0))
    times = run(ReadBudget(50), wanted, seconds=60, jitter=0.09)
    assert {len(found) for found in times.values()} == {60}


def test_an_interval_of_several_ticks_is_kept():
    key = Key("ns", "a")
    times = run(ReadBudget(50), {key: Wish(pods=4, interval=5.0)}, seconds=60)
    assert gaps(times[key]) == [5.0] * 11


def test_over_budget_every_interval_stretches_equally_and_none_starves():
    wanted = dict.fromkeys(keys(100), Wish(pods=4, interval=1.0))
    budget = ReadBudget(50)
    times = run(budget, wanted, seconds=800)
    assert len(times) == 100
    means = [sum(gaps(found)) / len(gaps(found)) for found in times.values()]
    assert min(means) == pytest.approx(8, abs=0.1)
    assert max(means) == pytest.approx(8, abs=0.1)
    assert max(gap for found in times.values() for gap in gaps(found)) <= 9


def test_rollouts_of_different_intervals_and_sizes_stretch_by_the_same_factor():
    fast = dict.fromkeys(keys(20, "fast"), Wish(pods=4, interval=1.0))
    slow = dict.fromkeys(keys(40, "slow"), Wish(pods=10, interval=5.0))
    budget = ReadBudget(40)
    stretch = 4.0
    times = run(budget, fast | slow, seconds=1200)
    for key, each in (fast | slow).items():
        mean = sum(gaps(times[key])) / len(gaps(times[key]))
        assert mean / each.interval == pytest.approx(stretch, rel=0.15)


def test_the_budget_is_never_exceeded_over_time():
    wanted = dict.fromkeys(keys(100), Wish(pods=7, interval=1.0))
    times = run(ReadBudget(50), wanted, seconds=200, tick=0.5)
    reads = 7 * sum(map(len, times.values()))
    assert 50 * 199 <= reads <= 50 * 201 + 7


def test_a_rollout_larger_than_the_whole_budget_has_its_turn_and_no_more():
    big, small = Key("ns", "big"), keys(5)
    wanted = {big: Wish(pods=400, interval=1.0)}
    wanted |= dict.fromkeys(small, Wish(pods=20, interval=1.0))
    times = run(ReadBudget(50), wanted, seconds=1000)
    assert {len(times[key]) for key in wanted} <= {100, 101}


def test_newcomers_neither_wait_for_an_interval_nor_push_others_back():
    budget = ReadBudget(4)
    old, new = keys(4), [Key("ns", f"new-{n}") for n in range(200)]
    each = Wish(pods=4, interval=1.0)
    assert budget.plan(0, {new[0]: each}) == [new[0]]
    swept = []
    for now in range(1, 40):  # each second brings another newcomer, who stays for a second
        wanted = dict.fromkeys(old, each) | {new[now]: each}
        swept += budget.plan(now, wanted)
    assert set(old) <= set(swept[:5])
    assert min(swept.count(key) for key in old) >= 7


def test_who_waited_longest_is_first():
    budget = ReadBudget(4)
    a, b, c = keys(3)
    each = Wish(pods=4, interval=1.0)
    assert budget.plan(0, {a: each}) == [a]
    assert budget.plan(1, {a: each, b: each}) == [a]
    assert budget.plan(2, {a: each, b: each, c: each}) == [b]
    assert budget.plan(3, {a: each, b: each, c: each}) == [a]
    assert budget.plan(4, {a: each, b: each, c: each}) == [c]


def test_what_is_saved_while_nobody_wants_anything_is_bounded():
    budget = ReadBudget(10)
    budget.plan(0, {})
    wanted = dict.fromkeys(keys(100), Wish(pods=1, interval=1.0))
    assert len(budget.plan(3600, wanted)) == 10


def test_a_clock_that_stands_still_or_steps_back_gives_nothing_away():
    budget = ReadBudget(4)
    wanted = dict.fromkeys(keys(2), Wish(pods=4, interval=1.0))
    assert len(budget.plan(10, wanted)) == 1
    assert budget.plan(10, wanted) == []
    assert budget.plan(5, dict.fromkeys(keys(9), Wish(pods=4, interval=1.0))) == []


@pytest.mark.parametrize("per_second", [0, -1, float("nan")])
def test_a_budget_of_nothing_is_refused(per_second):
    with pytest.raises(ValueError):
        ReadBudget(per_second)


@pytest.mark.parametrize(("pods", "interval"), [(0, 1.0), (1, 0.0), (-1, 1.0)])
def test_a_wish_for_nothing_is_refused(pods, interval):
    with pytest.raises(ValueError):
        Wish(pods, interval)
