"""Asks the API server whether the owners of objects are alive, and says whose the objects are.

An owner that is asked for and is not there, or has another uid by now, is dead: uids are never used
twice. Whatever cannot be asked for, because its kind is none of ours or we have no right to, is taken
to be alive, so that its objects are never touched.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from davylamp.adapters.errors import Forbidden
from davylamp.adapters.kubernetes.ports import Cluster
from davylamp.adapters.kubernetes.resources import RESOURCES
from davylamp.controller.cluster.objects import metadata
from davylamp.controller.cluster.owning.ownership import Claimant, Whose, claimants, whose
from davylamp.manifests import Owner
from davylamp.schema.json import JsonObject

ASKED_AGAIN: Final = timedelta(seconds=30)
"""After which an owner that was alive is asked for again."""
MOST_REMEMBERED: Final = 10_000
"""Owners that are remembered; beyond it all are asked for anew."""


class Owners:
    """What is known of the owners of objects.

    Args:
        cluster: is asked for them.
        clock: the time.
    """

    def __init__(self, cluster: Cluster, clock: Callable[[], datetime]) -> None:
        self._cluster = cluster
        self._clock = clock
        self._dead: set[str] = set()
        self._alive: dict[str, datetime] = {}

    async def whose(self, owner: Owner, item: JsonObject) -> tuple[Whose, frozenset[str]]:
        """Whose an object is, and which of those who have a claim on it are dead.

        Raises:
            OperatorError: an owner could not be asked for.
        """
        dead = await self.dead(owner.namespace, claimants(item, owner.uid))
        return whose(item, owner, dead), dead

    async def dead(self, namespace: str, asked: Iterable[Claimant]) -> frozenset[str]:
        """The uids of those owners that are gone.

        Raises:
            OperatorError: one could not be asked for.
        """
        return frozenset({c.uid for c in asked if await self._is_dead(namespace, c)})

    async def _is_dead(self, namespace: str, claimant: Claimant) -> bool:
        if claimant.uid in self._dead:
            return True
        last, now = self._alive.get(claimant.uid), self._clock()
        if last is not None and abs(now - last) < ASKED_AGAIN:
            return False
        is_dead = await self._asked(namespace, claimant)
        if len(self._dead) + len(self._alive) > MOST_REMEMBERED:
            self._dead.clear()
            self._alive.clear()
        if is_dead:
            self._dead.add(claimant.uid)
        else:
            self._alive[claimant.uid] = now
        return is_dead

    async def _asked(self, namespace: str, claimant: Claimant) -> bool:
        resource = RESOURCES.get(claimant.kind)
        if resource is None or resource.api_version != claimant.api_version:
            return False
        try:
            item = await self._cluster.get(claimant.kind, namespace, claimant.name)
        except Forbidden:
            return False
        return item is None or metadata(item, "uid") != claimant.uid
