"""Measures what hostile texts do to an event loop, and waits for what follows."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

from davylamp.controller.lag import LagMeter

OFTEN = 0.01


async def reached(holds: Callable[[], object], *, within: float) -> None:
    """Wait until something holds."""
    ends = time.monotonic() + within
    while not holds():
        assert time.monotonic() < ends, f"not reached within {within} s"
        await asyncio.sleep(OFTEN)


class Lags(list[float]):
    """Seconds by which the event loop was late."""

    @property
    def worst(self) -> float:
        return max(self, default=0.0)


@contextlib.asynccontextmanager
async def metered() -> AsyncIterator[Lags]:
    """Measure with the operator's own meter while the context lasts."""
    lags = Lags()
    measuring = asyncio.create_task(LagMeter(lags.append, every=OFTEN).run())
    await asyncio.sleep(2 * OFTEN)
    try:
        yield lags
        await asyncio.sleep(2 * OFTEN)
    finally:
        measuring.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await measuring
