"""HTTP endpoints of the operator process: liveness, readiness, its own metrics.

Anybody who reaches the pod may connect. So connections are few and short, and a new one is never
refused: the oldest has to go instead. Whoever holds all of them open keeps neither a kubelet from its
probe nor the event loop from its work.
"""

import asyncio
import contextlib
import hmac
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from typing_extensions import override

STUCK_AFTER: Final = 300.0
"""Seconds after which an unfinished key means that this process hangs."""
MOST_CONNECTIONS: Final = 64
"""Connections to one port at a time."""
LONGEST_CONNECTION: Final = 20.0
"""Seconds for a request and its answer, from the first byte to the last: twice what a scrape may take."""
RENDERED_AT_MOST_EVERY: Final = 1.0
"""Seconds for which the same metrics are shown to whoever asks."""
LONGEST_LINE: Final = 2048
"""Bytes of the request's first line, and of each header."""


class Doorkeeper:
    """Keeps the connections of one port few and short."""

    def __init__(self, most: int = MOST_CONNECTIONS, longest: float = LONGEST_CONNECTION) -> None:
        self._most = most
        self._longest = longest
        self._open: dict[asyncio.BaseTransport, asyncio.TimerHandle] = {}
        """In the order in which they came."""

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def let_in(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, and send the oldest away where there are too many."""
        while len(self._open) >= self._most:
            self._send_away(next(iter(self._open)))
        loop = asyncio.get_running_loop()
        self._open[transport] = loop.call_later(self._longest, self._send_away, transport)

    def let_out(self, transport: asyncio.BaseTransport) -> None:
        """A connection is over."""
        timer = self._open.pop(transport, None)
        if timer is not None:
            timer.cancel()

    def _send_away(self, transport: asyncio.BaseTransport) -> None:
        self.let_out(transport)
        if isinstance(transport, asyncio.Transport):
            transport.abort()  # nothing is sent any more: a peer that does not read would hold it open


class _Guarded(asyncio.Protocol):
    """One connection, known to the doorkeeper; all else is the protocol's own affair."""

    def __init__(self, protocol: asyncio.Protocol, doorkeeper: Doorkeeper) -> None:
        self._protocol = protocol
        self._doorkeeper = doorkeeper
        self._transport: asyncio.BaseTransport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._doorkeeper.let_in(transport)
        self._protocol.connection_made(transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._doorkeeper.let_out(self._transport)
        self._protocol.connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        self._protocol.data_received(data)

    @override
    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()

    @override
    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    @override
    def resume_writing(self) -> None:
        self._protocol.resume_writing()


@contextlib.asynccontextmanager
async def serving(
    app: web.Application, port: int, doorkeeper: Doorkeeper | None = None
) -> AsyncIterator[None]:
    """An application on all interfaces of the pod while the context lasts."""
    runner = web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=1,
        max_line_size=LONGEST_LINE,
        max_field_size=LONGEST_LINE,
        lingering_time=0,
    )
    await runner.setup()
    guard = Doorkeeper() if doorkeeper is None else doorkeeper
    protocol = runner.server
    assert protocol is not None  # noqa: S101  (it is there after `setup`)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Guarded(protocol(), guard), port=port)
    try:
        yield
    finally:
        server.close()
        await runner.cleanup()


def probes(
    *,
    stuck_for: Callable[[], float],
    ready: Callable[[], bool],
    source: Callable[[], str] = lambda: "",
) -> web.Application:
    """`/healthz` fails when work hangs, `/readyz` until the watches are established.

    `/sourcez` says what was found out about Prometheus; it never fails, as a release may be first.
    """

    async def healthz(_: web.Request) -> web.Response:
        age = stuck_for()
        return _only(
            web.Response(
                status=200 if age < STUCK_AFTER else 503,
                text=f"nothing has moved for {age:.0f} s\n",
            )
        )

    async def readyz(_: web.Request) -> web.Response:
        is_ready = ready()
        return _only(web.Response(status=200 if is_ready else 503, text="ready\n" * is_ready))

    async def sourcez(_: web.Request) -> web.Response:
        return _only(web.Response(text=f"{source()}\n"))

    app = web.Application()
    routes = {"/healthz": healthz, "/readyz": readyz, "/sourcez": sourcez}
    app.add_routes([web.get(path, answer) for path, answer in routes.items()])
    return app


def metrics(
    registry: CollectorRegistry,
    token_file: str | None = None,
    refresh: Callable[[], None] = lambda: None,
) -> web.Application:
    """`/metrics` in Prometheus' text format, rendered once a second however many ask.

    Args:
        registry: what is shown.
        token_file: file with the bearer token that whoever asks has to have; nobody needs one if None.
        refresh: called on the event loop before it is shown.
    """
    rendering = _Rendering(registry, refresh)

    async def show(request: web.Request) -> web.Response:
        if token_file is not None and not _knows(request, token_file):
            return _only(web.Response(status=401, headers={"WWW-Authenticate": "Bearer"}))
        body = await rendering.text()
        return _only(web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST}))

    app = web.Application()
    app.add_routes([web.get("/metrics", show)])
    return app


class _Rendering:
    """The text of all metrics: thousands of models take a while, so it is made in a thread."""

    def __init__(self, registry: CollectorRegistry, refresh: Callable[[], None]) -> None:
        self._registry = registry
        self._refresh = refresh
        self._lock = asyncio.Lock()
        self._made_at = -RENDERED_AT_MOST_EVERY
        self._text = b""

    async def text(self) -> bytes:
        """The text, at most a second old."""
        async with self._lock:
            clock = asyncio.get_running_loop().time
            if clock() >= self._made_at + RENDERED_AT_MOST_EVERY:
                self._refresh()
                self._text = await asyncio.to_thread(generate_latest, self._registry)
                self._made_at = clock()
            return self._text


def _knows(request: web.Request, token_file: str) -> bool:
    """Whether a request carries the token that stands in the file now; a token that is none fits none."""
    try:
        token = Path(token_file).read_bytes().strip()
    except OSError:
        return False
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    is_it = hmac.compare_digest(given.strip().encode(errors="replace"), token)
    return bool(token) and kind.lower() == "bearer" and is_it


def _only(response: web.Response) -> web.Response:
    """The one answer of its connection: nobody keeps one open between questions."""
    response.force_close()
    return response
