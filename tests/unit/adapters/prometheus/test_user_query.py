"""Users' own queries: when they are asked, about whom, and what is taken of the answer."""

import pytest

from davylamp.adapters.errors import SourceError, SourceFault
from davylamp.adapters.prometheus.templates import VARIABLES, render
from davylamp.adapters.prometheus.user_query import (
    POINTS_LIMIT,
    ArmNames,
    QueryScope,
    RangeQuery,
    on_grid,
    read_values,
)


@pytest.mark.parametrize(
    ("after", "until", "step", "expected"),
    [
        (100.0, 160.0, 15.0, (105, 150, 15)),
        (105.0, 120.0, 15.0, (120, 120, 15)),
        (104.9, 119.9, 15.0, (105, 105, 15)),
        (105.0, 119.9, 15.0, None),
        (105.0, 90.0, 15.0, None),
        (0.2, 3.0, 1.4, (1, 3, 1)),
        (0.2, 3.0, 0.1, (1, 3, 1)),
    ],
)
def test_points_lie_on_the_grid_and_none_is_asked_for_twice(after, until, step, expected) -> None:
    asked = on_grid("up", after=after, until=until, step=step)
    assert (asked and (asked.start, asked.end, asked.step)) == expected


def test_after_a_long_time_the_newest_points_are_asked_for() -> None:
    asked = on_grid("up", after=0.0, until=1e6, step=1.0)
    assert asked
    assert (asked.start, asked.end) == (1_000_000 - POINTS_LIMIT + 1, 1_000_000)


@pytest.mark.parametrize(
    "times", [(1, 10, 5), (5, 11, 5), (5, 0, 5), (0, 0, 0), (0, POINTS_LIMIT, 1)]
)
def test_times_off_the_grid_are_refused(times) -> None:
    start, end, step = times
    with pytest.raises(ValueError):
        RangeQuery(promql="up", start=start, end=end, step=step)


def test_values_that_are_no_numbers_are_no_data() -> None:
    values = [[10, "1.5"], [15, "NaN"], [20, "+Inf"], [25, "-Inf"], [30, "-2"]]
    assert read_values([{"metric": {}, "values": values}]) == {10.0: 1.5, 30.0: -2.0}
    assert read_values([]) == {}


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ([{"metric": {}, "values": []}] * 3, "3 series where one is needed: aggregate with sum"),
        ([{"metric": {}, "histograms": []}], "histogram_quantile"),
        ([{"metric": {}, "values": [], "histograms": []}], "histogram_quantile"),
        ([{"metric": {}, "value": [1, "1"]}], "no list of samples"),
        ([1000.0], "no list of samples"),
        ("text", "no list"),
        (None, "no list"),
        ([{"metric": {}, "values": [[1, "x"]]}], "no number"),
    ],
)
def test_anything_but_one_series_of_numbers_is_a_bad_answer(result: object, words: str) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        read_values(result)
    assert caught.value.fault is SourceFault.BAD_ANSWER


def test_every_variable_has_a_value_with_and_without_stable() -> None:
    canary, stable = ArmNames("r2", "x-2"), ArmNames("r1", "x-1")
    both = QueryScope(namespace="a", model="m", candidate=canary, stable=stable, interval=60.0)
    alone = QueryScope(namespace="a", model="m", candidate=canary, stable=None, interval=60.0)
    assert set(both.variables(canary)) == set(alone.variables(canary)) == VARIABLES
    promql = '{{ interval }} "{{ revision }} {{ pods }} {{ stableRevision }} {{ candidatePods }}"'
    pods = "-[a-z0-9]+-[a-z0-9]{5}"
    assert render(promql, both.variables(stable)) == (f'60s "r1 (?:x-1){pods} r1 (?:x-2){pods}"')
    nobody = render('"{{ stableRevision }}{{ stablePods }}"', alone.variables(canary))
    assert nobody == '"--"'
