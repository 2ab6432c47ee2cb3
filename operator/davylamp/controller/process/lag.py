"""How late the event loop is: everything in this process waits while one thing keeps it busy.

A leader that is late renews its lease late, and fences a bad model late. Whatever strangers send is
read within limits that keep the loop from being blocked for `PROMISED`; this is how it is known.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

EVERY: Final = 0.05
"""Seconds between two looks; whatever blocks for longer is noticed in full but for this."""
PROMISED: Final = 0.25
"""Seconds for which nothing blocks the event loop."""


class LagMeter:
    """Measures by how much a short sleep takes too long.

    Args:
        on_lag: called with the seconds of each look.
        every: seconds between looks.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        on_lag: Callable[[float], None],
        *,
        every: float = EVERY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_lag = on_lag
        self._every = every
        self._clock = clock

    async def run(self) -> None:
        """Measure; never returns."""
        while True:
            began = self._clock()
            await asyncio.sleep(self._every)
            self._on_lag(max(0.0, self._clock() - began - self._every))
