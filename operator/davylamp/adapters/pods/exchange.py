"""One request to a pod and its answer over HTTP, where the pod may run anybody's code.

Bounded in everything that costs the event loop time: it sees one piece of one answer at a time,
however many pods send at once, and what that takes is charged to the pod's namespace. A library that
is fed by the event loop itself would parse whatever has arrived on all connections before anything
else has its turn. So the bytes are taken from the socket here, and given to h11, which does no more
than parse.

No redirect is followed, no proxy of the environment used, no cookie kept, and nothing unpacked: a
small answer must not unfold into a large one.
"""

import asyncio
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import h11
import yarl

from davylamp.adapters.reading.budget import SecondsBudget
from davylamp.adapters.reading.limits import UnreadableError

PIECE: Final = 64 * 1024
"""Bytes that are taken from a socket at a time."""
MOST_HEADERS: Final = 16 * 1024
"""Bytes of a status line and its headers, or of what stands around a chunk."""
MOST_EVENTS: Final = 4096
"""Pieces that an answer may say it is made of: chunks, and statuses that announce another one."""
EVENTS_AT_A_TIME: Final = 128
OK: Final = 200


class ExchangeError(UnreadableError):
    """The answer is no HTTP, or none that is read; the message quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class PodRequest:
    """What is asked of whom."""

    host: str
    port: int
    path: str
    owner: str
    """Namespace of the pod."""
    accept: str
    body: bytes | None = None
    """JSON that is sent; without it the request is a GET."""

    def parts(self) -> h11.Request:
        """The request as it is sent."""
        url = yarl.URL.build(scheme="http", host=self.host, port=self.port, path=self.path)
        headers = [
            ("Host", url.host_port_subcomponent or ""),
            ("Accept", self.accept),
            ("Accept-Encoding", "identity"),
            ("Connection", "close"),
        ]
        if self.body is None:
            return h11.Request(method="GET", target=url.raw_path_qs, headers=headers)
        headers += [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(self.body))),
        ]
        return h11.Request(method="POST", target=url.raw_path_qs, headers=headers)


class Exchanges:
    """Asks pods.

    Args:
        budget: seconds of the event loop that each namespace's answers may take.
    """

    def __init__(self, budget: SecondsBudget) -> None:
        self._budget = budget
        self._turn = asyncio.Lock()

    async def ask(self, request: PodRequest, take: Callable[[bytes], None]) -> int:
        """Send a request; the status of the answer. With 200 its body is given to `take`, piece by piece.

        Raises:
            ExchangeError: the answer is no HTTP, is packed, or is made of too many pieces.
            ReadingRefusedError: the namespace has used up its share of the event loop.
            OSError: the pod cannot be reached.
        """
        self._budget.require(request.owner)
        family = socket.AF_INET6 if ":" in request.host else socket.AF_INET
        loop = asyncio.get_running_loop()
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.setblocking(False)
            await loop.sock_connect(connection, (request.host, request.port))
            answer = _Answer(request, take)
            await loop.sock_sendall(connection, answer.question())
            while not answer.is_over:
                if answer.needs_more:
                    piece = await loop.sock_recv(connection, PIECE)
                    answer.receive(piece)
                await self._look(answer, request.owner)
            return answer.status

    async def _look(self, answer: "_Answer", owner: str) -> None:
        """Look at some of an answer while nobody else does, then let everybody else have a turn."""
        async with self._turn:
            self._budget.require(owner)
            began = time.perf_counter()
            try:
                answer.look()
            finally:
                self._budget.spend(owner, time.perf_counter() - began)
            await asyncio.sleep(0)


class _Answer:
    """What has arrived of an answer."""

    def __init__(self, request: PodRequest, take: Callable[[bytes], None]) -> None:
        self._request = request
        self._take = take
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_HEADERS)
        self._events = 0
        self._has_ended = False
        self.status = 0
        self.is_over = False
        self.needs_more = True

    def question(self) -> bytes:
        """The bytes of the request."""
        try:
            text = self._parser.send(self._request.parts()) or b""
            if self._request.body is not None:
                text += self._parser.send(h11.Data(data=self._request.body)) or b""
            return text + (self._parser.send(h11.EndOfMessage()) or b"")
        except (h11.LocalProtocolError, ValueError) as error:
            raise ExchangeError("no such address") from error

    def receive(self, piece: bytes) -> None:
        """Take in what came; nothing means that the other side has ended."""
        self._has_ended = not piece
        self._parser.receive_data(piece)

    def look(self) -> None:
        """Look at the next events."""
        self.needs_more = False
        for _ in range(EVENTS_AT_A_TIME):
            try:
                event = self._parser.next_event()
            except h11.RemoteProtocolError as error:
                what = "breaks off its answer" if self._has_ended else "answers no HTTP"
                raise ExchangeError(what) from error
            if event is h11.NEED_DATA:
                self.needs_more = True
                return
            self._handle(event)
            if self.is_over:
                return
            self._events += 1
            if self._events > MOST_EVENTS:
                raise ExchangeError("answers in too many pieces")

    def _handle(self, event: object) -> None:
        match event:
            case h11.Response():
                self.status = event.status_code
                self.is_over = self.status != OK
                if not self.is_over:
                    _require_plain(event)
            case h11.Data():
                self._take(bytes(event.data))
            case h11.EndOfMessage() | h11.ConnectionClosed() | h11.PAUSED:
                self.is_over = True
            case _:
                pass


def _require_plain(answer: h11.Response) -> None:
    codings = [value for name, value in answer.headers if name == b"content-encoding"]
    if any(coding.lower() not in {b"", b"identity"} for coding in codings):
        raise ExchangeError("answers something packed")
