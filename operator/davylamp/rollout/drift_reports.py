"""The report of a run of the nightly job: an exit code and one JSON object, both by contract.

The text comes out of a user's container: whatever it holds, it is read without an exception, and
nothing of it is repeated but numbers.
"""

import json
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from davylamp.rollout.wording import kubectl
from davylamp.schema.json import Json, JsonObject, field
from davylamp.schema.pseudonyms import pseudonym
from davylamp.schema.text import one_line

DriftVerdict: TypeAlias = Literal["Stable", "Drifted", "Undecided", "Failed"]
FORMAT: Final = "davylamp.dev/drift/v1"
DRIFT_EXIT_CODE: Final = 3
LONGEST_REPORT: Final = 16 * 1024
"""Characters of a report that is read. Kubelets keep 12 KiB of all containers of a pod, but whoever may
write a pod's status may write more."""
LONGEST_MESSAGE: Final = 600
MOST_ROWS: Final = 10**12
_VERDICTS: Final[dict[str, DriftVerdict]] = {v: v for v in ("Stable", "Drifted", "Undecided")}


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a Job ended, as Kubernetes reports it."""

    job: str
    revision: str
    at: datetime
    namespace: str = ""
    exit_code: int | None = None
    """None when no pod of it is left, or its container never ran."""
    text: str = ""
    """Termination message of the container."""
    why: str = ""
    """Kubernetes' own reason for a Job or a container that failed."""
    image: str | None = None
    """What was pulled, by its registry's digest; None where it was not, or by no digest."""


@dataclass(frozen=True, slots=True)
class DriftResult:
    """The result of one run. `Failed` says nothing about the model."""

    job: str
    revision: str
    at: datetime
    verdict: DriftVerdict
    message: str
    distance: str | None = None
    limit: str | None = None
    image: str | None = None
    """What was pulled, by its registry's digest."""


def result_of(end: JobEnd) -> DriftResult:
    """The result of a Job that ended; `Failed` with the reason when it did not keep the contract."""
    if end.exit_code not in {0, DRIFT_EXIT_CODE}:
        code = "no exit code" if end.exit_code is None else f"exit code {end.exit_code}"
        return _failed(end, ": ".join(filter(None, (code, end.why))))
    report = _report(end.text)
    if report is None:
        return _failed(end, f"exit code {end.exit_code} without a report in {FORMAT}")
    answer = report.get("verdict")
    verdict = _VERDICTS.get(answer) if isinstance(answer, str) else None
    if verdict is None or (verdict == "Drifted") != (end.exit_code == DRIFT_EXIT_CODE):
        of = f"verdict {verdict}" if verdict else "verdict, which is none of the contract"
        return _failed(end, f"exit code {end.exit_code} does not fit its {of}")
    distance, limit = _share(report.get("distance")), _share(report.get("limit"))
    return DriftResult(
        job=end.job,
        revision=end.revision,
        at=end.at,
        verdict=verdict,
        message=_numbers(report, distance, limit),
        distance=distance,
        limit=limit,
        image=end.image,
    )


def _failed(end: JobEnd, message: str) -> DriftResult:
    message = one_line(message, limit=LONGEST_MESSAGE)
    if end.exit_code is not None:  # else there is no pod, and no log
        message = f"{message}; see {kubectl(f'logs job/{end.job}', end.namespace)}"
    return DriftResult(
        job=end.job,
        revision=end.revision,
        at=end.at,
        verdict="Failed",
        message=message,
        image=end.image,
    )


def _numbers(report: JsonObject, distance: str | None, limit: str | None) -> str:
    """The numbers of a report in our own words: its sentence and its names may be anything."""
    parts = [
        f"distance {distance or 'not measured'}, limit {limit or 'not said'}",
        _rows(report.get("rows")),
        _largest(report.get("largest")),
    ]
    return ", ".join(filter(None, parts))


def _rows(value: Json) -> str:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_ROWS
    return f"{value} rows" if is_count else ""


def _largest(value: Json) -> str:
    """Which feature moved most, by its pseudonym."""
    name, before, now = (field(value, key) for key in ("feature", "baseline", "recent"))
    trained, recent = _share(before), _share(now)
    if not isinstance(name, str) or not name or trained is None or recent is None:
        return ""
    return f"most of all feature {pseudonym(name)}: {recent} against {trained} in training"


def _report(text: str) -> JsonObject | None:
    """The report in a termination message; None when it is none."""
    if len(text) > LONGEST_REPORT:
        return None
    try:
        report = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return report if isinstance(report, dict) and report.get("format") == FORMAT else None


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def _share(value: Json) -> str | None:
    """A number in [0, 1] as text, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value <= 1 or not math.isfinite(value):
        return None
    return f"{value:.4g}"
