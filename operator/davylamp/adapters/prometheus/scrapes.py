"""Prometheus' answer about counters, read strictly: from series to samples per pod.

How series become samples:

* The series of one target are scraped together and share their timestamps, so at each of them the
  values add up: by what `Channel.role` says they are for.
* A series that is not there at a timestamp of its target counts 0: before its first sample the code
  had not occurred; after its last one the process was restarted and has not answered with that code
  since. The sum then falls, which is how a restart is recognised later.
* A value that is no number (NaN, Inf) or negative spoils its target's scrape, which is left out.
* A pod has one target. When there are two (two jobs scrape the same port, two Prometheus behind one
  query front end), adding them would count every request twice: the first by its labels is taken.
* A histogram that is there in both forms is taken in the classic one: its boundaries are those that
  somebody chose.
* A pod of which only the total is there (a summary instead of a histogram), or that has more parts
  than anything sensible, cannot be compared: it is left out.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from davylamp.adapters.prometheus.native_histograms import LADDERS, Boundaries, counted
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.query_result import (
    Histogram,
    all_series,
    bad_answer,
    has_histograms,
    histograms_of,
    labels_of,
    values_of,
)
from davylamp.gates.channels import Role, boundary
from davylamp.gates.samples import Sample

PodKey: TypeAlias = tuple[str, str]
"""Namespace and name of a pod."""
_Labels: TypeAlias = Mapping[str, str]
_Target: TypeAlias = tuple[str, ...]

PARTS_LIMIT: Final = 256
_TARGET_LABELS: Final = ("job", "instance", "prometheus", "prometheus_replica")


@dataclass(frozen=True, slots=True)
class _Series:
    role: Role
    values: Mapping[float, float]
    is_native: bool = False


def read_scrapes(query: CounterQuery, result: object) -> dict[PodKey, tuple[Sample, ...]]:
    """Samples of each pod in order of time; pods without a usable sample are not in it.

    Args:
        query: what was asked.
        result: `data.result` of the answer, which must be a matrix.

    Raises:
        SourceError: BadAnswer, when it is anything else.
    """
    targets: dict[PodKey, dict[_Target, list[_Series]]] = {}
    for item in all_series(result):
        labels = labels_of(item)
        pod = _pod(query, labels)
        if pod is not None:
            target = tuple(labels.get(name, "") for name in _TARGET_LABELS)
            series = targets.setdefault(pod, {}).setdefault(target, [])
            series.extend(_series(query, labels, item))
    samples = {pod: _samples(query, by_target) for pod, by_target in targets.items()}
    return {pod: scrapes for pod, scrapes in samples.items() if scrapes}


def _pod(query: CounterQuery, labels: _Labels) -> PodKey | None:
    names = query.series
    pod = (labels.get(names.namespace_label, ""), labels.get(names.pod_label, ""))
    return pod if query.owner(*pod) is not None else None


def _series(query: CounterQuery, labels: _Labels, item: object) -> Iterator[_Series]:
    """What is needed of a series; a native histogram comes as the classic one it amounts to."""
    if has_histograms(item):
        ladder = LADDERS.get(query.channel)
        if ladder is None:
            raise bad_answer("histograms came where counters were asked for")
        yield from _unfolded(histograms_of(item), ladder)
        return
    values = values_of(item)
    role = query.channel.role(query.series, labels.get("__name__", ""), labels)
    if role is not None:
        yield _Series(role, values)


def _unfolded(histograms: Mapping[float, Histogram], ladder: Boundaries) -> Iterator[_Series]:
    counts = {time: histogram.count for time, histogram in histograms.items()}
    yield _Series(Role(requests=True, parts=(boundary(math.inf),)), counts, is_native=True)
    below = {time: counted(histogram, ladder) for time, histogram in histograms.items()}
    for place, name in enumerate(ladder.names):
        values = {time: up_to[place] for time, up_to in below.items()}
        yield _Series(Role(parts=(name,)), values, is_native=True)


def _samples(query: CounterQuery, targets: Mapping[_Target, list[_Series]]) -> tuple[Sample, ...]:
    usable = {target: series for target, series in targets.items() if series}
    if not usable:
        return ()
    series = _of_one_form(usable[min(usable)])
    parts = sorted({part for one in series for part in one.role.parts})
    if len(parts) > PARTS_LIMIT or (not parts and query.channel.has_parts):
        return ()
    times = sorted({time for one in series for time in one.values})
    scrapes = (_scrape(series, parts, time) for time in times)
    return tuple(scrape for scrape in scrapes if scrape is not None)


def _of_one_form(series: list[_Series]) -> list[_Series]:
    is_classic = any(one.role.parts and not one.is_native for one in series)
    is_native = not is_classic and any(one.is_native for one in series)
    return [one for one in series if one.is_native == is_native]


def _scrape(series: Iterable[_Series], names: Iterable[str], time: float) -> Sample | None:
    requests, errors, parts = 0.0, 0.0, dict.fromkeys(names, 0.0)
    for one in series:
        value = one.values.get(time, 0.0)
        if not (math.isfinite(value) and value >= 0):
            return None
        requests += value * one.role.requests
        errors += value * one.role.errors
        for name in one.role.parts:
            parts[name] += value
    return Sample(time, requests, errors, parts)
