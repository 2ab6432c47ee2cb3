"""The report of a run of the nightly job: an exit code and one JSON object, both by contract.

The text comes out of a user's container: whatever it holds, it is read without an exception and
shown within bounds.
"""

import json
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from davylamp.schema.json import Json, JsonObject
from davylamp.schema.text import one_line

DriftVerdict: TypeAlias = Literal["Stable", "Drifted", "Undecided", "Failed"]
FORMAT: Final = "davylamp.dev/drift/v1"
DRIFT_EXIT_CODE: Final = 3
LONGEST_MESSAGE: Final = 600
LOG_SHOWN: Final = 200
VERDICT_SHOWN: Final = 40
_VERDICTS: Final[dict[str, DriftVerdict]] = {v: v for v in ("Stable", "Drifted", "Undecided")}


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a Job ended, as Kubernetes reports it."""

    job: str
    revision: str
    at: datetime
    exit_code: int | None = None
    """None when no pod of it is left, or its container never ran."""
    text: str = ""
    """Termination message of the container."""
    why: str = ""
    """Kubernetes' own words about a Job or a container that failed."""
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
        return _failed(end, _why_broken(end))
    report = _report(end.text)
    if report is None:
        return _failed(end, f"exit code {end.exit_code} without a report in {FORMAT}")
    answer = report.get("verdict")
    verdict = _VERDICTS.get(answer) if isinstance(answer, str) else None
    if verdict is None or (verdict == "Drifted") != (end.exit_code == DRIFT_EXIT_CODE):
        shown = one_line(str(answer), limit=VERDICT_SHOWN)
        return _failed(end, f"exit code {end.exit_code} does not fit its verdict {shown!r}")
    distance, limit = _share(report.get("distance")), _share(report.get("limit"))
    return DriftResult(
        job=end.job,
        revision=end.revision,
        at=end.at,
        verdict=verdict,
        message=_message(report) or f"distance {distance}, limit {limit}",
        distance=distance,
        limit=limit,
        image=end.image,
    )


def _failed(end: JobEnd, message: str) -> DriftResult:
    return DriftResult(
        job=end.job,
        revision=end.revision,
        at=end.at,
        verdict="Failed",
        message=message,
        image=end.image,
    )


def _why_broken(end: JobEnd) -> str:
    """What a broken job reported, else the end of its log, where a traceback has its point."""
    code = "no exit code" if end.exit_code is None else f"exit code {end.exit_code}"
    report = _report(end.text)
    detail = _message(report) if report else _last_lines(end.text)
    message = ": ".join(part for part in (code, end.why, detail) if part)
    return one_line(message, limit=LONGEST_MESSAGE)


def _last_lines(text: str) -> str:
    """As many whole lines from the end as are short enough to be read."""
    kept = ""
    for line in reversed(text.splitlines()):
        longer = one_line(f"{line} {kept}", limit=LONGEST_MESSAGE)
        if kept and len(longer) > LOG_SHOWN:
            break
        kept = longer
    return kept


def _report(text: str) -> JsonObject | None:
    """The report in a termination message; None when it is none."""
    try:
        report = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return report if isinstance(report, dict) and report.get("format") == FORMAT else None


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def _message(report: JsonObject) -> str:
    text = report.get("message")
    return one_line(text, limit=LONGEST_MESSAGE) if isinstance(text, str) else ""


def _share(value: Json) -> str | None:
    """A number in [0, 1] as text, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value <= 1 or not math.isfinite(value):
        return None
    return f"{value:.4g}"
