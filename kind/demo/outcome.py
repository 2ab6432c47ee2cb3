"""What the demo shows: numbers from the answers that clients got, and the promises."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from rich.table import Table

from lab import records
from lab.models import RESOURCE, Event
from lab.records import Record
from localcluster.names import CONTEXT
from localcluster.paths import bin_dir

LATE_SECONDS: Final = 5.0
"""Time allowed from the decision to the fence on a machine that is busy with other work."""


@dataclass(frozen=True)
class Report:
    """All that happened. Times in epoch seconds."""

    bad_tag: str
    good_tag: str
    records: tuple[Record, ...]
    rejection: Mapping[str, Any]
    asked_at: float
    promoted_at: float
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Promise:
    """Something the demo shows, and whether it held."""

    text: str
    kept: bool


def promises(report: Report) -> tuple[Promise, ...]:
    """What has to hold."""
    ours = [r for r in records.bad(report.records) if r.tag != report.bad_tag]
    last = records.last_answer(report.records, report.bad_tag)
    gone = last is not None and last.time <= rolled_back_at(report) + LATE_SECONDS
    served = records.of_tag(report.records, report.good_tag)
    return (
        Promise(f"{report.bad_tag} was rolled back automatically", bool(report.rejection)),
        Promise(f"{report.bad_tag} answered no request after that", gone),
        Promise("no request was lost", not records.lost(report.records)),
        Promise("every error came from the bad model", not ours),
        Promise(f"{report.good_tag} was promoted and serves", bool(served)),
    )


def rolled_back_at(report: Report) -> float:
    """When the decision was taken, from the status."""
    return datetime.fromisoformat(str(report.rejection["at"])).timestamp()


def table(report: Report) -> Table:
    """The numbers people ask for."""
    drawn = Table(title="what happened", title_justify="left", show_header=False)
    drawn.add_column(style="bold", overflow="fold")
    drawn.add_column(overflow="fold")
    for name, value in rows(report):
        drawn.add_row(name, value)
    return drawn


def rows(report: Report) -> list[tuple[str, str]]:
    """Name and value of every number."""
    seconds = records.bad_seconds(report.records, report.bad_tag)
    wrong = records.bad(records.of_tag(report.records, report.bad_tag))
    lost = records.lost(report.records)
    last = records.last_answer(report.records, report.bad_tag)
    fence = last.time - rolled_back_at(report) if last else 0.0
    rejection = report.rejection
    return [
        ("rollback, first bad answer to last", _seconds(seconds)),
        ("of that, decision to last answer", f"{max(fence, 0.0):.2f} s"),
        ("bad answers served", f"{len(wrong)} of {len(report.records):,} requests"),
        ("requests lost", str(len(lost))),
        (
            f"{report.bad_tag} rolled back because",
            f"{rejection['reason']}: {rejection['message']}",
        ),
        (f"{report.good_tag} promoted in", f"{report.promoted_at - report.asked_at:.0f} s"),
        (f"{report.good_tag} because", _last(report.events, "Promoted")),
    ]


def next_line(name: str, namespace: str) -> str:
    """The command to type next."""
    program = shutil.which("kubectl") or shutil.which("kubectl", path=os.fspath(bin_dir()))
    kubectl = "kubectl" if shutil.which("kubectl") else program or "kubectl"
    return (
        f"Next: {kubectl} --context {CONTEXT} -n {namespace} describe {RESOURCE}/{name}"
        "   (make demo-clean removes it, make cluster-down deletes the cluster)"
    )


def _seconds(value: float | None) -> str:
    return "no bad answer" if value is None else f"{value:.1f} s"


def _last(events: tuple[Event, ...], reason: str) -> str:
    matching = [event for event in events if event.reason == reason]
    return f"{reason}: {matching[-1].message}" if matching else "-"
