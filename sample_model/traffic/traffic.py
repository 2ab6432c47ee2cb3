"""Steady traffic for a model server: one new connection per request, at a rate that does not yield.

One file, standard library only, so that a ConfigMap can carry it into any pod that has Python:

    python traffic.py --url http://diabetes-risk:80/predict --rate 100 --duration 60 --missing 0.2

Every finished request is one line of CSV on stdout, flushed at least every 0.2 s, no header:

    time_epoch,latency_ms,status,revision,tag,error

``time_epoch`` is when the answer was complete. ``status`` is 0 where no answer came (refused, reset,
cut short, timed out); ``error`` then says why, else it is the first part of the body of a failure.
The rate is open-loop: a slow server gets the next request all the same. With ``--duration 0`` it
runs until SIGTERM or SIGINT; it then sends nothing new, waits for what is under way and ends.
"""

import argparse
import asyncio
import json
import random
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

FLUSH_SECONDS = 0.1
DEFAULT_ROWS = Path("/app/holdout.json")
OPTIONAL = ("bp", "s6")
# Stand-ins where there is no file of held-out patients.
PATIENTS: tuple[dict[str, float], ...] = tuple(
    dict(zip(("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"), values, strict=True))
    for values in (
        (59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.8598, 87),
        (48, 1, 21.6, 87, 183, 103.2, 70, 3, 3.8918, 69),
        (72, 2, 30.5, 93, 156, 93.6, 41, 4, 4.6728, 85),
        (24, 1, 25.3, 84, 198, 131.4, 40, 5, 4.8903, 89),
        (50, 1, 23.0, 101, 192, 125.4, 52, 4, 4.2905, 80),
    )
)


@dataclass(frozen=True)
class Target:
    """Where requests go. ``address`` is what the name was resolved to, once."""

    host: str
    port: int
    path: str
    address: str

    @classmethod
    def resolve(cls, url: str) -> "Target":
        """Raises ValueError for a URL that is not http, OSError for an unknown name."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{url!r} is not an http:// URL")
        port = parts.port or 80
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        return cls(parts.hostname, port, parts.path or "/", str(found[0][4][0]))

    def request(self, body: bytes) -> bytes:
        """The bytes of one request on a connection of its own."""
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        return head.encode() + body


@dataclass(frozen=True)
class Patients:
    """The rows to ask about, and which share of them lacks a measurement."""

    rows: Sequence[dict[str, float]]
    optional: Sequence[str]
    missing: float
    seed: int

    def bodies(self) -> Iterator[bytes]:
        """Request bodies without end; the same seed gives the same ones."""
        chance = random.Random(self.seed)
        while True:
            row: dict[str, float | None] = dict(chance.choice(self.rows))
            if chance.random() < self.missing:
                lacking = chance.choice(self.optional)
                if chance.random() < 0.5:
                    row[lacking] = None
                else:
                    del row[lacking]
            yield json.dumps({"rows": [row]}).encode()


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    revision: str = ""
    tag: str = ""
    error: str = ""


@dataclass
class Report:
    """CSV lines on their way to stdout, and the totals."""

    lines: list[str] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    def add(self, answer: Answer, latency: float) -> None:
        """Takes one finished request; ``latency`` in seconds."""
        error = " ".join(answer.error.replace(",", ";").split())
        self.lines.append(
            f"{time.time():.3f},{latency * 1000:.2f},{answer.status},"
            f"{answer.revision},{answer.tag},{error}\n"
        )
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1

    def flush(self) -> None:
        """Writes what there is."""
        if self.lines:
            sys.stdout.write("".join(self.lines))
            sys.stdout.flush()
            self.lines.clear()

    async def keep_flushing(self) -> None:
        """Runs until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            self.flush()


class Exchange(asyncio.Protocol):
    """One request and its answer, read until the server closes."""

    def __init__(self, request: bytes, done: "asyncio.Future[bytes]") -> None:
        self.request, self.done, self.received = request, done, bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends the request."""
        assert isinstance(transport, asyncio.Transport)
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Collects the answer."""
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        """Hands the answer over."""
        if self.done.done():
            return
        if exc is None:
            self.done.set_result(bytes(self.received))
        else:
            self.done.set_exception(exc)


