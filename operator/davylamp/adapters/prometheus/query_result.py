"""Prometheus' answers, taken apart strictly: what is not of the documented shape is a bad answer.

https://prometheus.io/docs/prometheus/latest/querying/api/#expression-query-result-formats
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from davylamp.adapters.errors import SourceError, SourceFault


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many observations lie between two bounds, and no more than that is known of them."""

    lower: float
    upper: float
    count: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """One sample of a native histogram; buckets without observations are not in it."""

    count: float
    buckets: tuple[Bucket, ...]


@dataclass(frozen=True, slots=True)
class CounterSeries:
    """One series and its samples.

    Attributes:
        labels: its labels, the name among them.
        values: samples by time in epoch seconds; they may be NaN.
        histograms: samples by time where the series is a native histogram, else None.
    """

    labels: Mapping[str, str]
    values: Mapping[float, float]
    histograms: Mapping[float, Histogram] | None = None


def result_of(text: bytes) -> object:
    """`data.result` of the text of an answer.

    Raises:
        SourceError: BadAnswer, where there is none.
    """
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):  # also integers of thousands of digits
        answer = None
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict) or "result" not in data:
        raise bad_answer("the answer is no result of a query")
    return data["result"]


def read_matrix(
    result: object, *, is_wanted: Callable[[Mapping[str, str]], bool]
) -> Iterator[CounterSeries]:
    """The series of a matrix of counters.

    Args:
        result: `data.result` of the answer.
        is_wanted: whether a series with these labels is needed; samples of others are not read.

    Raises:
        SourceError: BadAnswer, where the result is anything else.
    """
    for item in all_series(result):
        labels = labels_of(item)
        if not is_wanted(labels):
            continue
        if has_histograms(item):
            yield CounterSeries(labels, {}, histograms_of(item))
        else:
            yield CounterSeries(labels, values_of(item))


def bad_answer(message: str) -> SourceError:
    """The error that tells people what is wrong with an answer."""
    return SourceError(SourceFault.BAD_ANSWER, f"Prometheus: {message}")


def all_series(result: object) -> list[object]:
    """The series of a result."""
    if not isinstance(result, list):
        raise bad_answer("the result is no list")
    return result


def labels_of(series: object) -> dict[str, str]:
    """Labels of a series, its name among them."""
    labels = series.get("metric") if isinstance(series, dict) else None
    if not isinstance(labels, dict):
        raise bad_answer("a series has no labels")
    return {str(name): str(value) for name, value in labels.items()}


def has_histograms(series: object) -> bool:
    """Whether samples of a series are native histograms."""
    return isinstance(series, dict) and "histograms" in series


def values_of(series: object) -> dict[float, float]:
    """Samples of a series of numbers, by time in epoch seconds; they may be NaN."""
    values = series.get("values") if isinstance(series, dict) else None
    if not isinstance(values, list):
        raise bad_answer("a series has no list of samples: the result is no matrix of counters")
    return dict(_value(pair) for pair in values)


def histograms_of(series: object) -> Mapping[float, Histogram]:
    """Samples of a series of native histograms, by time in epoch seconds."""
    histograms = series.get("histograms") if isinstance(series, dict) else None
    if not isinstance(histograms, list):
        raise bad_answer("a series has no list of histograms")
    return dict(_histogram(pair) for pair in histograms)


def _value(pair: object) -> tuple[float, float]:
    match pair:
        case [int() | float() as time, str() as text] if not isinstance(time, bool):
            return _time(time), _number(text)
        case _:
            raise bad_answer("a sample is no pair of time and text")


def _histogram(pair: object) -> tuple[float, Histogram]:
    match pair:
        case [int() | float() as time, {"count": str() as count, **rest}]:
            buckets = rest.get("buckets", [])
            if isinstance(buckets, list):
                return _time(time), Histogram(_number(count), tuple(map(_bucket, buckets)))
        case _:
            pass
    raise bad_answer("a sample is no histogram")


def _bucket(bucket: object) -> Bucket:
    match bucket:
        case [int(), str() as lower, str() as upper, str() as count]:
            return Bucket(_number(lower), _number(upper), _number(count))
        case _:
            raise bad_answer("a bucket is not made of a rule, two bounds and a count")


def _time(time: float) -> float:
    try:
        return float(time)
    except OverflowError:
        raise bad_answer("a sample has no time that there is") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise bad_answer("a sample is no number") from None
