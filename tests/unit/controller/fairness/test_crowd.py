"""The whole operator: whatever a namespace does, its neighbour's rollback comes in its usual time."""

import asyncio

import pytest
from tests.support.crowd import HOSTILE, VICTIM, Crowd

from davylamp.controller.cluster.cache import Key

pytestmark = pytest.mark.looptime

QUICK = {
    "steps": [{"weight": 25, "hold": "10s"}, {"weight": 50, "hold": "10s"}],
    "gates": [{"name": "errors", "errorRate": {"max": "1%"}}],
    "probation": "30s",
}
BOUND = 2.0
"""Seconds that a neighbour may add to a rollback: a tick of the evidence, and a turn in each line."""


async def installed(crowd: Crowd) -> None:
    """The victim serves v1, and its probation is over."""
    crowd.apply(VICTIM, "v1", replicas=4, rollout=QUICK)
    await crowd.until(lambda: crowd.serving(VICTIM) == {"v1"})
    await asyncio.sleep(60)


async def rollback_time(crowd: Crowd) -> tuple[float, float]:
    """Seconds from a bad revision until it has traffic, and from then on until it has none."""
    crowd.prometheus.error_share["v2"] = 0.2
    crowd.apply(VICTIM, "v2")
    canary = await crowd.until(lambda: "v2" in crowd.serving(VICTIM))
    return canary, await crowd.until(lambda: crowd.serving(VICTIM) == {"v1"})


async def play(crowd: Crowd, *, models: int = 0) -> tuple[float, float]:
    async with crowd.working(), asyncio.TaskGroup() as attackers:
        await installed(crowd)
        attack = attackers.create_task(attacked(crowd, models))
        await asyncio.sleep(40)
        times = await rollback_time(crowd)
        attack.cancel()
    return times


async def attacked(crowd: Crowd, models: int) -> None:
    """Models that ask for another revision every second; their pods never answer."""
    seed = 0
    while True:
        seed += 1
        for number in range(models):
            key = Key(HOSTILE, f"{HOSTILE}-{number}")
            crowd.apply(key, "v1", replicas=1, rollout=QUICK, seed=seed)
        await asyncio.sleep(1)


@pytest.mark.parametrize(("is_hanging", "models"), [(True, 300), (False, 6)])
async def test_a_rollback_comes_in_its_usual_time_whatever_a_neighbour_does(is_hanging, models):
    """Writes to the neighbour's namespace hang until they time out; or they do not, and there is more."""
    quiet = await play(Crowd())
    crowd = Crowd(is_hanging=is_hanging)
    loud = await play(crowd, models=models)
    passes = sum(number for key, number in crowd.passes.items() if key.namespace == HOSTILE)
    assert passes > 150 or crowd.queue.depth > 200, "there was something to wait for"
    slower = [after - before for after, before in zip(loud, quiet, strict=True)]
    assert max(slower) <= BOUND, (quiet, loud)
