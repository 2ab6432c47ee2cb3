"""Whose text is read next: one at a time, and each owner in turn, however much one of them sends."""

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from typing import Final

from davylamp.adapters.reading.limits import ReadingRefusedError

MOST_WAITING: Final = 64
"""Texts of one owner that wait."""


class ReadingTurns:
    """One turn at a time; owners that wait have theirs one after the other.

    So whoever waits does so for one reading of each other owner, not for all that these have.
    """

    def __init__(self) -> None:
        self._is_taken = False
        self._latest = ""
        """Who had the last turn."""
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @contextlib.asynccontextmanager
    async def turn(self, owner: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it while the context lasts.

        Raises:
            ReadingRefusedError: too many of the owner's wait already.
        """
        if self._is_taken:
            await self._wait(owner)
        self._is_taken, self._latest = True, owner
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, owner: str) -> None:
        line = self._waiting.setdefault(owner, deque())
        if len(line) >= MOST_WAITING:
            raise ReadingRefusedError(f"{MOST_WAITING} answers wait to be read already")
        mine = asyncio.get_running_loop().create_future()
        line.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Give the turn to the first of the next owner that still waits."""
        if self._latest in self._waiting:
            self._waiting.move_to_end(self._latest)
        while self._waiting:
            owner, line = self._waiting.popitem(last=False)
            first = line.popleft()
            if line:
                self._waiting[owner] = line
            if not first.done():
                first.set_result(None)
                return
        self._is_taken = False
