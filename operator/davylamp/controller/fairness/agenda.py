"""What is asked again and again in the background: each item when it is due, as an errand."""

import asyncio
import contextlib
import math
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, Protocol, TypeVar

from davylamp.controller.fairness.errands import Errands


class Appointment(Hashable, Protocol):
    """Something that is due at a time; never again at `math.inf`."""

    @property
    def due(self) -> float:
        """When, by the clock of its agenda."""


Item = TypeVar("Item", bound=Appointment)


class Agenda(Generic[Item]):
    """Begins what is due, and sleeps until the next is.

    Args:
        share: how many of one namespace are under way at the same time at most; twice as many of all.
        items: all that there are.
        begin: called with each that is due; it starts the item in `errands`.
        clock: seconds that never go back.

    Attributes:
        errands: those under way and those that wait for their turn.
    """

    def __init__(
        self,
        share: int,
        *,
        items: Callable[[], Iterable[Item]],
        begin: Callable[[Item], None],
        clock: Callable[[], float],
    ) -> None:
        self._items = items
        self._begin = begin
        self._clock = clock
        self._wanted = asyncio.Event()
        self.errands: Errands[Item] = Errands(share, on_end=self._wanted.set)

    def wake(self) -> None:
        """Look again: there is something new."""
        self._wanted.set()

    async def run(self) -> None:
        """Begin what is due as long as there is something; never returns."""
        try:
            while True:
                self._begin_due()
                self._wanted.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.idle_for()):
                        await self._wanted.wait()
        finally:
            await self.errands.end()

    async def poll(self) -> None:
        """Begin everything that is due once, and wait for its end."""
        self._begin_due()
        await self.errands.settle()

    def due(self) -> list[Item]:
        """What is due now."""
        now = self._clock()
        return [item for item in self._items() if item.due <= now]

    def idle_for(self) -> float | None:
        """Seconds until something is due; None if nothing will be."""
        idle = (item.due for item in self._items() if item not in self.errands)
        first = min(idle, default=math.inf)
        return None if math.isinf(first) else max(0.0, first - self._clock())

    def _begin_due(self) -> None:
        for item in self.due():
            self._begin(item)
