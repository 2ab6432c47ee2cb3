"""Reading raw counters from CSV: `time,pod,revision,requests,errors`, one sample of one pod a line.

Counters are cumulative, as a process exports them. Times are seconds since the epoch or any other
moment. Lines may come in any order. `errors` are included in `requests`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from davylamp.cli.errors import UsageError
from davylamp.cli.replay.measurements import Pods
from davylamp.gates import Sample
from davylamp.gates.recording.csv import CsvError, numbered_records

HEADER: Final = ("time", "pod", "revision", "requests", "errors")


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    pod: str
    revision: str
    sample: Sample


def parse_counters(name: str, text: str) -> Mapping[str, Pods]:
    """Samples by revision and pod.

    Raises:
        UsageError: the file does not follow the format; names file and line.
    """
    try:
        rows = list(numbered_records(text, {HEADER: _columns}))
    except CsvError as error:
        raise UsageError(f"{name}:{error.line}: {error.problem}") from error
    return _sorted(name, [_line(f"{name}:{number}", number, row) for number, row in rows])


def of_revision(name: str, counters: Mapping[str, Pods], revision: str) -> Pods:
    """The pods of a revision.

    Raises:
        UsageError: the file does not have it; names those that it has.
    """
    if revision not in counters:
        revisions = ", ".join(sorted(counters)) or "none"
        raise UsageError(f"{name}: no revision {revision!r} in this file, only: {revisions}")
    return counters[revision]


def _columns(*columns: str) -> tuple[str, ...]:
    return tuple(column.strip() for column in columns)


def _line(where: str, number: int, row: tuple[str, ...]) -> _Line:
    time, pod, revision, requests, errors = row
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
    by_key: dict[tuple[str, str, float], _Line] = {}
    for line in lines:
        before = by_key.setdefault((line.revision, line.pod, line.sample.time), line)
        if before.sample != line.sample:
            raise UsageError(
                f"{name}:{line.number}: pod {line.pod} at {line.sample.time:g} is already in line "
                f"{before.number} with other counters"
            )
    revisions: dict[str, dict[str, list[Sample]]] = {}
    for key in sorted(by_key):
        line = by_key[key]
        revisions.setdefault(line.revision, {}).setdefault(line.pod, []).append(line.sample)
    return revisions
