"""From series per answer code to samples per pod."""

import pytest

from davylamp.adapters.errors import SourceError, SourceFault
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.scrapes import PARTS_LIMIT, read_scrapes
from davylamp.gates import ERRORS, GROUPS, LATENCY, SCORES, SHARES, Channel
from davylamp.gates.samples import Sample
from davylamp.schema.pseudonyms import pseudonym

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


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "-1", "1e20", "1.7e308"])
def test_a_scrape_with_a_senseless_value_is_left_out_as_a_whole(value: str) -> None:
    found = samples(
        series("200", (10, "90"), (15, value), (20, "99")),
        series("500", (10, "1"), (15, "2"), (20, "2")),
    )
    assert found == [(10, 91, 1), (20, 101, 2)]


def test_a_pod_without_a_usable_sample_is_not_there() -> None:
    assert read_scrapes(QUERY, [series("200", (10, "NaN"))]) == {}
    assert read_scrapes(QUERY, []) == {}


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


def read(channel: Channel, *result: dict) -> list[Sample]:
    query = CounterQuery(
        workloads=frozenset({("a", "x-1")}), at=1000.0, window=30.0, channel=channel
    )
    return list(read_scrapes(query, list(result)).get(("a", POD), ()))


def named(name: str, *values: tuple[float, str], **labels: str) -> dict:
    metric = {"__name__": name, "namespace": "a", "pod": POD, **labels}
    return {"metric": metric, "values": [list(value) for value in values]}


def native(*samples: tuple[float, dict], **labels: str) -> dict:
    metric = {"__name__": "model_request_seconds", "namespace": "a", "pod": POD, **labels}
    return {"metric": metric, "histograms": [list(sample) for sample in samples]}


def histogram(*buckets: tuple[str, str, str], count: str | None = None) -> dict:
    total = str(sum(float(number) for *_, number in buckets))
    told = {"count": count or total, "sum": "1"}
    return told | ({"buckets": [[0, *bucket] for bucket in buckets]} if buckets else {})


CLASSIC = (
    named("model_request_seconds_bucket", (10, "3"), (15, "4"), le="0.1", route="predict"),
    named("model_request_seconds_bucket", (10, "5"), (15, "7"), le="1", route="predict"),
    named("model_request_seconds_bucket", (10, "6"), (15, "9"), le="+Inf", route="predict"),
    named("model_request_seconds_count", (10, "6"), (15, "9"), route="predict"),
)


def test_a_classic_histogram_is_read_up_to_each_of_its_boundaries() -> None:
    assert read(LATENCY, *CLASSIC) == [
        Sample(10.0, 6.0, 0.0, {"0.1": 3.0, "1.0": 5.0, "+Inf": 6.0}),
        Sample(15.0, 9.0, 0.0, {"0.1": 4.0, "1.0": 7.0, "+Inf": 9.0}),
    ]


def test_a_boundary_is_the_same_however_clients_write_it() -> None:
    (found,) = read(
        LATENCY,
        named("model_request_seconds_bucket", (10, "1"), le="1", method="a"),
        named("model_request_seconds_bucket", (10, "2"), le="1.0", method="b"),
        named("model_request_seconds_bucket", (10, "4"), le="1e0", method="c"),
        named("model_request_seconds_count", (10, "7")),
    )
    assert (found.requests, found.parts) == (7.0, {"1.0": 7.0})


@pytest.mark.parametrize("le", ["", "wide", "NaN", "-Inf"])
def test_a_bucket_without_a_boundary_is_none(le: str) -> None:
    found = read(LATENCY, *CLASSIC, named("model_request_seconds_bucket", (10, "1"), le=le))
    assert sorted(found[0].parts) == ["+Inf", "0.1", "1.0"]


def test_one_bucket_without_a_number_spoils_the_scrape() -> None:
    spoilt = named("model_request_seconds_bucket", (10, "NaN"), (15, "1"), le="0.01")
    assert [sample.time for sample in read(LATENCY, *CLASSIC, spoilt)] == [15.0]


def test_a_summary_instead_of_a_histogram_says_nothing() -> None:
    quantile = named("model_request_seconds", (10, "0.2"), quantile="0.9")
    count = named("model_request_seconds_count", (10, "5"))
    assert read(LATENCY, quantile, count) == []


def test_a_native_histogram_is_counted_up_to_fixed_boundaries() -> None:
    (sample,) = read(
        LATENCY,
        native((10, histogram(("0.0625", "0.0743", "2"), ("0.46", "0.5", "1"), ("64", "70", "1")))),
    )
    parts = sample.parts
    assert sample.requests == parts["+Inf"] == 4
    assert (parts["0.0625"], parts["0.0883883"], parts["0.353553"]) == (0, 2, 2)
    assert (parts["0.5"], parts["64.0"]) == (3, 3)
    assert len(parts) == 33 + 1


