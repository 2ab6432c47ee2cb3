"""From series per answer code to samples per pod."""

import pytest

from davylamp.adapters.errors import SourceError, SourceFault
from davylamp.adapters.promql import CounterQuery
from davylamp.adapters.scrapes import read_scrapes
from davylamp.gates import Sample

QUERY = CounterQuery(workloads=frozenset({("a", "x-1")}), at=1000.0, window=30.0)
POD = "x-1-7d4b9c-abcde"


def series(code: str, *values: tuple[float, str], pod: str = POD, **labels: str) -> dict:
    metric = {"namespace": "a", "pod": pod, "code": code, **labels}
    return {"metric": metric, "values": [list(value) for value in values]}


def samples(*result: dict) -> list[tuple[float, float, float]]:
    found = read_scrapes(QUERY, list(result))
    assert set(found) <= {("a", POD)}
    return [(s.time, s.requests, s.errors) for s in found.get(("a", POD), ())]


def test_codes_add_up_per_scrape() -> None:
    found = samples(
        series("200", (10.1, "90"), (15.1, "95")),
        series("400", (10.1, "3"), (15.1, "3")),
        series("500", (10.1, "2"), (15.1, "4")),
        series("503", (10.1, "0"), (15.1, "1")),
    )
    assert found == [(10.1, 95, 2), (15.1, 103, 5)]


def test_samples_are_in_order_of_time_and_of_the_gates_own_type() -> None:
    found = read_scrapes(QUERY, [series("200", (15, "95"), (10, "90"))])
    assert found == {("a", POD): (Sample(10.0, 90.0, 0.0), Sample(15.0, 95.0, 0.0))}


def test_a_code_that_appears_later_counts_from_zero() -> None:
    found = samples(series("200", (10, "90"), (15, "95")), series("500", (15, "1")))
    assert found == [(10, 90, 0), (15, 96, 1)]


def test_a_code_that_vanishes_means_a_restart_and_the_sums_fall() -> None:
    found = samples(series("200", (10, "90"), (15, "2")), series("500", (10, "4")))
    assert found == [(10, 94, 4), (15, 2, 0)]


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "-1"])
def test_a_scrape_with_a_senseless_value_is_left_out_as_a_whole(value: str) -> None:
    found = samples(
        series("200", (10, "90"), (15, value), (20, "99")),
        series("500", (10, "1"), (15, "2"), (20, "2")),
    )
    assert found == [(10, 91, 1), (20, 101, 2)]


def test_a_pod_without_a_usable_sample_is_not_there() -> None:
    assert read_scrapes(QUERY, [series("200", (10, "NaN"))]) == {}
    assert read_scrapes(QUERY, []) == {}


def test_a_port_scraped_by_two_jobs_counts_once() -> None:
    found = samples(
        series("200", (11, "91"), job="pods", instance="10.0.0.1:8080"),
        series("200", (10, "90"), job="monitor", instance="10.0.0.1:8080"),
        series("500", (10, "1"), job="monitor", instance="10.0.0.1:8080"),
    )
    assert found == [(10, 91, 1)]


def test_pods_of_others_are_left_out() -> None:
    other = series("200", (10, "7"), pod="x-2-7d4b9c-abcde")
    elsewhere = series("200", (10, "7")) | {"metric": {"namespace": "b", "pod": POD}}
    nameless = {"metric": {}, "values": [[10, "1"]]}
    assert samples(other, elsewhere, nameless) == []


def test_a_code_must_match_as_a_whole_and_no_code_is_no_error() -> None:
    uncoded = series("", (10, "1"))
    del uncoded["metric"]["code"]
    assert samples(series("5000", (10, "1")), series("x500", (10, "1")), uncoded) == [(10, 3, 0)]


@pytest.mark.parametrize(
    "result",
    [
        None,
        "text",
        {"a": 1},
        [1000.0, "0.5"],
        [{"metric": {"namespace": "a", "pod": POD}, "value": [10, "1"]}],
        [{"metric": {"namespace": "a", "pod": POD}, "histograms": []}],
        [{"values": [[10, "1"]]}],
        [{"metric": [], "values": [[10, "1"]]}],
        [{"metric": {"namespace": "a", "pod": POD}, "values": [[10, "ok"]]}],
        [{"metric": {"namespace": "a", "pod": POD}, "values": [[10, 1]]}],
        [{"metric": {"namespace": "a", "pod": POD}, "values": [["10", "1"]]}],
        [{"metric": {"namespace": "a", "pod": POD}, "values": [[10]]}],
        [{"metric": {"namespace": "a", "pod": POD}, "values": ["10"]}],
    ],
)
def test_anything_but_a_matrix_of_numbers_is_a_bad_answer(result: object) -> None:
    with pytest.raises(SourceError) as caught:
        read_scrapes(QUERY, result)
    assert caught.value.fault is SourceFault.BAD_ANSWER
