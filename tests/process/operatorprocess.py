"""The operator as it runs in a pod: a process of its own, looked at from outside."""

import asyncio
import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp

OPERATOR: Final = Path(__file__).parents[2] / "operator"
DEADLINE: Final = 60.0
"""Seconds that anything may take, on a machine that is busy."""
PROBE_EVERY: Final = 0.02


@dataclass
class OperatorProcess:
    """A running operator.

    Attributes:
        process: what runs.
        probes: its port for probes.
        metrics: its port for metrics.
        log: the lines it wrote.
        peak: the most memory it had, in MiB.
        slowest: the longest that an answer to a probe took, in seconds, without the time in which
            others had the CPU.
    """

    process: asyncio.subprocess.Process
    probes: int
    metrics: int
    log: list[dict[str, Any]] = field(default_factory=list)
    peak: float = 0.0
    slowest: float = 0.0

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.process.returncode is None

    async def until(self, condition: Callable[[], object], seconds: float = DEADLINE) -> None:
        """Wait for a condition while the process lives."""
        end = time.monotonic() + seconds
        while not condition():
            assert self.is_alive, f"the operator ended: {self.log[-3:]}"
            assert time.monotonic() < end, f"not within {seconds} s: {self.log[-5:]}"
            await asyncio.sleep(0.05)

    async def until_metric(self, sample: str, value: float) -> None:
        """Wait until a series has a value: metrics are up to a second old."""
        end = time.monotonic() + DEADLINE
        while (shown := await self.metric(sample)) != value:
            assert time.monotonic() < end, f"{sample} is {shown}, not {value}"
            await asyncio.sleep(0.2)

    async def metric(self, sample: str) -> float:
        """The value of a series, as it is written in the text format; 0 where there is none."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.metrics}/metrics") as response,
        ):
            assert response.status == 200
            lines = (await response.text()).splitlines()
        values = [float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{sample} ")]
        return values[0] if values else 0.0

    async def measure(self) -> None:
        """Probe it, and look at its memory, until cancelled."""
        url = f"http://127.0.0.1:{self.probes}/healthz"
        async with aiohttp.ClientSession() as session:
            while self.is_alive:
                started, waited = time.monotonic(), self._waited()
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(url):
                        own = self._waited() - waited
                        self.slowest = max(self.slowest, time.monotonic() - started - own)
                self.peak = max(self.peak, self._memory())
                await asyncio.sleep(PROBE_EVERY)

    async def read(self) -> None:
        """Keep what it logs."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            with contextlib.suppress(ValueError):
                self.log.append(json.loads(line))

    def _memory(self) -> float:
        for line in self._proc("status").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def _waited(self) -> float:
        """Seconds that its main thread, or ours, was ready to run and others had the CPU."""
        return _delay(self._proc("schedstat")) + _delay(_read("thread-self/schedstat"))

    def _proc(self, name: str) -> str:
        return _read(f"{self.process.pid}/{name}")


def _read(name: str) -> str:
    """A file of /proc; empty where it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{name}").read_text(encoding="utf-8")
    return ""


def _delay(schedstat: str) -> float:
    """Seconds in the run queue."""
    return int((schedstat.split() or ["0", "0"])[1]) / 1e9


@contextlib.asynccontextmanager
async def operator_process(
    api_port: int, folder: Path, **env: str
) -> AsyncIterator[OperatorProcess]:
    """The operator against an API server on a port of this machine; it is stopped at the end."""
    probes, metrics = _free_port(), _free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "davylamp"),
        env=_environment(api_port, folder, probes, metrics) | env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=2**24,
    )
    running = OperatorProcess(process, probes, metrics)
    tasks = [asyncio.create_task(running.read()), asyncio.create_task(running.measure())]
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 15)
        except TimeoutError:
            process.kill()
            await process.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _environment(api_port: int, folder: Path, probes: int, metrics: int) -> dict[str, str]:
    kubeconfig = folder / "kubeconfig"
    cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{api_port}"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    users = [{"name": "u", "user": {"token": "t"}}]
    config = {"apiVersion": "v1", "kind": "Config", "current-context": "c"}
    config_text = {**config, "clusters": [cluster], "contexts": [context], "users": users}
    kubeconfig.write_text(json.dumps(config_text), encoding="utf-8")
    inherited = {k: v for k, v in os.environ.items() if k != "KUBERNETES_SERVICE_HOST"}
    return {
        **inherited,
        "PYTHONPATH": str(OPERATOR),
        "KUBECONFIG": str(kubeconfig),
        "DAVYLAMP_LEADER_ELECTION": "false",
        "DAVYLAMP_PROBES_PORT": str(probes),
        "DAVYLAMP_METRICS_PORT": str(metrics),
        "DAVYLAMP_PROMETHEUS_URL": "http://127.0.0.1:9",
    }


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
