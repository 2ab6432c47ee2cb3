"""A pod's answers over real HTTP: what is one, what is none, and what is never waited for."""

import gzip
import socket
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.support.fakehttp import FakeHttp, Response, serving

from davylamp.adapters.pods.model_server import HttpModelServer, PodAddress
from davylamp.adapters.reading.reader import Reader
from davylamp.checks import Declined, Received, Silent

POD = "risk-4be2-abcde"


@pytest.fixture
def pod() -> Iterator[FakeHttp]:
    """A server on loopback that answers what a test wants."""
    with serving(lambda _request: Response({"format": "v1"})) as pod:
        yield pod


@pytest.fixture
def address(pod) -> PodAddress:
    return PodAddress(POD, "uid-1", "127.0.0.1", pod.server_port)


@pytest.fixture
async def server() -> AsyncIterator[HttpModelServer]:
    reader = Reader()
    yield HttpModelServer(reader, timeout=0.5, largest=1000)
    await reader.aclose()


def answer(**options):
    return lambda _request: Response(**options)


async def test_a_document_is_asked_for_and_read(server, pod, address):
    assert await server.get(address, "/manifest") == Received(b'{"format": "v1"}')
    asked = pod.requests[0]
    assert (asked.method, asked.path) == ("GET", "/manifest")
    assert asked.headers["Accept-Encoding"] == "identity"


async def test_a_document_is_sent_as_json(server, pod, address):
    await server.post(address, "/predict", b'{"rows": [{"bmi": 1.5}]}')
    assert pod.requests[0].headers.get_content_type() == "application/json"
    assert pod.requests[0].body == b'{"rows": [{"bmi": 1.5}]}'


@pytest.mark.parametrize("code", [400, 404, 422, 500, 301, 204, 401])
async def test_another_code_is_no_answer(server, pod, address, code):
    pod.answer = answer(status=code, headers={"Location": "http://169.254.169.254/"})
    assert await server.get(address, "/manifest") == Declined(
        f"GET /manifest answered {code}", code
    )
    assert len(pod.requests) == 1


@pytest.mark.parametrize("code", [429, 502, 503, 504])
async def test_a_busy_server_is_asked_again(server, pod, address, code):
    pod.answer = answer(status=code)
    assert await server.post(address, "/predict", b"{}") == Silent(f"POST /predict answered {code}")


async def test_a_packed_answer_is_not_unpacked(server, pod, address):
    pod.answer = answer(body=gzip.compress(b"[1]"), headers={"Content-Encoding": "gzip"})
    reply = await server.get(address, "/manifest")
    assert reply == Silent(f"pod {POD}: GET /manifest answers something packed")


async def test_no_more_than_the_bound_is_read(server, pod, address):
    pod.answer = answer(body=b"1" * 1001)
    reply = await server.get(address, "/manifest")
    assert reply == Declined("GET /manifest answered more than 1000 bytes")


async def test_a_server_that_hangs_is_not_waited_for(server, pod, address):
    pod.answer = answer(hangs=True)
    reply = await server.get(address, "/manifest")
    assert reply == Silent(f"pod {POD}: GET /manifest gave no answer within 0.5 s")


async def test_nobody_there_is_silence(server):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = PodAddress(POD, "uid-1", "127.0.0.1", unused.getsockname()[1])
        reply = await server.get(nobody, "/manifest")
    assert isinstance(reply, Silent)
    assert reply.problem.startswith(f"pod {POD}: GET /manifest: ConnectionRefused")


async def test_no_proxy_of_the_environment_is_used(server, pod, address, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert isinstance(await server.get(address, "/manifest"), Received)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(server, pod, address, status):
    with serving(lambda _request: Response({})) as elsewhere:
        pod.answer = answer(status=status, headers={"Location": f"{elsewhere.url}/manifest"})
        assert isinstance(await server.get(address, "/manifest"), Declined)
        assert isinstance(await server.post(address, "/predict", b"{}"), Declined)
        assert elsewhere.requests == []


async def test_cookies_are_not_kept(server, pod, address):
    pod.answer = answer(body={}, headers={"Set-Cookie": "a=1"})
    for _ in range(2):
        assert await server.get(address, "/manifest") == Received(b"{}")
    assert "Cookie" not in pod.requests[1].headers


async def test_ipv6_addresses_are_spelt_as_urls_want_them(server):
    nobody = PodAddress(POD, "uid-1", "::1", 1)
    assert isinstance(await server.get(nobody, "/manifest"), Silent)
