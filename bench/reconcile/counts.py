"""The work itself: whole stories of the operator on a cluster in memory, counted.

The reconciler, its cache, its sampler and its manifests are the real ones; the clock is simulated.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.operation import Land

from davylamp.controller.leadership.lease import LeaseSettings

DEFAULTS: dict[str, Any] = {"replicas": 20, "rollout": {}}
"""Default steps (5, 25, 50 %), holds, gate and probation; 20 pods, so that no step is passed over."""
MANY = 50
SMALL: dict[str, Any] = {"replicas": 4, "rollout": {"probation": "1m"}}
BAD = 0.2
SETTLED = 5


@dataclass(frozen=True)
class Work:
    """What a story cost."""

    seconds: int
    """Simulated."""
    writes: Counter[str]
    """By kind of object."""
    reads: int
    queries: int
    polls: int
    """Seconds in which Prometheus was asked at all."""
    rollouts: int = 1
    outcome: str = ""

    @property
    def writes_in_all(self) -> int:
        """To the API server, of any kind."""
        return self.writes.total()

    @property
    def queries_per_poll(self) -> float:
        """Queries each time that Prometheus was asked."""
        return self.queries / self.polls if self.polls else 0.0


async def rollout(tag: str, errors: float = 0.0) -> Work:
    """From one revision to another, default settings, until everything has settled."""
    land = await _serving(1, DEFAULTS)
    land.prometheus.error_share[tag] = errors
    return await _work(land, lambda: _apply(land, 1, tag))


async def first_install() -> Work:
    """A new ModelDeployment, until it serves."""
    land = Land()
    return await _work(land, lambda: _apply(land, 1, "v1", DEFAULTS))


async def idle(hours: int = 1) -> Work:
    """Nothing to do."""
    land = await _serving(1, DEFAULTS)
    return await _work(land, lambda: None, seconds=3600 * hours)


async def many(spec: dict[str, Any] = SMALL) -> Work:
    """Fifty rollouts that begin in the same second."""
    land = await _serving(MANY, spec)
    land.prometheus.rate = 20
    return await _work(land, lambda: _apply(land, MANY, "v2"), rollouts=MANY)


def leases_per_minute(settings: LeaseSettings) -> float:
    """Writes of the leader's Lease, whatever else happens."""
    return 60 / settings.renew_every


async def _serving(number: int, spec: dict[str, Any]) -> Land:
    land = Land()
    _apply(land, number, "v1", spec)
    await _until_settled(land)
    return land


def _apply(land: Land, number: int, tag: str, spec: dict[str, Any] | None = None) -> None:
    for each in _names(number):
        land.apply(tag, name=each, **(spec or {}))


def _names(number: int) -> list[str]:
    return [f"model-{each}" for each in range(number)]


async def _work(
    land: Land,
    begin: Callable[[], None],
    *,
    seconds: int | None = None,
    rollouts: int = 1,
) -> Work:
    writes, reads = len(land.cluster.writes), land.cluster.reads.total()
    queries, polls, ticks = len(land.prometheus.queries), land.prometheus.polls(), land.ticks
    begin()
    if seconds is None:
        await _until_settled(land)
    else:
        await land.run(seconds)
    return Work(
        seconds=land.ticks - ticks,
        writes=Counter(write.kind for write in land.cluster.writes[writes:]),
        reads=land.cluster.reads.total() - reads,
        queries=len(land.prometheus.queries) - queries,
        polls=land.prometheus.polls() - polls,
        rollouts=rollouts,
        outcome=", ".join(sorted(_outcomes(land))),
    )


def _outcomes(land: Land) -> set[str]:
    names = [item["metadata"]["name"] for item in land.cluster.find("ModelDeployment")]
    histories = (land.status(name).history for name in names)
    return {f"{entries[0].tag} {entries[0].outcome}" for entries in histories}


async def _until_settled(land: Land, within: int = 3600) -> None:
    quiet, written = 0, -1
    for _ in range(within):
        await land.tick()
        parents = [item.get("status", {}) for item in land.cluster.find("ModelDeployment")]
        busy = any("candidate" in each or "previous" in each for each in parents)
        quiet = 0 if busy or len(land.cluster.writes) != written else quiet + 1
        written = len(land.cluster.writes)
        if quiet >= SETTLED:
            return
    raise TimeoutError("the rollout does not end")
