"""A filter for a client that parses whatever it gets: it is told which objects changed, and no more.

A library that watches by itself parses lists and changes as a whole, on the event loop, and keeps
them. So each object is taken out of the answer, read within its budget and handed to whom it may
concern, and its name and version are all that goes on.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Final, TypeAlias, cast

import aiohttp

from davylamp.adapters.kubernetes.bodies import items, lines
from davylamp.adapters.kubernetes.resources import Resource
from davylamp.adapters.kubernetes.stored import (
    LONGEST,
    identity,
    read_change,
    read_short,
    read_stored,
)
from davylamp.schema.json import JsonObject, integer, section
from davylamp.schema.outlines import ListSplitter

OnItem: TypeAlias = Callable[[str, JsonObject], bool]
"""Called with the type of a change, `LISTED` for an item of a list, and the object; says if it is news."""
LISTED: Final = "LISTED"
PAUSE: Final = 2.0
"""Seconds before an answer that is none ends: whoever asks again does so at once."""
_GONE: Final = 410
_ANEW: Final[JsonObject] = {"type": "ERROR", "object": {"kind": "Status", "code": _GONE}}
"""What makes a client list anew; any other error would end it."""


class ObjectFilter:
    """A middleware for `aiohttp.ClientSession`: lists and watches of one kind pass through it.

    Args:
        resource: the kind.
        on_item: takes the objects in.
        on_passed_over: called with the kind of an object whose name was not found.
    """

    def __init__(
        self, resource: Resource, *, on_item: OnItem, on_passed_over: Callable[[str], None]
    ) -> None:
        self._resource = resource
        self._on_item = on_item
        self._on_passed_over = on_passed_over

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Ask, and filter what is answered."""
        response = await handler(request)
        is_ours = request.url.path.rsplit("/", 1)[-1] == self._resource.plural
        if request.method == "GET" and is_ours and response.status < 400:
            content = response.content
            is_watch = "watch" in request.url.query
            parts = self._changes(content) if is_watch else self._list(content)
            filtered = _Filtered(parts, content)
            response.content = cast("aiohttp.StreamReader", filtered)
        return response

    async def _list(self, content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
        splitter, is_first = ListSplitter(LONGEST), True
        yield b'{"items":['
        async for text in items(content, splitter):
            item = None if text is None else self._read(text)
            if item is None:
                continue
            self._on_item(LISTED, item)
            yield (b"" if is_first else b",") + _text(identity(item))
            is_first = False
        around = read_short(splitter.around() or b"")
        if not isinstance(around, dict) or "items" not in around:
            await asyncio.sleep(PAUSE)
            raise aiohttp.ClientPayloadError("the answer is no list")
        yield b"]," + _text({k: v for k, v in around.items() if k != "items"})[1:]

    async def _changes(self, content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
        async for line in lines(content):
            if line is None:
                self._on_passed_over(self._resource.kind)
                continue
            change = read_change(line)
            if change is None:
                await asyncio.sleep(PAUSE)
                raise aiohttp.ClientPayloadError("a line of the answer is no change")
            told = await self._change(*change)
            if told is not None:
                yield _text(told) + b"\n"

    async def _change(self, change: str, text: bytes) -> JsonObject | None:
        """What is told of a change: that is news, or only a version."""
        if change == "ERROR":
            error = read_short(text)
            if not isinstance(error, dict) or integer(error, "code") != _GONE:
                await asyncio.sleep(PAUSE)
            return _ANEW
        item = read_stored(text, self._resource.kind) if change == "BOOKMARK" else self._read(text)
        if item is None:
            return None
        is_news = change != "BOOKMARK" and self._on_item(change, item)
        return {"type": change if is_news else "BOOKMARK", "object": identity(item)}

    def _read(self, text: bytes) -> JsonObject | None:
        item = read_stored(text, self._resource.kind)
        if item is None or not section(item, "metadata").get("name"):
            self._on_passed_over(self._resource.kind)
            return None
        return {"apiVersion": self._resource.api_version, "kind": self._resource.kind} | item


class _Filtered:
    """A body that is made while it is read: as much of `aiohttp.StreamReader` as is used of it.

    Whatever else a client may want of a body fails, so that nothing gets past the filter.

    Args:
        parts: of the body.
        source: what it is made from; it has the state of the connection.
    """

    def __init__(self, parts: AsyncIterator[bytes], source: aiohttp.StreamReader) -> None:
        self._parts = parts
        self.exception = source.exception
        self.set_exception = source.set_exception

    async def read(self) -> bytes:
        """All of it."""
        return b"".join([part async for part in self._parts])

    def iter_any(self) -> AsyncIterator[bytes]:
        """What there is, as it comes."""
        return self._parts

    def iter_chunked(self, _most: int) -> AsyncIterator[bytes]:
        """What there is, as it comes: parts are short."""
        return self._parts


def _text(value: JsonObject) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