async def ask(target: Target, body: bytes, patience: float) -> Answer:
    """One request on a new connection."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[bytes] = loop.create_future()
    transport = None
    try:
        async with asyncio.timeout(patience):
            transport, _ = await loop.create_connection(
                lambda: Exchange(target.request(body), done), target.address, target.port
            )
            return parse(await done)
    except TimeoutError:
        return Answer(0, error=f"no answer within {patience:g} s")
    except OSError as error:
        return Answer(0, error=f"{type(error).__name__}: {error}")
    finally:
        if transport is not None:
            transport.abort()


def parse(received: bytes) -> Answer:
    """Reads an answer; one that is cut short counts as none."""
    head, separator, body = received.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    words = status_line.split(" ", 2)
    if not separator or len(words) < 2 or not words[1].isdigit():
        return Answer(0, error=f"connection closed after {len(received)} bytes")
    headers = {n.strip().lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
    if len(body) < int(headers.get("content-length", "0")):
        return Answer(0, error=f"answer cut short after {len(received)} bytes")
    status = int(words[1])
    error = "" if status < 400 else body[:160].decode("utf-8", "replace")
    return Answer(
        status, headers.get("x-model-revision", ""), headers.get("x-model-tag", ""), error
    )


async def send_one(target: Target, body: bytes, report: Report, patience: float) -> None:
    """One request, reported."""
    begun = time.perf_counter()
    report.add(await ask(target, body, patience), time.perf_counter() - begun)


async def run(options: argparse.Namespace, target: Target, patients: Patients) -> Report:
    """Sends at the asked rate until the time is over or a signal comes."""
    stop, report = asyncio.Event(), Report()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    flushing = asyncio.create_task(report.keep_flushing())
    under_way: set[asyncio.Task[None]] = set()
    begun = loop.time()
    for count, body in enumerate(patients.bodies()):
        due = count / options.rate
        if (options.duration and due >= options.duration) or await stopped(
            stop, begun + due - loop.time()
        ):
            break
        task = asyncio.create_task(send_one(target, body, report, options.timeout))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)
    flushing.cancel()
    report.flush()
    return report


async def stopped(stop: asyncio.Event, seconds: float) -> bool:
    """Waits; True as soon as the end was asked for."""
    if seconds <= 0:
        await asyncio.sleep(0)
        return stop.is_set()
    try:
        async with asyncio.timeout(seconds):
            return await stop.wait()
    except TimeoutError:
        return False


def patients_of(options: argparse.Namespace) -> Patients:
    """The rows of the file, of the image, or the built-in ones."""
    path = options.rows or (DEFAULT_ROWS if DEFAULT_ROWS.exists() else None)
    if path is None:
        return Patients(PATIENTS, OPTIONAL, options.missing, options.seed)
    document = json.loads(path.read_text())
    return Patients(document["rows"], document["optional"], options.missing, options.seed)


def options_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description="Steady traffic for a model server.")
    parser.add_argument("--url", required=True, help="http://host:port/predict")
    parser.add_argument("--rate", type=float, default=100.0, help="requests per second")
    parser.add_argument("--duration", type=float, default=0.0, help="seconds; 0: until SIGTERM")
    parser.add_argument("--missing", type=float, default=0.0, help="share of rows with a gap")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=Path, help="JSON of held-out rows")
    parser.add_argument("--timeout", type=float, default=5.0, help="seconds to wait for an answer")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs; the totals by status go to stderr."""
    options = options_of(arguments)
    try:
        target, patients = Target.resolve(options.url), patients_of(options)
    except (ValueError, OSError, KeyError) as error:
        sys.stderr.write(f"traffic: {error}\n")
        return 2
    report = asyncio.run(run(options, target, patients))
    totals = ", ".join(f"{status}: {n}" for status, n in sorted(report.statuses.items()))
    sys.stderr.write(f"traffic: {sum(report.statuses.values())} requests ({totals})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
