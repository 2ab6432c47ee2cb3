"""Requests per second and latency of the model server, beside the plainest one, in one run.

    PYTHONPATH=sample_model:. python -m bench.serving [--seconds 1] [--rounds 5] [--rows 1]

Every server is one worker on one core, the client has another. All servers are measured in turn,
round by round and in alternating order, and the medians of the rounds are shown, so that what else the
machine does is shared out. A rate is of one machine; the ratios to Flask travel better. Exit code 1
says that the client was too busy for the figures to be the servers'.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.serving.client import Load, Order
from bench.serving.servers import ROOT, Running, serving
from bench.serving.steps import Step, steps
from bench.serving.variants import ENTRIES, FLASK, FLASK_THREADS
from rich.console import Console
from rich.table import Table

SAMPLE = ROOT / "sample_model"
ROUTES = ("/predict", "/explain")
BUSY = 0.8


@dataclass(frozen=True)
class Measured:
    """One server under one kind of load: medians over the rounds, and the least CPU time of any.

    CPU time is in microseconds per request; what else runs can only add to it.
    """

    rate: float
    p50: float
    p99: float
    cpu: float
    client: float


Key = tuple[bool, str, str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures everything and prints the tables."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory() as work, ExitStack() as stack:
        directory = options.artefact or train(Path(work))
        servers = [stack.enter_context(serving(name, directory, 0)) for name in ENTRIES]
        body = body_of(directory, options.rows)
        measured = dict(_measured(servers, body, options))
        parts = list(steps(directory, body))
    console = Console(width=120)
    for kept in (False, True):
        for route in ROUTES:
            console.print(_table(measured, kept=kept, route=route, options=options))
    console.print(_steps_table(parts))
    busiest = max(one.client for one in measured.values())
    console.print(f"the client used at most {busiest:.0%} of its core")
    return 0 if busiest < BUSY else 1


def train(work: Path) -> Path:
    """A model of the first release."""
    snapshot, out = work / "features.parquet", work / "artefact"
    release = ("--release", str(SAMPLE / "releases/v1.toml"))
    for command in (
        ("snapshot", "create", *release, "--out", str(snapshot)),
        ("train", *release, "--snapshot", str(snapshot), "--out", str(out)),
    ):
        subprocess.run(
            [sys.executable, "-m", "diabetes_model", *command],
            env={**os.environ, "PYTHONPATH": str(SAMPLE)},
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return out


def body_of(directory: Path, rows: int) -> str:
    """The first golden row, as often as asked."""
    manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    row = manifest["golden"][0]["request"]["rows"][0]
    return json.dumps({"rows": [row] * rows})


def _measured(
    servers: Sequence[Running], body: str, options: argparse.Namespace
) -> Iterator[tuple[Key, Measured]]:
    loads: dict[Key, list[tuple[Load, float]]] = {}
    for number in range(options.rounds):
        for server in servers[:: -1 if number % 2 else 1]:
            for kept, route in _kinds(server):
                order = _order(server, options, body=body, path=route, kept=kept)
                loads.setdefault((kept, route, server.name), []).append(_load(server, order))
    for key, rounds in loads.items():
        yield key, _median(rounds)


def _order(
    server: Running, options: argparse.Namespace, *, body: str, path: str, kept: bool
) -> Order:
    return Order(
        port=server.port,
        path=path,
        body=body,
        kept=kept,
        connections=options.connections,
        seconds=options.seconds,
        core=(os.cpu_count() or 2) - 1,
    )


def _kinds(server: Running) -> Iterator[tuple[bool, str]]:
    for kept in (False, True):
        if ENTRIES[server.name].kept or not kept:
            for route in ROUTES:
                yield kept, route


def _load(server: Running, order: Order) -> tuple[Load, float]:
    """The client's result, and the CPU seconds that the server used."""
    before = server.cpu_seconds()
    done = subprocess.run(
        [sys.executable, "-m", "bench.serving.client", json.dumps(asdict(order))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return Load(**json.loads(done.stdout)), server.cpu_seconds() - before


def _median(rounds: Sequence[tuple[Load, float]]) -> Measured:
    return Measured(
        rate=statistics.median(load.rate for load, _ in rounds),
        p50=statistics.median(load.p50 for load, _ in rounds),
        p99=statistics.median(load.p99 for load, _ in rounds),
        cpu=min(1e6 * cpu / load.answers for load, cpu in rounds),
        client=statistics.median(load.busy for load, _ in rounds),
    )


def _table(
    measured: Mapping[Key, Measured], *, kept: bool, route: str, options: argparse.Namespace
) -> Table:
    how = "kept connections" if kept else "a new connection for every request"
    rows = f"{options.rows} row{'s' if options.rows > 1 else ''}"
    table = Table(
        title=f"{route}, {rows}, {options.connections} clients, {how}", title_justify="left"
    )
    table.add_column("server", no_wrap=True)
    for title in (
        "requests/s",
        "p50 ms",
        "p99 ms",
        "CPU µs/request",
        "rate / Flask's",
        "CPU / Flask's",
    ):
        table.add_column(title, justify="right")
    plainest = measured[kept, route, FLASK_THREADS if kept else FLASK]
    for name, entry in ENTRIES.items():
        one = measured.get((kept, route, name))
        if one is not None:
            table.add_row(entry.title, *_cells(one, plainest))
    return table


def _steps_table(parts: Sequence[Step]) -> Table:
    table = Table(title="an answer of /predict, without HTTP", title_justify="left")
    table.add_column("step", no_wrap=True)
    table.add_column("µs", justify="right")
    for part in parts:
        table.add_row(part.title, f"{part.microseconds:.1f}")
    return table


def _cells(one: Measured, plainest: Measured) -> tuple[str, ...]:
    return (
        f"{one.rate:.0f}",
        f"{one.p50:.2f}",
        f"{one.p99:.2f}",
        f"{one.cpu:.0f}",
        f"{one.rate / plainest.rate:.2f}",
        f"{one.cpu / plainest.cpu:.2f}",
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.serving", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="of every measurement")
    parser.add_argument("--rounds", type=int, default=5, help="the median is shown")
    parser.add_argument("--rows", type=int, default=1, help="in every request")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--artefact", type=Path, help="of a training run, else one is trained")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
