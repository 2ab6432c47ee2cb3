"""Bodies of answers while they come in: whole, line by line, or item by item, never without bounds."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Final, Protocol

from davylamp.adapters.kubernetes.stored import LONGEST
from davylamp.schema.outlines import ListSplitter

PART: Final = 64 * 1024
"""Bytes that are looked at before others have their turn."""


class TooLongError(ValueError):
    """A body with more bytes than are read."""


class Incoming(Protocol):
    """Bytes as they come, such as those of `aiohttp.StreamReader`."""

    def iter_any(self) -> AsyncIterator[bytes]:
        """What has come in, as soon as there is something."""


async def whole(content: Incoming, most: int = LONGEST) -> bytes:
    """All of a body.

    Raises:
        TooLongError: it is longer.
    """
    body = bytearray()
    async for part in content.iter_any():
        body += part
        if len(body) > most:
            raise TooLongError(f"more than {most:,} bytes")
    return bytes(body)


async def lines(content: Incoming, most: int = LONGEST) -> AsyncIterator[bytes | None]:
    """The lines of a stream; None for one that is longer. What comes after the last one is none."""
    line, is_too_long = bytearray(), False
    async for chunk in content.iter_any():
        first, *others = chunk.split(b"\n")
        line += first
        for following in others:
            if line or is_too_long:
                yield None if is_too_long else bytes(line)
                await asyncio.sleep(0)  # many may come at once: let others have their turn
            line, is_too_long = bytearray(following), False
        if len(line) > most:
            line, is_too_long = bytearray(), True


async def items(content: Incoming, splitter: ListSplitter) -> AsyncIterator[bytes | None]:
    """The items of a list, one at a time; None for one that is too long to be kept."""
    async for chunk in content.iter_any():
        for part in _parts(chunk):
            for item in splitter.feed(part):
                yield item
            await asyncio.sleep(0)


def _parts(chunk: bytes) -> Iterator[bytes]:
    return (chunk[at : at + PART] for at in range(0, len(chunk), PART))
