"""Rollback on a real cluster with real traffic, beside what the peers needed.

    PYTHONPATH=operator:kind:. python -m bench.rollback [--runs 3] [--only bad,abort,healthy,outage]

Needs the local cluster with the operator installed (`make install`) and nothing else running on it:
the runs share two cores with the control plane. Rollout settings are the defaults, except in the
outage (holds of 30 s, so that both steps would end while Prometheus is away). Bad canaries run a
second time with direct scrapes: the operator reads the pods itself.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, TypeVar

from bench.rollback import runs
from bench.rollback.measures import Abort, Incident
from bench.rollback.runs import Healthy, Outage
from bench.rollback.stage import stage
from bench.rollback.table import RollbackTable
from rich.console import Console

KINDS = ("bad", "abort", "healthy", "outage")
ERROR_RATES = (0.2, 1.0)
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "Davylamp default": {},
    "Davylamp direct scrapes": {"evidence": {"source": "Pods", "interval": "1s"}},
}
"""What is set of `spec.rollout`, by the heading of its column."""
T = TypeVar("T", Incident, Abort, Healthy, Outage)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for and print the table."""
    options = _options(arguments)
    tags = sample_tags()
    console = Console(width=180)
    leader = runs.leader()
    table = RollbackTable(tuple(SETTINGS))
    kinds: dict[str, Callable[[], None]] = {
        "bad": lambda: bad(table, tags, options.runs),
        "abort": lambda: aborts(table, tags, options.runs),
        "outage": lambda: outage(table, tags),
        "healthy": lambda: healthy(table, tags, options.healthy, 60 * options.minutes),
    }
    for kind, run in kinds.items():
        if kind in options.only:
            run()
    console.print(table.drawn())
    if runs.leader() != leader:
        console.print("the leading operator pod changed during the runs: do not use these numbers")
        return 1
    return 0


def bad(table: RollbackTable, tags: Mapping[str, str], count: int) -> None:
    """Bad canaries, at every error rate and setting."""
    with stage("bench-rollback-bad", tags) as at:
        for rate in ERROR_RATES:
            title = f"{rate:.0%} errors"
            measured = {
                name: [
                    _logged(f"{name}, {title}", runs.bad_canary(at, rate, rollout))
                    for _ in range(count)
                ]
                for name, rollout in SETTINGS.items()
            }
            table.incidents(title, measured, with_peers=rate == ERROR_RATES[0])


def aborts(table: RollbackTable, tags: Mapping[str, str], count: int) -> None:
    """Aborts by a user."""
    with stage("bench-rollback-abort", tags) as at:
        table.aborts([_logged("abort", runs.aborted_canary(at)) for _ in range(count)])


def healthy(table: RollbackTable, tags: Mapping[str, str], count: int, seconds: float) -> None:
    """Healthy canaries, side by side."""
    names = [f"bench-rollback-healthy-{number}" for number in range(1, count + 1)]
    with ThreadPoolExecutor(max_workers=max(1, count)) as pool:
        measured = list(pool.map(lambda n: runs.healthy_canary(n, tags, seconds=seconds), names))
    table.healthy([_logged("healthy", run) for run in measured])


def outage(table: RollbackTable, tags: Mapping[str, str]) -> None:
    """Prometheus away for a minute in a healthy canary."""
    table.outage(_logged("outage", runs.outage("bench-rollback-outage", tags)))


def sample_tags() -> dict[str, str]:
    """Image tags of the sample model by release, as the images were built."""
    command = [sys.executable, "sample_model/build.py", "--print"]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    pairs = (line.partition("=") for line in listing.split())
    return {release: tag for release, _, tag in pairs}


def _logged(kind: str, result: T) -> T:
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
