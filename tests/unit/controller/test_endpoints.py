"""Whoever reaches the operator's ports keeps it neither from its work nor a kubelet from its probe."""

import asyncio
import contextlib
import time

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter

from davylamp.controller import endpoints
from davylamp.controller.endpoints import Doorkeeper

DEADLINE = 10.0


@pytest.fixture
async def port(unused_tcp_port):
    probes = endpoints.probes(stuck_for=lambda: 0.0, ready=lambda: True)
    async with endpoints.serving(probes, unused_tcp_port, Doorkeeper(most=8, longest=0.5)):
        yield unused_tcp_port


async def get(port, path, **headers):
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DEADLINE)) as http,
        http.get(f"http://127.0.0.1:{port}{path}", headers=headers) as answer,
    ):
        return answer.status, await answer.read()


@contextlib.asynccontextmanager
async def connections(port, number, first=b""):
    """Clients that connect, send what they send, and then nothing."""
    async with asyncio.timeout(DEADLINE):
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(number)]
    for _, writer in opened:
        writer.write(first)
    try:
        yield opened
    finally:
        for _, writer in opened:
            writer.close()


async def ended(reader):
    """Whether the other side ends a connection within the deadline."""
    async with asyncio.timeout(DEADLINE):
        try:
            while await reader.read(65536):
                pass
        except ConnectionError:
            pass
        return True


@pytest.mark.parametrize("first", [b"", b"GET /healthz HTTP/1.1\r\nX: "])
async def test_connections_that_say_nothing_keep_no_probe_from_its_answer(port, first):
    async with connections(port, 100, first):
        assert await get(port, "/healthz") == (200, b"nothing has moved for 0 s\n")


async def test_a_connection_ends_in_time_however_slowly_its_request_comes(port):
    async with connections(port, 1, b"GET /heal") as ((reader, writer),):
        trickle = asyncio.create_task(_trickle(writer))
        assert await ended(reader)
        trickle.cancel()


async def _trickle(writer):
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(b"t")
            await writer.drain()
            await asyncio.sleep(0.05)  # a client that takes its time is what is tested


async def test_a_connection_ends_in_time_though_nobody_reads_its_answer(unused_tcp_port):
    registry = CollectorRegistry()
    counter = Counter("many", "x" * 1000, ["label"], registry=registry)
    for number in range(20_000):
        counter.labels("y" * 200 + str(number)).inc()
    doorkeeper = Doorkeeper(longest=1.0)
    async with (
        endpoints.serving(endpoints.metrics(registry), unused_tcp_port, doorkeeper),
        connections(unused_tcp_port, 3, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"),
        asyncio.timeout(DEADLINE),
    ):
        while not doorkeeper:  # noqa: ASYNC110  (nothing there could set an event)
            await asyncio.sleep(0.01)
        while doorkeeper:  # noqa: ASYNC110  (the same)
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("path", ["/healthz", "/nothing"])
async def test_long_headers_are_refused(port, path):
    with contextlib.suppress(aiohttp.ClientError):
        status, _ = await get(port, path, **{"X-Long": "a" * 10_000})
        assert status == 400
    with contextlib.suppress(aiohttp.ClientError):
        status, _ = await get(port, "/" + "a" * 10_000)
        assert status == 400
    assert (await get(port, "/readyz"))[0] == 200


async def test_nobody_keeps_a_connection_for_the_next_question(port):
    async with connections(port, 1, b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n") as ((reader, _),):
        assert await ended(reader)


async def test_metrics_are_rendered_once_a_second_however_many_ask(unused_tcp_port, monkeypatch):
    rendered = []
    make = endpoints.generate_latest
    monkeypatch.setattr(
        endpoints, "generate_latest", lambda registry: rendered.append(1) or make(registry)
    )
    began = time.monotonic()
    async with endpoints.serving(endpoints.metrics(CollectorRegistry()), unused_tcp_port):
        answers = await asyncio.gather(*(get(unused_tcp_port, "/metrics") for _ in range(50)))
    assert {status for status, _ in answers} == {200}
    assert len(rendered) <= 1 + (time.monotonic() - began) / endpoints.RENDERED_AT_MOST_EVERY


async def test_metrics_are_for_whoever_has_the_token_where_one_is_set(unused_tcp_port, tmp_path):
    token = tmp_path / "token"
    app = endpoints.metrics(CollectorRegistry(), str(token))

    async def status(given):
        headers = {} if given is None else {"Authorization": given}
        return (await get(unused_tcp_port, "/metrics", **headers))[0]

    async with endpoints.serving(app, unused_tcp_port):
        assert await status("Bearer ") == 401
        token.write_text("")
        assert await status("Bearer ") == 401
        token.write_text("first\n")
        given = (None, "Bearer", "Bearer second", "Basic first", "first", "Bearer first")
        assert [await status(text) for text in given] == [401, 401, 401, 401, 401, 200]
        token.write_text("second")
        assert await status("Bearer first") == 401
        assert await status("bearer second") == 200
