"""A process like the operator's whose every source of answers is hostile: prints what it took.

`python -m tests.support.besieged SECONDS PORTS`, with ports as `besiegers` prints them, prints JSON: MiB of memory that belongs to this process and to
those that read for it, at their peak together, and how late the event loop was, as `Lags` has it. Everything is
asked more often than the operator asks it.
"""

import asyncio
import contextlib
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.support.besiegers import Ports
from tests.support.contract import ALL, EXPECTED
from tests.support.hostile import Lags, metered

from davylamp.adapters.errors import SourceError
from davylamp.adapters.pods.metrics import PodMetrics, PodTarget
from davylamp.adapters.pods.model_server import HttpModelServer, PodAddress
from davylamp.adapters.prometheus.connection.back_end import BackEnd
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.adapters.prometheus.source import THREADS, PrometheusSource, RangeQuery
from davylamp.adapters.reading.budget import SecondsBudget
from davylamp.adapters.reading.reader import Reader
from davylamp.controller import app
from davylamp.controller.checks.inspections import Inspection
from davylamp.controller.checks.visit import Visit
from davylamp.controller.process import memory

NAMESPACES = [f"hostile-{n}" for n in range(4)]
PODS = 8
KIB = 1024
OWN = RangeQuery(promql="sum(up)", start=990, end=1020, step=15, namespace=NAMESPACES[0])


def mebibytes(pid: int | str) -> float:
    """Memory of a process that is not a file's: what the container's limit counts for it alone."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        return int(next(x for x in lines if x.startswith("RssAnon")).split()[1]) / KIB
    return 0.0


def children() -> list[int]:
    with contextlib.suppress(OSError):
        path = Path("/proc/self/task/")
        return [int(c) for task in path.iterdir() for c in (task / "children").read_text().split()]
    return []


async def weigh(peaks: list[float]) -> None:
    while True:
        peaks.append(mebibytes("self") + sum(mebibytes(child) for child in children()))
        await asyncio.sleep(0.02)


async def inspect(reader: Reader, models: HttpModelServer, namespace: str, port: int) -> None:
    pod = PodAddress("a-1", "u", "127.0.0.1", port, namespace)
    asked = Inspection("aaaaaaaaaa", datetime(2026, 11, 1, tzinfo=UTC), ALL, EXPECTED, pod)
    while True:
        await Visit(models, reader, namespace, asked).made()
        await asyncio.sleep(0.5)


async def sweep(metrics: PodMetrics, namespace: str, port: int) -> None:
    pods = [PodTarget(namespace, f"x-1-{n:05}", "u", "127.0.0.1", port) for n in range(PODS)]
    while True:
        await metrics.sweep(pods)
        await asyncio.sleep(0.25)


async def query(source: PrometheusSource, namespaces: list[str]) -> None:
    workloads = frozenset((namespace, "x-1") for namespace in namespaces)
    asked = CounterQuery(workloads=workloads, at=1000.0, window=900.0)
    questions = (
        lambda: source.scrapes(asked),
        lambda: source.values(OWN),
        lambda: source.other_series(asked),
    )
    while True:
        for question in questions:
            with contextlib.suppress(SourceError):
                await question()
        await asyncio.sleep(0.25)


async def besieged(seconds: float, ports: Ports) -> dict[str, float]:
    memory.limit_heaps()
    # no namespace runs out of its minute here: what is asked is what it takes while it has one
    reader = Reader(budget=SecondsBudget(1e9, time.monotonic))
    reader.receiving = SecondsBudget(1e9, time.monotonic)
    peaks = [mebibytes("self")]
    source = PrometheusSource(BackEnd(url=f"http://127.0.0.1:{ports.prometheus}"), reader=reader)
    models = HttpModelServer(reader)
    metrics = PodMetrics(SeriesNames(), reader=reader)
    sieges = [weigh(peaks), *(query(source, [n]) for n in NAMESPACES)]
    sieges += [query(source, NAMESPACES) for _ in range(THREADS - len(NAMESPACES))]
    for namespace in NAMESPACES:
        sieges += [inspect(reader, models, namespace, ports.models) for _ in range(PODS)]
        sieges += [
            sweep(metrics, namespace, p) for p in (ports.long_metrics, ports.endless_metrics)
        ]
    memory.keep_modules()
    async with metered() as lags:
        tasks = [asyncio.create_task(siege) for siege in sieges]
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    for task in tasks:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    source.close()
    await reader.aclose()
    errors = [end for end in ends if not isinstance(end, asyncio.CancelledError)]
    if errors:
        raise errors[0]
    return report(peaks, lags)


def report(peaks: list[float], lags: Lags) -> dict[str, float]:
    return {
        "at first": peaks[0],
        "peak": max(peaks),
        "busy": lags.longest,
        "held": max(lags.held),
        "late": max(lags.late),
    }


if __name__ == "__main__":
    assert app.Operator  # all that the operator imports is in memory
    print(json.dumps(asyncio.run(besieged(float(sys.argv[1]), Ports(**json.loads(sys.argv[2]))))))
