"""Finds the orphans of a ModelDeployment: what carries its labels and has no living owner.

Children are left behind by `kubectl delete --cascade=orphan`, and come without owners, or with those
of another cluster, out of a backup. They are taken over as they are: nothing of them is made again.
"""

import logging
from collections.abc import AsyncIterator, Collection, Iterator
from typing import Final

from davylamp.adapters.errors import OperatorError, Retryable
from davylamp.adapters.kubernetes.ports import Cluster
from davylamp.api import names
from davylamp.controller.cluster.objects import metadata
from davylamp.controller.cluster.owning.liveness import Owners
from davylamp.controller.cluster.owning.ownership import (
    Orphan,
    Whose,
    claimants,
    is_going,
    is_owned,
    orphan,
)
from davylamp.controller.cluster.stored import StoredChildren
from davylamp.controller.logs import about
from davylamp.manifests import Owner, has_pinned, is_whole
from davylamp.manifests.flight_record import COMPONENT, LABEL_COMPONENT
from davylamp.schema.json import JsonObject

OWNED_BY_WORKLOADS: Final = frozenset({"Pod"})
"""Kinds whose owner is never a ModelDeployment: their workloads take them over themselves."""
_log = logging.getLogger(__name__)


class Adoption:
    """Looks for orphans.

    Args:
        cluster: has those that are not watched: copies of Secrets, and flight records.
        owners: knows which owners are dead.
        reads_secrets: whether it may ask for copies of Secrets.
    """

    def __init__(self, cluster: Cluster, owners: Owners, *, reads_secrets: bool = True) -> None:
        self._cluster = cluster
        self._owners = owners
        self._reads_secrets = reads_secrets

    async def orphans(self, owner: Owner, stored: StoredChildren) -> tuple[Orphan, ...]:
        """All that is to be adopted; asks nothing of the API server while all children are ours.

        Raises:
            OperatorError: something could not be asked; or the ModelDeployment is another by now.
        """
        left = [item for item in _without_us(owner, stored) if not is_going(item)]
        orphans = [o for item in left if (o := await self._orphan(owner, item)) is not None]
        if not orphans:
            return ()
        await self._ensure_current(owner)
        unwatched = [item async for item in self._unwatched(owner, stored)]
        also = [o for item in unwatched if (o := await self._orphan(owner, item)) is not None]
        return (*orphans, *also)

    async def _orphan(self, owner: Owner, item: JsonObject) -> Orphan | None:
        try:
            whose, dead = await self._owners.whose(owner, item)
        except OperatorError as error:
            log = about(_log, **owner.fields())
            log.warning("%s %s: %s", item.get("kind"), metadata(item, "name"), error)
            return None
        return orphan(item, owner, dead) if whose is Whose.ORPHAN else None

    async def _ensure_current(self, owner: Owner) -> None:
        """A watch may be late: what is adopted for a uid that is gone would be deleted at once."""
        item = await self._cluster.get(names.KIND, owner.namespace, owner.name)
        if item is None or metadata(item, "uid") != owner.uid or is_going(item):
            raise Retryable(f"{names.KIND} {owner.namespace}/{owner.name} is another one by now")

    async def _unwatched(self, owner: Owner, stored: StoredChildren) -> AsyncIterator[JsonObject]:
        for record in stored.of_kind("ControllerRevision"):
            if self._reads_secrets and is_whole(owner, record) and has_pinned(record):
                name = metadata(record, "name")
                secret = await self._cluster.get("Secret", owner.namespace, name)
                if secret is not None:
                    yield secret
        labels = {names.LABEL_MODEL: owner.name, LABEL_COMPONENT: COMPONENT}
        for item in await self._cluster.list("ConfigMap", owner.namespace, labels=labels):
            yield item


def _without_us(owner: Owner, stored: StoredChildren) -> Iterator[JsonObject]:
    """Children that are not ours, nor of one of ours, such as a CronJob's Jobs."""
    others = {
        identity: item
        for identity, item in stored.items.items()
        if identity[0] not in OWNED_BY_WORKLOADS and not is_owned(item, owner.uid)
    }
    if not others:
        return  # as in nearly every pass
    uids = {metadata(item, "uid") for item in stored.items.values()}
    for (kind, _), item in sorted(others.items()):
        if kind == "ControllerRevision" and not is_whole(owner, item):
            continue
        if not _is_of_any(item, owner, uids):
            yield item


def _is_of_any(item: JsonObject, owner: Owner, uids: Collection[str]) -> bool:
    return any(claimant.uid in uids for claimant in claimants(item, owner.uid))
