"""Servers as processes: start one on a core, wait for it, read its CPU time, stop it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0
TICKS = os.sysconf("SC_CLK_TCK")


class NotStartedError(RuntimeError):
    """A server that does not listen."""


@dataclass(frozen=True)
class Running:
    """A server that listens."""

    name: str
    pid: int
    port: int

    def cpu_seconds(self) -> float:
        """CPU seconds of its manager and its worker so far."""
        return sum(_cpu_seconds(pid) for pid in (self.pid, *children(self.pid)))


@contextmanager
def serving(name: str, directory: Path, core: int) -> Iterator[Running]:
    """Starts a server of the comparison on a free port, and ends it afterwards."""
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.serving.serve", name, str(directory), str(port), str(core)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'sample_model'}"},
    )
    try:
        _wait(process, port)
        yield Running(name, process.pid, port)
    finally:
        process.terminate()
        process.wait(timeout=60)


def children(pid: int) -> list[int]:
    """The processes that this one started."""
    pids = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    return [int(pid) for pid in pids.split()]


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Wait until the worker answers: the manager listens before it has one."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as asked:
                asked.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                if asked.recv(1):
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise NotStartedError(f"no server on port {port}, exit code {process.poll()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
