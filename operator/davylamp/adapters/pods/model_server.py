"""Asks one pod of a model, which may run anybody's code: bounded in time, size and direction.

The address is the pod's own, never one that a resource or an answer names: no redirect is followed,
no proxy of the environment used, and nothing of an answer but what a check names leaves this process.
"""

import json
from dataclasses import dataclass
from typing import Final, Protocol

import aiohttp

from davylamp.adapters.pods.session import open_session
from davylamp.checks import Answered, Declined, Reply, Silent
from davylamp.schema.json import Json, JsonObject

TIMEOUT: Final = 5.0
"""Seconds for one request, connection included."""
LARGEST: Final = 4 * 1024 * 1024
"""Bytes of an answer that are read."""
BUSY: Final = frozenset({408, 425, 429, 502, 503, 504})
"""Codes that say "not now"."""
OK: Final = 200


@dataclass(frozen=True, slots=True)
class PodAddress:
    """A pod that can be asked. `uid` distinguishes pods of one name."""

    name: str
    uid: str
    host: str
    port: int


class ModelServer(Protocol):
    """The part of docs/model-server.md that the checks use."""

    async def get(self, pod: PodAddress, path: str) -> Reply:
        """Ask for a document."""

    async def post(self, pod: PodAddress, path: str, body: JsonObject) -> Reply:
        """Send a document."""


class HttpModelServer:
    """`ModelServer` over HTTP, with a new connection for every question; `aclose` ends it.

    Args:
        timeout: seconds for one question, connection included.
        largest: bytes of an answer that are read.
    """

    def __init__(self, *, timeout: float = TIMEOUT, largest: int = LARGEST) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._largest = largest
        self._session: aiohttp.ClientSession | None = None

    async def aclose(self) -> None:
        """Close the session; the next question would open another."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(self, pod: PodAddress, path: str) -> Reply:
        """See `ModelServer.get`."""
        return await self._ask(pod, "GET", path, None)

    async def post(self, pod: PodAddress, path: str, body: JsonObject) -> Reply:
        """See `ModelServer.post`."""
        return await self._ask(pod, "POST", path, body)

    async def _ask(self, pod: PodAddress, method: str, path: str, body: JsonObject | None) -> Reply:
        host = f"[{pod.host}]" if ":" in pod.host else pod.host
        url = f"http://{host}:{pod.port}{path}"
        asked = f"{method} {path}"
        try:
            async with self._opened().request(
                method, url, json=body, allow_redirects=False
            ) as answer:
                return await self._reply(asked, answer)
        except TimeoutError:
            return Silent(f"pod {pod.name}: {asked} gave no answer within {self._timeout.total} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Silent(f"pod {pod.name}: {asked}: {type(error).__name__}")

    async def _reply(self, asked: str, answer: aiohttp.ClientResponse) -> Reply:
        if answer.status in BUSY:
            return Silent(f"{asked} answered {answer.status}")
        if answer.status != OK:
            return Declined(f"{asked} answered {answer.status}", answer.status)
        text = bytearray()
        async for chunk in answer.content.iter_any():
            text += chunk
            if len(text) > self._largest:
                return Declined(f"{asked} answered more than {self._largest} bytes")
        try:
            return Answered(_parsed(bytes(text)))
        except (ValueError, RecursionError):
            return Declined(f"{asked} answered no JSON")

    def _opened(self) -> aiohttp.ClientSession:
        """The session, opened with the first question: it belongs to the running event loop."""
        if self._session is None:
            connector = aiohttp.TCPConnector(force_close=True)
            self._session = open_session(self._timeout, connector, accept="application/json")
        return self._session


def _parsed(text: bytes) -> Json:
    """JSON as in its standard: without NaN and Infinity."""
    document: Json = json.loads(text, parse_constant=_refuse)
    return document


def _refuse(constant: str) -> float:
    raise ValueError(constant)
