"""Rollback on a real cluster with real traffic, beside what the peers needed.

    PYTHONPATH=operator:kind:. python -m bench.rollback [--runs 3] [--only bad,abort,healthy,outage]

Needs the local cluster with the operator installed (`make install`) and nothing else running on it:
the runs share two cores with the control plane. Rollout settings are the defaults, except in the
outage (holds of 30 s, so that both steps would end while Prometheus is away). Bad canaries run a
second time in the fast lane, where the operator reads the pods itself.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, TypeVar

from bench.rollback import peers, runs
from bench.rollback.measures import Abort, Incident
from bench.rollback.runs import Healthy, Outage
from bench.rollback.stage import stage
from rich.console import Console
from rich.table import Table

KINDS = ("bad", "abort", "healthy", "outage")
ERROR_RATES = (0.2, 1.0)
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "Davylamp default": {},
    "Davylamp fast lane": {"evidence": {"source": "Pods", "interval": "1s"}},
}
"""What is set of `spec.rollout`, by the heading of its column."""
UNMEASURED = "-"
T = TypeVar("T", Incident, Abort, Healthy, Outage)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for and print the table."""
    options = _options(arguments)
    tags = sample_tags()
    console = Console(width=180)
    leader = runs.operator_is_one()
    table = _table()
    kinds: dict[str, Callable[[], None]] = {
        "bad": lambda: bad(table, tags, options.runs),
        "abort": lambda: aborts(table, tags, options.runs),
        "outage": lambda: outage(table, tags),
        "healthy": lambda: healthy(table, tags, options.healthy, 60 * options.minutes),
    }
    for kind, run in kinds.items():
        if kind in options.only:
            run()
    console.print(table)
    if runs.operator_is_one() != leader:
        console.print("another operator pod leads than at the beginning: a disturbed measurement")
        return 1
    return 0


def bad(table: Table, tags: Mapping[str, str], count: int) -> None:
    """Bad canaries, at each error rate and setting."""
    with stage("bench-rollback-bad", tags) as at:
        for rate in ERROR_RATES:
            title = f"{rate:.0%} errors"
            found = [
                [_told(f"{name}, {title}", runs.bad_canary(at, rate, said)) for _ in range(count)]
                for name, said in SETTINGS.items()
            ]
            _incident_rows(table, title, found, with_peers=rate == ERROR_RATES[0])


def aborts(table: Table, tags: Mapping[str, str], count: int) -> None:
    """Aborts by a person."""
    with stage("bench-rollback-abort", tags) as at:
        found = [_told("abort", runs.aborted_canary(at)) for _ in range(count)]
    stored = spread([a.stored_to_silence for a in found], 2)
    _default_row(table, "abort stored to last canary answer, s", stored, *peers.ABORT_SECONDS)
    fence = spread([a.stored_to_fence for a in found], 2)
    _default_row(table, "  stored to selector written, s", fence)
    typed = spread([a.typed_to_silence for a in found], 2)
    _default_row(table, "  kubectl annotate typed to last canary answer, s", typed)
    _default_row(table, "  requests lost", spread([a.lost for a in found], 0))


def healthy(table: Table, tags: Mapping[str, str], count: int, seconds: float) -> None:
    """Healthy canaries, side by side."""
    names = [f"bench-rollback-healthy-{number}" for number in range(1, count + 1)]
    with ThreadPoolExecutor(max_workers=max(1, count)) as pool:
        found = list(pool.map(lambda n: runs.healthy_canary(n, tags, seconds=seconds), names))
    for each in found:
        _told("healthy", each)
    back = sum(each.rolled_back for each in found)
    share = f"{back} of {len(found)} taken back"
    _default_row(table, "healthy canary, 0.5 % errors, limit 1 %", share, *peers.HEALTHY)
    _default_row(table, "  seconds watched", spread([each.seconds for each in found], 0))


def outage(table: Table, tags: Mapping[str, str]) -> None:
    """Prometheus away for a minute in a healthy canary."""
    found = _told("outage", runs.outage("bench-rollback-outage", tags))
    held = found.steps_during == {found.steps_before} and not found.rolled_back
    word = f"held ({found.reason})" if held else "NOT HELD"
    _default_row(table, "Prometheus away for 60 s, healthy canary", word, *peers.OUTAGE)
    after = found.promoted_after
    _default_row(
        table, "  its return to promotion, s", "never" if after is None else f"{after:.0f}"
    )
    _default_row(table, "  requests lost in all", str(found.lost))


def sample_tags() -> dict[str, str]:
    """Image tags of the sample model by release, as the images were built."""
    command = [sys.executable, "sample_model/build.py", "--print"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    pairs = (line.partition("=") for line in told.split())
    return {release: tag for release, _, tag in pairs}


def spread(values: Sequence[float], digits: int) -> str:
    """Median and range."""
    low, high = min(values), max(values)
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def _incident_rows(
    table: Table, title: str, found: Sequence[Sequence[Incident]], *, with_peers: bool
) -> None:
    """Rows about bad canaries, `found` by setting."""
    seconds = peers.BAD_SECONDS if with_peers else ()
    answers = peers.BAD_ANSWERS if with_peers else ()

    def row(told: str, of: Callable[[Incident], float], digits: int, *others: str) -> None:
        table.add_row(told, *(spread([*map(of, each)], digits) for each in found), *others)

    row(f"{title}: first bad answer to last, s", lambda i: i.first_bad_to_last, 1, *seconds)
    row("  bad answers", lambda i: i.bad_answers, 0, *answers)
    row("  requests lost", lambda i: i.lost, 0)
    row("  first bad answer to decision, s", lambda i: i.to_decision, 1)
    row("  decision to selector written, s", lambda i: i.to_fence, 2)
    row("  selector written to last canary answer, s", lambda i: i.to_silence, 2)


def _default_row(table: Table, told: str, value: str, *others: str) -> None:
    """A row about what was measured with default settings alone."""
    table.add_row(told, value, *[UNMEASURED] * (len(SETTINGS) - 1), *others)


def _table() -> Table:
    table = Table(title="rollback: median (range)", title_justify="left")
    for heading in ("", *SETTINGS, *peers.NAMES):
        table.add_column(heading)
    return table


def _told(kind: str, result: T) -> T:
    values = ", ".join(f"{name}={value}" for name, value in asdict(result).items())
    print(f"{time.strftime('%H:%M:%S')} {kind}: {values}", flush=True)
    return result


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.rollback", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="bad canaries and aborts of each kind")
    parser.add_argument("--healthy", type=int, default=2, help="healthy canaries side by side")
    parser.add_argument("--minutes", type=float, default=3, help="how long those are watched")
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=KINDS,
        help=f"some of {','.join(KINDS)}",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
