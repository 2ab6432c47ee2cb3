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
from davylamp.adapters.kubernetes.api_errors import api_error, json_object
from davylamp.adapters.kubernetes.resources import ObjectAddress, Resource
from davylamp.schema.json import JsonObject

OnRequest = Callable[[str, str, int, float], None]
"""Called after every request: verb, kind, HTTP status (0 without an answer), seconds."""

JSON_BODY: Final = "application/json"
APPLY_BODY: Final = "application/apply-patch+yaml"
JSON_PATCH: Final = "application/json-patch+json"
MERGE_BODY: Final = "application/merge-patch+json"


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
        """Send a request and return the JSON object of the answer.

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
        answer = json_object(body)
        if answer is None:
            raise Retryable(f"{request}: the answer is not a JSON object")
        return answer

    async def stream(self, request: ApiRequest, *, silence: float) -> AsyncIterator[JsonObject]:
        """Send a request and return the JSON objects of its answer, one a line, as they come.

        Args:
            request: what to ask.
            silence: seconds without a byte after which the connection counts as dead.

        Raises:
            OperatorError: an error answer, a connection that broke or fell silent, no credentials.
        """
        call = await self._prepare(request)
        timeout = aiohttp.ClientTimeout(sock_connect=self._timeout.total, sock_read=silence)
        clock = asyncio.get_running_loop().time
        started, kind = clock(), request.address.resource.kind
        async with self._open(request, call, timeout) as response:
            self._on_request(request.verb, kind, response.status, clock() - started)
            if not 200 <= response.status <= 299:
                raise api_error(
                    verb=request.verb,
                    address=request.address,
                    status=response.status,
                    headers=response.headers,
                    body=await response.read(),
                )
            async for line in _lines(response.content):
                answer = json_object(line)
                if answer is None:
                    raise Retryable(f"{request}: a line of the answer is not a JSON object")
                yield answer

    @contextlib.asynccontextmanager
    async def _open(
        self, request: ApiRequest, call: RequestSerialized, timeout: aiohttp.ClientTimeout
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer while it comes; closed at the end, and what breaks is translated."""
        method, url, headers, body, post = call
        response: aiohttp.ClientResponse | None = None
        try:
            answer = await self._client.call_api(
                method, url, headers, body, post, _request_timeout=timeout
            )
            response = answer.response
            yield response
        except TimeoutError as error:
            raise Retryable(f"{request}: the API server fell silent") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Retryable(f"{request}: {type(error).__name__}") from error
        finally:
            if response is not None:
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
            response = await self._client.call_api(
                method, url, headers, body, post, _request_timeout=timeout
            )
            content: bytes = await response.read()  # type: ignore[no-untyped-call]
        except TimeoutError as error:
            message = f"{request}: no answer within {timeout.total} s"
            raise Retryable(message) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Retryable(f"{request}: {type(error).__name__}") from error
        return response.status, response.headers, content


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """The lines of a stream, however long: one object of Kubernetes may be over a megabyte."""
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line


def items_of(answer: JsonObject, resource: Resource) -> list[JsonObject]:
    """Items of a list, with the apiVersion and kind that lists of built-in kinds omit."""
    items = answer.get("items")
    if not isinstance(items, list):
        raise Retryable(f"list {resource.kind}: the answer has no items")
    named: JsonObject = {"apiVersion": resource.api_version, "kind": resource.kind}
    return [named | item for item in items if isinstance(item, dict)]
