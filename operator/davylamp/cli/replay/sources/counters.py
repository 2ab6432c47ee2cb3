"""Reading raw counters from CSV: `time,pod,revision,requests,errors`, one sample of a pod a line.

Counters are cumulative as a process exports them, times are seconds (epoch or from any moment), and
lines may come in any order. `errors` are part of `requests`.
"""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from davylamp.cli.errors import UsageError
from davylamp.gates import Sample

HEADER: Final = ("time", "pod", "revision", "requests", "errors")
USUAL_INTERVAL: Final = 5.0
"""Seconds between two scrapes where no pod has two samples."""

Pods = Mapping[str, Sequence[Sample]]
"""Samples in order of time, by pod."""


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    pod: str
    revision: str
    sample: Sample


def parse_counters(name: str, text: str) -> Mapping[str, Pods]:
    """Samples by revision and pod.

    Raises:
        UsageError: something is not as the format says; names the file and the line.
    """
    rows = csv.reader(io.StringIO(text))
    header = next(rows, None)
    if header is None:
        raise UsageError(f"{name}:1: the file is empty; the first line is {','.join(HEADER)}")
    if tuple(header) != HEADER:
        wanted, got = ",".join(HEADER), ",".join(header)
        raise UsageError(f"{name}:1: the header must be {wanted}, not {got}")
    lines = [_line(f"{name}:{rows.line_num}", rows.line_num, row) for row in rows if row]
    return _sorted(name, lines)


def of_revision(name: str, counters: Mapping[str, Pods], revision: str) -> Pods:
    """The pods of a revision.

    Raises:
        UsageError: it is not there; names those that are.
    """
    if revision not in counters:
        there = ", ".join(sorted(counters)) or "none at all"
        raise UsageError(f"{name}: there is no revision {revision!r}; there are: {there}")
    return counters[revision]


def scrape_interval(pods: Iterable[Sequence[Sample]]) -> float:
    """Median gap between two samples of a pod, in seconds."""
    gaps = [b.time - a.time for samples in pods for a, b in pairwise(samples)]
    return statistics.median(gaps) if gaps else USUAL_INTERVAL


def _line(where: str, number: int, row: Sequence[str]) -> _Line:
    if len(row) != len(HEADER):
        raise UsageError(f"{where}: {len(row)} fields where there must be {len(HEADER)}")
    time, pod, revision, requests, errors = (field.strip() for field in row)
    for column, value in (("pod", pod), ("revision", revision)):
        if not value:
            raise UsageError(f"{where}: {column} is empty")
    at = _number(where, "time", time)
    counted = (_counter(where, "requests", requests), _counter(where, "errors", errors))
    return _Line(number, pod, revision, Sample(at, *counted))


def _counter(where: str, column: str, text: str) -> float:
    value = _number(where, column, text)
    if value < 0:
        raise UsageError(f"{where}: {column} is negative: {text}")
    return value


def _number(where: str, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"{where}: {column} is not a number: {text!r}")
    return value


def _sorted(name: str, lines: Iterable[_Line]) -> Mapping[str, Pods]:
    known: dict[tuple[str, str, float], _Line] = {}
    for line in lines:
        before = known.setdefault((line.revision, line.pod, line.sample.time), line)
        if before.sample != line.sample:
            raise UsageError(
                f"{name}:{line.number}: pod {line.pod} at {line.sample.time:g} is already in line "
                f"{before.number} with other counters"
            )
    found: dict[str, dict[str, list[Sample]]] = {}
    for key in sorted(known):
        line = known[key]
        found.setdefault(line.revision, {}).setdefault(line.pod, []).append(line.sample)
    return found
