"""Work in the background that may take long, done side by side: namespaces in turn.

An errand is something that is asked of a pod, of Prometheus or of the API server while nobody waits
for it. Each has a name, and is under way at most once.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Hashable
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar

from davylamp.controller.fairness.turns import Turns

ErrandName = TypeVar("ErrandName", bound=Hashable)
Errand: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
_log = logging.getLogger(__name__)


class Errands(Generic[ErrandName]):
    """Runs errands; those of one namespace hold back no others.

    Args:
        share: how many of one namespace run at the same time at most; twice as many of all.
        on_end: called after each.
    """

    def __init__(self, share: int, *, on_end: Callable[[], None] = lambda: None) -> None:
        self._turns: Turns[str, ErrandName] = Turns(share)
        self._errands: dict[ErrandName, Errand] = {}
        """Those that wait."""
        self._tasks: dict[ErrandName, asyncio.Task[None]] = {}
        self._on_end = on_end

    def __contains__(self, name: object) -> bool:
        """Whether an errand waits or is under way."""
        return name in self._turns

    def start(
        self, namespace: str, name: ErrandName, errand: Errand, *, is_first: bool = False
    ) -> None:
        """Have an errand run as soon as it is its turn; nothing happens where it is there already.

        Args:
            namespace: whose turn it takes.
            name: what it is called.
            errand: what is done; it looks at the world when it begins, not when it was started.
            is_first: it comes before all others of its namespace.
        """
        if self._turns.add(namespace, name, is_first=is_first):
            self._errands[name] = errand
            self._begin()

    def drop(self, name: ErrandName) -> None:
        """Let an errand that waits not begin, and cancel one that is under way."""
        if self._turns.withdraw(name):
            del self._errands[name]
        elif name in self._tasks:
            self._tasks[name].cancel()

    async def settle(self) -> None:
        """Wait until none waits or is under way."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks.values()))

    async def end(self) -> None:
        """Drop all, and wait until those under way have ended."""
        for name in (*self._errands, *self._tasks):
            self.drop(name)
        await self.settle()

    def _begin(self) -> None:
        """Begin as many as there are slots for."""
        while (name := self._turns.take()) is not None:
            task = asyncio.create_task(self._errands.pop(name)())
            self._tasks[name] = task
            task.add_done_callback(partial(self._ended, name))

    def _ended(self, name: ErrandName, task: asyncio.Task[None]) -> None:
        """Give the slot to the next, also where it was cancelled before its first step."""
        del self._tasks[name]
        self._turns.release(name)
        if not task.cancelled() and task.exception() is not None:
            _log.error("unexpected error in the background", exc_info=task.exception())
        self._begin()
        self._on_end()
