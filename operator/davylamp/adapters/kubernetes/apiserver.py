"""One HTTP request to the API server: sent, limited in time, counted, its errors translated.

`kubernetes.aio` does kubeconfig, service accounts, TLS, rotating tokens and pooling. Objects are
plain dicts: its typed models validate, and cannot hold the partial objects of server-side apply.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import aiohttp
from kubernetes.aio.client import ApiClient
from kubernetes.aio.client.api_client import RequestSerialized
from kubernetes.aio.config import ConfigException
from typing_extensions import override

from davylamp.adapters.errors import Retryable
from davylamp.adapters.kubernetes.api_errors import api_error
from davylamp.adapters.kubernetes.bodies import TooLongError, items, lines, whole
from davylamp.adapters.kubernetes.resources import ObjectAddress
from davylamp.adapters.kubernetes.stored import LONGEST, read_stored
from davylamp.schema.json import JsonObject
from davylamp.schema.outlines import ListSplitter
from davylamp.schema.weight import Budget, UnreadableJsonError, read_json

OnRequest = Callable[[str, str, int, float], None]
"""Called after every request: verb, kind, HTTP status (0 without an answer), seconds."""

JSON_BODY: Final = "application/json"
APPLY_BODY: Final = "application/apply-patch+yaml"
JSON_PATCH: Final = "application/json-patch+json"
MERGE_BODY: Final = "application/merge-patch+json"
_PATIENCE: Final = 4
"""How many times as long as other answers a list may take as long as it comes."""
_AROUND: Final = Budget(64 * 1024, 8, 1_000)
"""What a list has beside its items."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """What to ask: `verb` is the word of RBAC, metrics and messages, `method` that of HTTP."""

    verb: str
    method: str
    address: ObjectAddress
    subresource: tuple[str, ...] = ()
    query: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    body: JsonObject | list[JsonObject] | None = None
    content_type: str = JSON_BODY
    timeout: float | None = None
    """Seconds for the whole request where it may take longer than others."""

    @override
    def __str__(self) -> str:
        return f"{self.verb} {self.address}"


class ApiServer:
    """The API server behind one client.

    Args:
        client: owns connections and credentials.
        timeout: seconds for one whole request, including the wait for a connection.
        on_request: called after every request.
    """

    def __init__(self, client: ApiClient, *, timeout: float, on_request: OnRequest) -> None:
        self._client = client
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._on_request = on_request

    async def send(
        self, request: ApiRequest, *, before: Callable[[], None] = lambda: None
    ) -> JsonObject:
        """Send a request and return the object of the answer; its outline where it is too heavy.

        Args:
            request: what to ask.
            before: called right before the first byte is sent; raises to prevent that.

        Raises:
            OperatorError: an error answer, no answer in time, no connection, no credentials.
        """
        call = await self._prepare(request)
        before()
        clock = asyncio.get_running_loop().time
        started, status = clock(), 0
        try:
            status, headers, body = await self._exchange(request, call)
        finally:
            kind = request.address.resource.kind
            self._on_request(request.verb, kind, status, clock() - started)
        if not 200 <= status <= 299:
            raise api_error(
                verb=request.verb,
                address=request.address,
                status=status,
                headers=headers,
                body=body,
            )
        answer = read_stored(body, request.address.resource.kind)
        if answer is None:
            raise Retryable(f"{request}: the answer is not a JSON object")
        return answer

    async def stream(self, request: ApiRequest, *, silence: float) -> AsyncIterator[bytes | None]:
        """Send a request and return the lines of its answer as they come; None for one that is too long.

        Args:
            request: what to ask.
            silence: seconds without a byte after which the connection counts as dead.

        Raises:
            OperatorError: an error answer, a connection that broke or fell silent, no credentials.
        """
        timeout = aiohttp.ClientTimeout(sock_connect=self._timeout.total, sock_read=silence)
        async with self._answer(request, timeout) as response:
            async for line in lines(response.content):
                yield line

    async def listed(
        self, request: ApiRequest, *, most: int
    ) -> tuple[list[bytes | None], JsonObject] | None:
        """Ask for a list; returns the texts of its items, and the list without them.

        An item that is too long to be kept is None, and all of it is None where the items together have
        more than `most` bytes.

        Raises:
            OperatorError: as `send`.
        """
        splitter, texts, size = ListSplitter(LONGEST), list[bytes | None](), 0
        silence = self._timeout.total or 0.0
        timeout = aiohttp.ClientTimeout(total=_PATIENCE * silence, sock_read=silence)
        async with self._answer(request, timeout) as response:
            async for item in items(response.content, splitter):
                texts.append(item)
                size += len(item or b"")
                if size > most:
                    return None
        try:
            around = read_json(splitter.around() or b"", _AROUND)
        except UnreadableJsonError as error:
            raise Retryable(f"{request}: the answer {error}") from None
        if not isinstance(around, dict) or "items" not in around:
            raise Retryable(f"{request}: the answer is no list")
        return texts, around

    @contextlib.asynccontextmanager
    async def _answer(
        self, request: ApiRequest, timeout: aiohttp.ClientTimeout
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer that is no error, while it comes."""
        call = await self._prepare(request)
        async with self._open(request, call, timeout) as response:
            if not 200 <= response.status <= 299:
                raise api_error(
                    verb=request.verb,
                    address=request.address,
                    status=response.status,
                    headers=response.headers,
                    body=await whole(response.content),
                )
            yield response

    @contextlib.asynccontextmanager
    async def _open(
        self, request: ApiRequest, call: RequestSerialized, timeout: aiohttp.ClientTimeout
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer while it comes; closed at the end, and what breaks is translated."""
        method, url, headers, body, post = call
        clock, kind = asyncio.get_running_loop().time, request.address.resource.kind
        response: aiohttp.ClientResponse | None = None
        started = clock()
        try:
            answer = await self._client.call_api(
                method, url, headers, body, post, _request_timeout=timeout
            )
            response = answer.response
            self._on_request(request.verb, kind, response.status, clock() - started)
            yield response
        except TimeoutError as error:
            raise Retryable(f"{request}: the API server fell silent") from error
        except (aiohttp.ClientError, OSError, TooLongError) as error:
            raise Retryable(f"{request}: {type(error).__name__}") from error
        finally:
            if response is None:
                self._on_request(request.verb, kind, 0, clock() - started)
            else:
                response.close()

    async def _prepare(self, request: ApiRequest) -> RequestSerialized:
        """URL, headers and body; reads the token again when it is due."""
        try:
            return await self._client.param_serialize(
                request.method,
                request.address.path(*request.subresource),
                query_params=list(request.query.items()),
                header_params={"Accept": JSON_BODY, "Content-Type": request.content_type},
                body=request.body,
                auth_settings=["BearerToken"],
            )
        except (ConfigException, OSError) as error:
            raise Retryable(f"{request}: no credentials: {type(error).__name__}") from error

    async def _exchange(
        self, request: ApiRequest, call: RequestSerialized
    ) -> tuple[int, Mapping[str, str], bytes]:
        method, url, headers, body, post = call
        timeout = aiohttp.ClientTimeout(total=request.timeout or self._timeout.total)
        try:
            answer = await self._client.call_api(
                method, url, headers, body, post, _request_timeout=timeout
            )
            content = await whole(answer.response.content)
        except TimeoutError as error:
            message = f"{request}: no answer within {timeout.total} s"
            raise Retryable(message) from error
        except (aiohttp.ClientError, OSError, TooLongError) as error:
            raise Retryable(f"{request}: {type(error).__name__}") from error
        return answer.status, answer.headers, content
