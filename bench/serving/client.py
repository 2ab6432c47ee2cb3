"""A load generator of raw sockets: every connection asks again as soon as it has its answer.

    python -m bench.serving.client '{"port": 8080, "path": "/predict", "body": "...", "kept": true, ...}'

prints one line of JSON. It is a process of its own, so that it can have its own core.
"""

import json
import os
import selectors
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"


class WrongAnswerError(RuntimeError):
    """The server answered with another status than 200."""


@dataclass(frozen=True)
class Order:
    """What to request, on how many connections at once, for how many seconds."""

    port: int
    path: str
    body: str
    kept: bool
    connections: int
    seconds: float
    core: int | None = None

    def request(self) -> bytes:
        """The bytes of one request."""
        fate = "" if self.kept else "Connection: close\r\n"
        return (
            f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(self.body)}\r\n{fate}\r\n{self.body}"
        ).encode()


@dataclass(frozen=True)
class Load:
    """The result; latencies in milliseconds, ``busy`` is the client's share of its core."""

    answers: int
    seconds: float
    p50: float
    p99: float
    busy: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the sorted values lies."""
    return values[min(len(values) - 1, int(share * len(values)))]


def is_complete(received: bytes) -> bool:
    """Whether this is a whole answer; raises WrongAnswerError if it is another than 200."""
    head, separator, body = received.partition(END_OF_HEAD)
    if not separator:
        return False
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise WrongAnswerError(received[:300].decode(errors="replace"))
    place = head.lower().find(LENGTH)
    length = int(head[place + len(LENGTH) :].split(b"\r\n", 1)[0])
    return len(body) >= length


class Connection:
    """One client's connection."""

    def __init__(self, order: Order) -> None:
        self.order, self.request = order, order.request()
        self.socket: socket.socket | None = None
        self.received, self.begun = b"", 0.0

    def ask(self, selector: selectors.BaseSelector) -> None:
        """Sends the request, on a new connection unless there is one."""
        self.received, self.begun = b"", time.perf_counter()
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.order.port))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(self.socket, selectors.EVENT_READ, self)
        self.socket.sendall(self.request)

    def hear(self, selector: selectors.BaseSelector) -> float | None:
        """Reads what there is; the seconds it took, once the answer is whole."""
        assert self.socket is not None
        piece = self.socket.recv(65536)
        if not piece:
            raise WrongAnswerError(f"closed after {self.received[:300]!r}")
        self.received += piece
        if not is_complete(self.received):
            return None
        took = time.perf_counter() - self.begun
        if not self.order.kept:
            self.close(selector)
        return took

    def close(self, selector: selectors.BaseSelector) -> None:
        """Ends the connection."""
        if self.socket is not None:
            selector.unregister(self.socket)
            self.socket.close()
            self.socket = None


def measure(order: Order) -> Load:
    """Sends requests until the time is over."""
    clients = [Connection(order) for _ in range(order.connections)]
    with selectors.DefaultSelector() as selector:
        begun, cpu = time.perf_counter(), time.process_time()
        try:
            took = sorted(_conversations(clients, selector, begun + order.seconds))
        finally:
            for client in clients:
                client.close(selector)
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    if not took:
        raise WrongAnswerError("no answer within the time of the measurement")
    p50, p99 = (1000 * quantile(took, share) for share in (0.5, 0.99))
    return Load(len(took), seconds, p50, p99, cpu / seconds)


def _conversations(
    clients: Sequence[Connection], selector: selectors.BaseSelector, end: float
) -> Iterator[float]:
    """How long every answer took, in seconds."""
    for client in clients:
        client.ask(selector)
    while time.perf_counter() < end:
        for key, _ in selector.select(1.0):
            took = key.data.hear(selector)
            if took is not None:
                yield took
                key.data.ask(selector)


def main() -> None:
    """Does what the first argument orders."""
    order = Order(**json.loads(sys.argv[1]))
    if order.core is not None:
        os.sched_setaffinity(0, {order.core})
    sys.stdout.write(json.dumps(asdict(measure(order))) + "\n")


if __name__ == "__main__":
    main()
