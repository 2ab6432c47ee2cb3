"""How late the event loop is, as it is shown."""

import asyncio
import time

from prometheus_client import CollectorRegistry
from tests.support.hostile import metered, reached

from davylamp.controller.metrics import Metrics
from davylamp.controller.process.lag import PROMISED, LagMeter


async def test_a_loop_that_is_kept_busy_is_late_by_as_much():
    async with metered() as lags:
        ends = time.thread_time() + 2 * PROMISED
        while time.thread_time() < ends:
            pass
    assert lags.longest > PROMISED
    assert max(lags.late) > PROMISED


async def test_an_idle_loop_is_late_by_nothing_on_a_clock_that_says_so():
    now, lags = [0.0], []
    times = iter([0.0, 0.05, 1.0, 1.35, 2.0])
    meter = asyncio.create_task(
        LagMeter(lags.append, every=0.05, clock=lambda: next(times, now[0])).run()
    )
    await reached(lambda: len(lags) >= 2, within=10)
    meter.cancel()
    assert lags[:2] == [0.0, 1.35 - 1.0 - 0.05]


def test_lags_beyond_what_is_promised_can_be_told_from_others():
    """The alert asks for the bucket of 250 ms."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.on_lag(PROMISED)
    metrics.on_lag(PROMISED + 0.01)
    name = "davylamp_event_loop_lag_seconds"
    assert registry.get_sample_value(f"{name}_bucket", {"le": str(PROMISED)}) == 1
    assert registry.get_sample_value(f"{name}_count") == 2
