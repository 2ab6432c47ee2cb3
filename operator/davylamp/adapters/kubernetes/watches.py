"""All objects of a kind: listed in pages, then watched from the version of the list.

A watch that goes on from the version at which an earlier one ended loses nothing, so lists are needed
only at the beginning, and where the API server does not keep that version any more.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from kubernetes.aio.client import ApiClient

from davylamp.adapters.errors import Expired, Retryable
from davylamp.adapters.kubernetes.apiserver import ApiRequest, ApiServer, OnRequest
from davylamp.adapters.kubernetes.resources import ObjectAddress, Resource, resource_of
from davylamp.schema.json import JsonObject, entries, integer, section, text

PAGE: Final = 500
"""Objects in one answer: some megabytes at most."""
LIST_TIMEOUT: Final = 30.0
SILENCE: Final = 150.0
"""Seconds without a byte after which a watch is opened anew: the API server sends a bookmark a minute."""
_GONE: Final = 410


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list; all parts show the cluster at one version."""

    items: tuple[JsonObject, ...]
    version: str
    more: str = ""
    """What asks for the next part; empty at the end."""


class Change(NamedTuple):
    """What a watch tells: `ADDED`, `MODIFIED`, `DELETED`, or `BOOKMARK` for nothing but a version."""

    type: str
    item: JsonObject


class Watchable(Protocol):
    """What keeping track of a kind needs of a cluster; raises no other errors than `OperatorError`."""

    async def page(
        self, kind: str, namespace: str | None, *, labels: Mapping[str, str], after: str = ""
    ) -> Page:
        """A part of the list of objects with these labels, in one namespace or (None) in all.

        Raises:
            Expired: the list took too long, begin again.
        """

    def changes(
        self, kind: str, namespace: str | None, *, labels: Mapping[str, str], since: str, lasts: int
    ) -> AsyncIterator[Change]:
        """The changes after a version, for some seconds.

        Raises:
            Expired: changes after that version are not known any more, list anew.
        """


class KubernetesWatches:
    """`Watchable` on a real API server.

    Args:
        client: from `davylamp.adapters.kubernetes.connection.connect`.
        on_request: called after every request; for a watch when it begins.
    """

    def __init__(
        self,
        client: ApiClient,
        *,
        on_request: OnRequest = lambda _verb, _kind, _status, _seconds: None,
    ) -> None:
        self._server = ApiServer(client, timeout=LIST_TIMEOUT, on_request=on_request)

    async def page(
        self, kind: str, namespace: str | None, *, labels: Mapping[str, str], after: str = ""
    ) -> Page:
        """See `Watchable.page`."""
        address = ObjectAddress(resource_of(kind), namespace)
        query = {"limit": str(PAGE), **_selected(labels)}
        if after:
            query["continue"] = after
        answer = await self._server.send(
            ApiRequest(verb="list", method="GET", address=address, query=query)
        )
        described = section(answer, "metadata")
        version = text(described, "resourceVersion")
        if not version or "items" not in answer:
            raise Retryable(f"list {address}: the answer is no list")
        items = tuple(_named(item, address.resource) for item in entries(answer, "items"))
        return Page(items, version, text(described, "continue"))

    async def changes(
        self, kind: str, namespace: str | None, *, labels: Mapping[str, str], since: str, lasts: int
    ) -> AsyncIterator[Change]:
        """See `Watchable.changes`."""
        address = ObjectAddress(resource_of(kind), namespace)
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": since,
            "timeoutSeconds": str(lasts),
            **_selected(labels),
        }
        request = ApiRequest(verb="watch", method="GET", address=address, query=query)
        async for line in self._server.stream(request, silence=SILENCE):
            change = Change(text(line, "type"), section(line, "object"))
            if change.type == "ERROR":
                raise _ended(request, change.item)
            yield Change(change.type, _named(change.item, address.resource))


def _ended(request: ApiRequest, status: JsonObject) -> Retryable:
    """Why a watch ended early."""
    message = f"{request}: {text(status, 'message')}"
    return Expired(message) if integer(status, "code") == _GONE else Retryable(message)


def _selected(labels: Mapping[str, str]) -> dict[str, str]:
    selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    return {"labelSelector": selector} if selector else {}


def _named(item: JsonObject, resource: Resource) -> JsonObject:
    """An object with the apiVersion and kind that lists of built-in kinds omit."""
    return {"apiVersion": resource.api_version, "kind": resource.kind} | item
