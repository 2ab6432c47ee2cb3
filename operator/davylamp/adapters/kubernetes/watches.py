"""All objects of a kind: listed in pages, then watched from the version of the list.

What tenants write is weighed before it is parsed: an object that is too heavy comes in outline, and one
of which not even the name is found is passed over. Neither ends a list or a watch.

A watch that goes on from the version at which an earlier one ended loses nothing, so lists are needed
only at the beginning, and where the API server does not keep that version any more.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, TypeAlias

from kubernetes.aio.client import ApiClient
from typing_extensions import override

from davylamp.adapters.errors import Expired, Retryable
from davylamp.adapters.kubernetes.apiserver import ApiRequest, ApiServer, OnRequest
from davylamp.adapters.kubernetes.resources import ObjectAddress, Resource, resource_of
from davylamp.adapters.kubernetes.stored import read_change, read_stored
from davylamp.schema.json import JsonObject, integer, section, text

PAGES: Final = (500, 50, 5)
"""Objects in one answer: some megabytes as a rule. Fewer are asked for where tenants fill them up."""
_GROWTH: Final = 20
"""How much more than a page may be in the next larger one, and some reserve."""
PAGE_SIZE: Final = 24 * 2**20
"""Bytes of one answer that are kept until they are read, far above those of five objects."""
LIST_TIMEOUT: Final = 30.0
SILENCE: Final = 150.0
"""Seconds without a byte after which a watch is opened anew: the API server sends a bookmark a minute."""
_GONE: Final = 410
OnPassedOver: TypeAlias = Callable[[str], None]
"""Called with the kind of an object that nobody can be told of: its name was not found."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list; all parts show the cluster at one version."""

    items: Iterable[JsonObject]
    """Read one by one, when they are asked for."""
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
        on_request: called after every request; for lists and watches when the answer begins.
        on_passed_over: called with the kind of each object that was passed over.
    """

    def __init__(
        self,
        client: ApiClient,
        *,
        on_request: OnRequest = lambda _verb, _kind, _status, _seconds: None,
        on_passed_over: OnPassedOver = lambda _kind: None,
    ) -> None:
        self._server = ApiServer(client, timeout=LIST_TIMEOUT, on_request=on_request)
        self._on_passed_over = on_passed_over
        self._fewer: dict[str, int] = {}
        """Which of the sizes of a page was small enough lately, by kind."""

    async def page(
        self, kind: str, namespace: str | None, *, labels: Mapping[str, str], after: str = ""
    ) -> Page:
        """See `Watchable.page`."""
        address = ObjectAddress(resource_of(kind), namespace)
        for number in range(self._fewer.get(kind, 0), len(PAGES)):
            query = {"limit": str(PAGES[number]), **_selected(labels)}
            if after:
                query["continue"] = after
            request = ApiRequest(verb="list", method="GET", address=address, query=query)
            answer = await self._server.listed(request, most=PAGE_SIZE)
            if answer is None:
                continue
            texts, around = answer
            described = section(around, "metadata")
            version = text(described, "resourceVersion")
            if not version:
                raise Retryable(f"list {address}: the answer is no list")
            size = sum(len(content or b"") for content in texts)
            self._fewer[kind] = number - (number > 0 and size < PAGE_SIZE / _GROWTH)
            read = _Items(texts, address.resource, self._on_passed_over)
            return Page(read, version, text(described, "continue"))
        raise Retryable(f"list {address}: {PAGES[-1]} objects have more than {PAGE_SIZE:,} bytes")

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
            change = None if line is None else _change(request, line)
            if change is None:
                self._on_passed_over(kind)
                continue
            if change.type == "ERROR":
                raise _ended(request, change.item)
            yield change


class _Items(Iterable[JsonObject]):
    """The items of a page: parsed one at a time, and dropped when they have been looked at.

    Args:
        texts: of the items; None for one that was too long.
        resource: of which kind they are.
        on_passed_over: called for each that has no name.
    """

    def __init__(
        self, texts: Iterable[bytes | None], resource: Resource, on_passed_over: OnPassedOver
    ) -> None:
        self._texts = texts
        self._resource = resource
        self._on_passed_over = on_passed_over

    @override
    def __iter__(self) -> Iterator[JsonObject]:
        for content in self._texts:
            item = None if content is None else read_stored(content, self._resource.kind)
            if item is None:
                self._on_passed_over(self._resource.kind)
            else:
                yield _named(item, self._resource)


def _change(request: ApiRequest, line: bytes) -> Change | None:
    """What a line of a watch tells; None where the name of the object is not found."""
    parts = read_change(line)
    if parts is None:
        raise Retryable(f"{request}: a line of the answer is no change")
    resource = request.address.resource
    item = read_stored(parts[1], resource.kind)
    return None if item is None else Change(parts[0], _named(item, resource))


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
