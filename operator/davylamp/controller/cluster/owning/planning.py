"""What orphans and Services that were handed over mean for the writes of a plan. Pure."""

from collections.abc import Iterable, Iterator

from davylamp.controller.cluster.owning.ownership import Orphan
from davylamp.controller.cluster.stored import StoredChildren, identity_of
from davylamp.controller.cluster.writes import Adopt, Write, WriteStep, adopt
from davylamp.rollout.routing import Route, Router
from davylamp.schema.json import JsonObject


def adoptions(orphans: Iterable[Orphan], fenced: Iterable[Write]) -> Iterator[Adopt]:
    """All orphans but those that are fenced: a fence makes its object ours as it is written."""
    done = {(write.kind, write.name) for write in fenced}
    for orphan in orphans:
        if identity_of(orphan.item) not in done:
            yield adopt(WriteStep.RECORD, orphan)


def is_awaited(stored: StoredChildren, router: Router, manifest: JsonObject, route: Route) -> bool:
    """Whether an object that was handed over to us serves something else until we can."""
    item = stored.get(*identity_of(manifest))
    if route.stable or item is None or not stored.is_ours(manifest):
        return False
    return router.serves_others(item)