def test_the_boundaries_stay_whatever_buckets_are_empty() -> None:
    first, second, third = read(
        LATENCY,
        native(
            (10, histogram()),
            (15, histogram(("0.5", "0.545", "1"))),
            (20, histogram(("0.0883883476483184", "0.105", "2"), ("0.5", "0.70710678", "3"))),
        ),
    )
    assert set(first.parts) == set(second.parts) == set(third.parts)
    assert set(first.parts.values()) == {0.0}
    for name, number in second.parts.items():
        assert third.parts[name] >= number
    assert (third.parts["0.125"], third.parts["0.5"], third.parts["1.0"]) == (2, 2, 5)


def test_several_native_histograms_of_a_pod_add_up() -> None:
    (sample,) = read(
        LATENCY,
        native((10, histogram(("0.25", "0.35", "1"))), method="get"),
        native((10, histogram(("0.5", "0.7", "2"))), method="post"),
    )
    assert (sample.requests, sample.parts["0.5"], sample.parts["1.0"]) == (3, 1, 3)


def test_a_bucket_across_a_boundary_leaves_the_scrape_out() -> None:
    found = read(
        LATENCY,
        native((10, histogram(("0.25", "0.5", "1"))), (15, histogram(("0.25", "0.2726", "1")))),
    )
    assert [sample.time for sample in found] == [15.0]


def test_classic_buckets_win_where_both_forms_are_there() -> None:
    both = (*CLASSIC, native((10, histogram(("0.25", "0.35", "1000")))))
    assert read(LATENCY, *both) == read(LATENCY, *CLASSIC)


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"count": 5},
        {"count": "many"},
        {"count": "1", "buckets": "all"},
        {"count": "1", "buckets": [[0, "1", "2"]]},
        {"count": "1", "buckets": [[0, 1, 2, 3]]},
        {"count": "1", "buckets": [["0", "1", "2", "3"]]},
        {"count": "1", "buckets": [[0, "low", "2", "3"]]},
        [],
        "text",
        None,
    ],
)
def test_a_malformed_histogram_is_a_bad_answer(broken: object) -> None:
    with pytest.raises(SourceError) as caught:
        read(LATENCY, native((10, broken)))
    assert caught.value.fault is SourceFault.BAD_ANSWER


@pytest.mark.parametrize("channel", [ERRORS, SHARES, GROUPS])
def test_histograms_instead_of_counters_are_a_bad_answer(channel: Channel) -> None:
    with pytest.raises(SourceError) as caught:
        read(channel, native((10, histogram())))
    assert caught.value.fault is SourceFault.BAD_ANSWER


def test_scores_have_boundaries_of_their_own() -> None:
    scores = native((10, histogram(("-3", "-2.9", "1"), ("256", "260", "2"))))
    scores["metric"]["__name__"] = "model_prediction_score"
    (sample,) = read(SCORES, scores)
    assert (sample.parts["0.0009765625"], sample.parts["256.0"], sample.parts["512.0"]) == (1, 1, 3)


def test_shares_are_summed_by_feature() -> None:
    assert read(
        SHARES,
        named("model_explanation_share_sum", (10, "1.5"), feature="bmi"),
        named("model_explanation_share_sum", (10, "2.5"), feature='s"5/{}\n'),
        named("model_explanation_share_count", (10, "4")),
    ) == [Sample(10.0, 4.0, 0.0, {pseudonym("bmi"): 1.5, pseudonym('s"5/{}\n'): 2.5})]


def test_groups_have_rows_failures_answers_and_positive_ones() -> None:
    (sample,) = read(
        GROUPS,
        named("model_group_requests_total", (10, "8"), group="1", code="200"),
        named("model_group_requests_total", (10, "2"), group="1", code="500"),
        named("model_group_requests_total", (10, "5"), group="other", code="200"),
        named("model_group_predictions_total", (10, "3"), group="1", outcome="high"),
        named("model_group_predictions_total", (10, "5"), group="1", outcome="low"),
        named("model_group_predictions_total", (10, "5"), group="other", outcome="low"),
        named("model_group_predictions_total", (10, "9"), outcome="high"),
    )
    assert sample.requests == 15
    one, other = pseudonym("1"), pseudonym("other")
    assert sample.parts == {
        f"{one}/rows": 10,
        f"{one}/failed": 2,
        f"{one}/answered": 8,
        f"{one}/positive": 3,
        f"{other}/rows": 5,
        f"{other}/answered": 5,
    }


def test_a_pod_with_senselessly_many_parts_is_left_out() -> None:
    def shares(features: int) -> list[dict]:
        sums = [
            named("model_explanation_share_sum", (10, "1"), feature=f"f{n}")
            for n in range(features)
        ]
        return [*sums, named("model_explanation_share_count", (10, "4"))]

    assert len(read(SHARES, *shares(PARTS_LIMIT))[0].parts) == PARTS_LIMIT
    assert read(SHARES, *shares(PARTS_LIMIT + 1)) == []
