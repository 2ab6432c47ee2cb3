"""Prometheus' answer, read strictly: from series per answer code to samples per pod.

How series become samples:

* The series of one target are scraped together and share their timestamps, so at each of them the
  values add up: all codes to requests, error codes to errors.
* A series that is not there at a timestamp of its target counts 0: before its first sample the code
  had not occurred; after its last one the process was restarted and has not answered with that code
  since. The sum then falls, which is how a restart is recognised later.
* A value that is no number (NaN, Inf) or negative spoils its target's scrape, which is left out.
* A pod has one target. When two are seen (two jobs scrape the same port, two Prometheus behind one
  query front end), adding them would count every request twice: the first by its labels is taken.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from davylamp.adapters.errors import SourceError, SourceFault
from davylamp.adapters.promql import CounterQuery
from davylamp.gates.samples import Sample

PodKey: TypeAlias = tuple[str, str]
"""Namespace and name of a pod."""

_TARGET_LABELS: Final = ("job", "instance", "prometheus", "prometheus_replica")


@dataclass(frozen=True, slots=True)
class _Series:
    pod: PodKey
    target: tuple[str, ...]
    is_error: bool
    values: Mapping[float, float]


def read_scrapes(query: CounterQuery, result: object) -> dict[PodKey, tuple[Sample, ...]]:
    """Samples of each pod in order of time; pods without a usable sample are not in it.

    Args:
        query: what was asked.
        result: `data.result` of the answer, which must be a matrix.

    Raises:
        SourceError: BadAnswer, when it is anything else.
    """
    if not isinstance(result, list):
        raise _bad("the result is no list")
    targets: dict[PodKey, dict[tuple[str, ...], list[_Series]]] = {}
    for series in _all_series(query, result):
        targets.setdefault(series.pod, {}).setdefault(series.target, []).append(series)
    samples = {pod: _added_up(found[min(found)]) for pod, found in targets.items()}
    return {pod: scrapes for pod, scrapes in samples.items() if scrapes}


def _all_series(query: CounterQuery, result: Iterable[object]) -> Iterable[_Series]:
    is_error = re.compile(query.error_codes).fullmatch
    for item in result:
        labels = _labels(item)
        pod = (
            labels.get(query.namespace_label, ""),
            labels.get(query.pod_label, ""),
        )
        if query.owner(*pod) is None:
            continue
        yield _Series(
            pod=pod,
            target=tuple(labels.get(name, "") for name in _TARGET_LABELS),
            is_error=is_error(labels.get(query.code_label, "")) is not None,
            values=_values(item),
        )


def _added_up(target: list[_Series]) -> tuple[Sample, ...]:
    times = sorted({time for series in target for time in series.values})
    scrapes = (_scrape(target, time) for time in times)
    return tuple(scrape for scrape in scrapes if scrape is not None)


def _scrape(target: list[_Series], time: float) -> Sample | None:
    values = [(series.is_error, series.values.get(time, 0.0)) for series in target]
    if not all(math.isfinite(value) and value >= 0 for _, value in values):
        return None
    requests = sum(value for _, value in values)
    errors = sum(value for is_error, value in values if is_error)
    return Sample(time, requests, errors)


def _labels(item: object) -> dict[str, str]:
    labels = item.get("metric") if isinstance(item, dict) else None
    if not isinstance(labels, dict):
        raise _bad("a series has no labels")
    return {str(name): str(value) for name, value in labels.items()}


def _values(item: object) -> dict[float, float]:
    values = item.get("values") if isinstance(item, dict) else None
    if not isinstance(values, list):
        raise _bad("a series has no list of samples: the result is no matrix of counters")
    return dict(_value(pair) for pair in values)


def _value(pair: object) -> tuple[float, float]:
    match pair:
        case [int() | float() as time, str() as text] if not isinstance(time, bool):
            try:
                return float(time), float(text)
            except ValueError:
                raise _bad("a sample is no number") from None
        case _:
            raise _bad("a sample is no pair of time and text")


def _bad(message: str) -> SourceError:
    return SourceError(SourceFault.BAD_ANSWER, f"Prometheus: {message}")
