"""From series of counters to samples per pod, whoever read them: Prometheus or the operator itself.

How series become samples:

* The series of one target are scraped together and share their timestamps, so at each of them the
  values add up: by what `Channel.role` says they are for.
* A series that is not there at a timestamp of its target counts 0: before its first sample the code
  had not occurred; after its last one the process was restarted and has not answered with that code
  since. The sum then falls, which is how a restart is recognised later.
* A value that is no number (NaN, Inf) or negative spoils its target's scrape, which is left out.
* A pod has one target at a time: see `targets`.
* A histogram that is there in both forms is taken in the classic one: its boundaries are those that
  somebody chose.
* A pod of which only the total is there (a summary instead of a histogram), or that has more parts
  than anything sensible, cannot be compared: it is left out.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from davylamp.adapters.pod_names import PodRef
from davylamp.adapters.prometheus.native_histograms import LADDERS, Boundaries, counted
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.query_result import (
    CounterSeries,
    Histogram,
    bad_answer,
    read_matrix,
)
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.adapters.prometheus.targets import of_one_target
from davylamp.gates.channels import Channel, Role, boundary
from davylamp.gates.samples import LARGEST_COUNTER, Sample

PARTS_LIMIT: Final = 256
NUMBERS_LIMIT: Final = 50_000
"""Numbers that the samples of one pod and channel are made of: a quarter of an hour of 50 parts, scraped
each second. A few bytes of text may stand for many of them."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Numbers of a series, and what they are added to."""

    role: Role
    values: Mapping[float, float]
    is_native: bool = False


def read_scrapes(query: CounterQuery, result: object) -> dict[PodRef, tuple[Sample, ...]]:
    """Samples of each pod in order of time; pods without a usable sample are not in it.

    Args:
        query: what was asked.
        result: `data.result` of the answer, which must be a matrix.

    Raises:
        SourceError: BadAnswer, when it is anything else, or a pod is scraped twice.
    """
    names, by_pod = query.series, dict[PodRef, list[CounterSeries]]()

    def pod_of(labels: Mapping[str, str]) -> PodRef:
        return labels.get(names.namespace_label, ""), labels.get(names.pod_label, "")

    for series in read_matrix(result, is_wanted=lambda labels: bool(query.owner(*pod_of(labels)))):
        by_pod.setdefault(pod_of(series.labels), []).append(series)
    samples = {
        pod: samples_of(query.channel, of_one_target(query, group), names=names)
        for pod, group in by_pod.items()
    }
    return {pod: scrapes for pod, scrapes in samples.items() if scrapes}


def samples_of(
    channel: Channel, series: Iterable[CounterSeries], *, names: SeriesNames
) -> tuple[Sample, ...]:
    """Samples of one target in order of time, of all its series of a channel.

    Raises:
        SourceError: BadAnswer, where a series is none that can be counted.
    """
    parts = [part for item in series for part in _parts(channel, item, names)]
    return _added_up(channel, parts) if parts else ()


def _parts(channel: Channel, series: CounterSeries, names: SeriesNames) -> Iterator[_Part]:
    """What is needed of a series; a native histogram comes as the classic one it amounts to."""
    if series.histograms is not None:
        ladder = LADDERS.get(channel)
        if ladder is None:
            raise bad_answer("histograms came where counters were asked for")
        if len(series.histograms) * (2 + len(ladder.names)) <= NUMBERS_LIMIT:
            yield from _unfolded(series.histograms, ladder)
        return
    part = channel.role(names, series.labels.get("__name__", ""), series.labels)
    if part is not None:
        yield _Part(part, series.values)


def _unfolded(histograms: Mapping[float, Histogram], ladder: Boundaries) -> Iterator[_Part]:
    counts = {time: histogram.count for time, histogram in histograms.items()}
    yield _Part(Role(requests=True, parts=(boundary(math.inf),)), counts, is_native=True)
    below = {time: counted(histogram, ladder) for time, histogram in histograms.items()}
    for place, name in enumerate(ladder.names):
        values = {time: up_to[place] for time, up_to in below.items()}
        yield _Part(Role(parts=(name,)), values, is_native=True)


def _added_up(channel: Channel, parts: list[_Part]) -> tuple[Sample, ...]:
    """The samples of one target."""
    chosen = _of_one_form(parts)
    names = sorted({name for part in chosen for name in part.role.parts})
    if len(names) > PARTS_LIMIT or (not names and channel.has_parts):
        return ()
    times = sorted({time for part in chosen for time in part.values})
    if len(times) * (2 + len(names)) > NUMBERS_LIMIT:
        return ()
    totals = {time: _Totals(dict.fromkeys(names, 0.0)) for time in times}
    for part in chosen:
        for time, value in part.values.items():
            totals[time].add(part.role, value)
    return tuple(
        Sample(time, total.requests, total.errors, total.counts)
        for time, total in totals.items()
        if total.is_usable
    )


@dataclass(slots=True)
class _Totals:
    """What the series of one target add up to at one time; a series that is not there adds nothing."""

    counts: dict[str, float]
    requests: float = 0.0
    errors: float = 0.0
    is_usable: bool = True

    def add(self, role: Role, value: float) -> None:
        """Add the value of a series; one that is no count spoils the scrape."""
        if not 0 <= value <= LARGEST_COUNTER:
            self.is_usable = False
            return
        self.requests += value * role.requests
        self.errors += value * role.errors
        for name in role.parts:
            self.counts[name] += value


def _of_one_form(parts: list[_Part]) -> list[_Part]:
    is_classic = any(part.role.parts and not part.is_native for part in parts)
    is_native = not is_classic and any(part.is_native for part in parts)
    return [part for part in parts if part.is_native == is_native]
