"""What the operator costs with many ModelDeployments, on fake nodes, beside what a peer needed.

    PYTHONPATH=operator:kind:. python -m bench.scale [--models 500] [--canaries 300] [--minutes 2]

Needs no cluster: it starts a control plane of its own (bench/scale/README.md).
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from bench.scale import peers
from bench.scale.controlplane import TOKEN, ControlPlane, control_plane, free_port
from bench.scale.copies import dumped
from bench.scale.fleet import Fleet, name_of
from bench.scale.measure import Cost, Process, wait
from rich.console import Console
from rich.table import Table

from localcluster.progress import Progress

ROOT = Path(__file__).resolve().parents[2]
WRITES = ("apply", "create", "delete", "update_status")
HOURS = 3600.0


@dataclass(frozen=True)
class Results:
    """Everything that was measured."""

    empty: float
    """MiB without any ModelDeployment."""
    made_in: float
    writes: int
    plain: float
    """Seconds of the API server alone for as many new objects."""
    idle: Cost
    canaries: Cost | None
    after: Cost | None
    peak: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the table."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no process is left behind
    progress = Progress()
    with tempfile.TemporaryDirectory(prefix="davylamp-scale-") as folder:
        nodes = 20
        with control_plane(Path(folder), nodes, progress) as plane:
            results = measured(plane, options, progress)
            if options.keep_logs:
                _copy_logs(Path(folder), Path(options.keep_logs))
    _print(results, options)
    return 0


def measured(plane: ControlPlane, options: argparse.Namespace, progress: Progress) -> Results:
    """Make everything, roll some of it out, let it rest, and measure meanwhile."""
    fleet, count, canaries = Fleet(plane.client), options.models, range(options.canaries)
    fleet.prepare(yaml.safe_load((ROOT / "crds/davylamp.dev_modeldeployments.yaml").read_text()))
    operator = _operator(plane)
    operator.wait_until_up()
    time.sleep(5)
    empty = operator.megabytes()
    before = operator.read()
    with progress.step(f"make {count} ModelDeployments", expected=count / 8):
        began = time.monotonic()
        fleet.make(range(options.canaries), replicas=3)
        fleet.make(range(options.canaries, count), replicas=1)
        wait(lambda: fleet.serving() == count, within=HOURS, every=2)
        made_in = time.monotonic() - began
    written = operator.read().requests - before.requests
    writes = int(sum(number for (verb, _), number in written.items() if verb in WRITES))
    with progress.step(f"make {writes} plain objects", expected=writes / 200):
        plain = fleet.plain_writes(writes)
    idle = _rested(operator, options.minutes, progress)
    if options.dump:
        Path(options.dump).write_text(json.dumps(dumped(plane.client, name_of(count - 1))))
    judged = after = None
    if canaries:
        with progress.step(f"roll {len(canaries)} out", expected=len(canaries) / 4):
            fleet.roll_out(canaries, "v2")
            wait(lambda: fleet.judged() == len(canaries), within=HOURS, every=5)
        with progress.step("judge them", expected=60 * options.minutes):
            judged = operator.cost(60 * options.minutes)
        with progress.step("go back", expected=len(canaries) / 4):
            fleet.roll_out(canaries, "v1")
            wait(lambda: not fleet.rolling_out(), within=HOURS, every=5)
        after = _rested(operator, options.minutes, progress)
    return Results(empty, made_in, writes, plain, idle, judged, after, operator.peak())


def _rested(operator: Process, minutes: float, progress: Progress) -> Cost:
    """What it costs when nothing happens, once everything has settled."""
    with progress.step("settle and rest", expected=60 * minutes + 60):
        wait(lambda: operator.cost(20).passes_per_minute < 1, within=HOURS)
        return operator.cost(60 * minutes)


def _operator(plane: ControlPlane) -> Process:
    """The operator and its Prometheus, as processes beside the control plane."""
    metrics, probes, prometheus = free_port(), free_port(), free_port()
    python = {"PYTHONPATH": f"{ROOT}:{ROOT / 'operator'}:{ROOT / 'kind'}"}
    client = plane.client
    stub = (sys.executable, "-m", "bench.scale.prometheus", client.url, TOKEN, prometheus)
    plane.run("prometheus", *stub, env=python)
    plane.client.create("/api/v1/namespaces", {"metadata": {"name": "davylamp-system"}})
    env = {
        **python,
        "KUBECONFIG": str(plane.kubeconfig),
        "DAVYLAMP_PROMETHEUS_URL": f"http://127.0.0.1:{prometheus}",
        "DAVYLAMP_METRICS_PORT": str(metrics),
        "DAVYLAMP_PROBES_PORT": str(probes),
        "DAVYLAMP_IDENTITY": "bench",
        "DAVYLAMP_LOG_LEVEL": "WARNING",
    }
    pid = plane.run("operator", sys.executable, "-m", "davylamp", "run", env=env)
    return Process(pid, f"http://127.0.0.1:{metrics}/metrics")


def _print(results: Results, options: argparse.Namespace) -> None:
    title = f"{options.models} ModelDeployments, {options.canaries} canaries judged every 5 s"
    table = Table(title=title, title_justify="left")
    headings = (
        "requests/min",
        "status writes",
        "watches",
        "passes/min",
        "CPU s/min",
        "MiB",
        "load",
    )
    for heading in ("", *headings):
        table.add_column(heading, justify="left" if not heading else "right")
    table.add_row("empty", *[""] * 5, f"{results.empty:.0f}", "")
    stretches = {"at rest": results.idle, "canaries": results.canaries, "afterwards": results.after}
    for name, cost in stretches.items():
        if cost is not None:
            table.add_row(name, *_cells(cost))
    idle, judged = peers.ARGO_IDLE, peers.ARGO_CANARIES
    table.add_row("Argo Rollouts, 500 at rest", idle[0], "", "", "", idle[1], idle[2], "")
    table.add_row("Argo Rollouts, 300 judged", judged[0], "", "", "", judged[1], judged[2], "")
    console = Console(width=140)
    console.print(table)
    console.print(
        f"Made in {results.made_in:.0f} s with {results.writes} writes; the API server alone takes "
        f"{results.plain:.0f} s for as many new objects. Peak {results.peak:.0f} MiB. "
        f"{os.cpu_count()} cores. Leases are left out; kopf's own watch is not counted."
    )
    if results.canaries is not None:
        console.print({f"{v} {k}": round(n) for (v, k), n in results.canaries.per_minute.items()})


def _cells(cost: Cost) -> tuple[str, ...]:
    return (
        f"{cost.requests():.0f}",
        f"{cost.requests('update_status'):.0f}",
        f"{cost.requests('watch'):.0f}",
        f"{cost.passes_per_minute:.0f}",
        f"{cost.cpu_per_minute:.2f}",
        f"{cost.megabytes:.0f}",
        f"{cost.load:.1f}",
    )


def _copy_logs(folder: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for log in folder.glob("*.log"):
        (target / log.name).write_bytes(log.read_bytes())


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scale")
    parser.add_argument("--models", type=int, default=500)
    parser.add_argument("--canaries", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--keep-logs", metavar="FOLDER")
    parser.add_argument("--dump", metavar="FILE", help="objects of a resting model, for copies")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
