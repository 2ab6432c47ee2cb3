"""Measures what hostile texts do to an event loop, serves them, and waits for what follows."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from davylamp.controller.process.lag import LagMeter

OFTEN = 0.01
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
PIECE = 64 * 1024


async def reached(holds: Callable[[], object], *, within: float) -> None:
    """Wait until something holds."""
    ends = time.monotonic() + within
    while not holds():
        assert time.monotonic() < ends, f"not reached within {within} s"
        await asyncio.sleep(OFTEN)


@dataclass
class Lags:
    """How late the event loop was, in seconds.

    Attributes:
        late: on the clock.
        held: but for what it waited for a processor of a busy machine: what it did itself, and what it waited
            for threads that hold the interpreter, and for the kernel.
        busy: what it did itself.
    """

    late: list[float] = field(default_factory=list)
    held: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)

    @property
    def longest(self) -> float:
        """The longest time for which the loop let nobody else have a turn."""
        return max(self.busy, default=0.0)

    def __str__(self) -> str:
        late, held = (max(lags, default=0.0) for lags in (self.late, self.held))
        return f"late {late:.3f} s, held {held:.3f} s, busy {self.longest:.3f} s"


class OwnClock:
    """A clock that stands still while the thread that made it could run, and no processor was free."""

    def __init__(self) -> None:
        self._path = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")

    def __call__(self) -> float:
        """Seconds; those on the wall where the kernel does not say."""
        now = time.monotonic()
        with contextlib.suppress(OSError, IndexError):
            now -= int(self._path.read_text(encoding="ascii").split()[1]) / 1e9
        return now


@contextlib.asynccontextmanager
async def metered() -> AsyncIterator[Lags]:
    """Measure with the operator's own meter while the context lasts."""
    lags = Lags()
    meters = [
        LagMeter(lags.late.append, every=OFTEN),
        LagMeter(lags.held.append, every=OFTEN, clock=OwnClock()),
        LagMeter(lags.busy.append, every=OFTEN, clock=time.thread_time),
    ]
    measuring = [asyncio.create_task(meter.run()) for meter in meters]
    await asyncio.sleep(2 * OFTEN)
    try:
        yield lags
        await asyncio.sleep(2 * OFTEN)
    finally:
        for task in measuring:
            task.cancel()
        await asyncio.gather(*measuring, return_exceptions=True)


def whole(body: bytes) -> bytes:
    """An answer as it should be, whatever is in it."""
    return HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


@contextlib.contextmanager
def sending(answer: bytes, again: bytes = b"", every: float = 0.0) -> Iterator[int]:
    """The port of a server that answers with bytes, and then with others for as long as anybody listens."""
    ends = threading.Event()

    def pieces() -> Iterable[bytes]:
        yield answer
        while again and not ends.wait(every):
            yield again

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(20)
            connection.recv(PIECE)
            for piece in pieces():
                connection.sendall(piece)

    def accept() -> None:
        while not ends.is_set():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        listener.settimeout(0.05)
        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            ends.set()
            accepting.join()
