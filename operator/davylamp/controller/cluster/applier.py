"""Brings single objects to what they should be, and writes nothing when they already are."""

import logging
from collections.abc import Iterable
from typing import assert_never

from davylamp.adapters.kubernetes.ports import Cluster
from davylamp.controller.cluster import objects
from davylamp.controller.cluster.cache import Key, ObjectCache, key_of
from davylamp.controller.cluster.objects import metadata
from davylamp.controller.cluster.owning.creations import Creations
from davylamp.controller.cluster.owning.liveness import Owners
from davylamp.controller.cluster.owning.ownership import (
    Orphan,
    Whose,
    changed_on_the_way,
    is_going,
    is_owned,
    orphan,
    still_going,
    taken,
)
from davylamp.controller.cluster.stored import (
    Identity,
    Spelling,
    StoredChildren,
    identity_of,
    is_spelled,
    spelling,
)
from davylamp.controller.cluster.writes import (
    Adopt,
    Apply,
    ConfirmName,
    Delete,
    FillInReplicas,
    Freeze,
    ObjectWrite,
    Replace,
    Scale,
)
from davylamp.controller.logs import about
from davylamp.manifests import Owner
from davylamp.schema.json import Json, JsonObject

_log = logging.getLogger(__name__)


class Applier:
    """Server-side apply of one object at a time, against what the cache knows.

    Args:
        cluster: where to.
        cache: what is known of it, and learns of our writes at once.
        owners: knows whose objects are.
        creations: bounds how often an object is made.
    """

    def __init__(
        self, cluster: Cluster, cache: ObjectCache, owners: Owners, creations: Creations
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._owners = owners
        self._creations = creations
        self._spellings: dict[Key, dict[Identity, Spelling]] = {}
        """What was applied and how it is stored, where the API server writes it in its own way."""
        self._at_hand: dict[Key, tuple[int, StoredChildren]] = {}
        """Children of models that are looked at, and the change after which they are like this."""

    def stored(self, owner: Owner) -> StoredChildren:
        """The owner's children as they are known now."""
        key = key_of(owner)
        changed, spellings = self._cache.changed(key), self._spellings.get(key, {})
        at, known = self._at_hand.get(key, (-1, None))
        if known and (at, known.uid, known.spellings) == (changed, owner.uid, spellings):
            return known
        stored = StoredChildren(owner.uid, self._cache.all_children(key), dict(spellings))
        self._at_hand[key] = changed, stored
        return stored

    def rest(self, key: Key) -> None:
        """Keep nothing at hand of a model that is not looked at for a while."""
        self._at_hand.pop(key, None)

    async def write(self, owner: Owner, write: ObjectWrite) -> bool:
        """Make one planned write of an object; True if that changed what others had made."""
        match write:
            case ConfirmName():
                await self.names_are_ours(owner, (write.manifest,))
            case Adopt():
                await self.adopt(owner, write.orphan)
                return True
            case Apply():
                return await self.ensure(owner, write.manifest)
            case Freeze():
                await self.freeze(owner, write.manifest)
            case Replace():
                await self.replace(owner, write.stale, write.manifest)
            case Scale():
                await self.scale(owner, write.manifest, write.replicas)
            case Delete():
                await self.remove(owner, write.manifest)
            case FillInReplicas():
                await self.fill_in_replicas(owner, write.replicas)
            case _:
                assert_never(write)
        return False

    async def ensure(self, owner: Owner, manifest: JsonObject) -> bool:
        """Make an object say what the manifest says; True if that changed what others had made.

        Raises:
            Terminal: an object of that name belongs to somebody else.
        """
        known = await self._ours(owner, manifest)
        if self.stored(owner).agrees(manifest):
            return False
        kind, name = identity_of(manifest)
        if known is None:
            answer = await self._created(owner, manifest)
            about(_log, **owner.fields()).info("created %s %s", kind, name)
        elif is_going(known) and not _is_fence(manifest, known):
            raise still_going(known)
        else:
            answer = await self._cluster.apply(manifest)
        self._cache.put(answer)
        changed = changed_on_the_way(answer, owner)
        if changed is not None:
            raise changed
        self._learn(owner, answer, manifest)
        return known is not None and _generation(answer) != _generation(known)

    async def scale(self, owner: Owner, item: JsonObject, replicas: int) -> None:
        """Set a Deployment's number of pods, and nothing else; a watch tells what came of it."""
        kind, name = identity_of(item)
        metadata: JsonObject = {"namespace": owner.namespace, "name": name}
        named: JsonObject = {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata}
        await self._cluster.scale(named, replicas)

    async def remove(self, owner: Owner, item: JsonObject) -> None:
        """Delete a child, unless another object has its name by now."""
        kind, name = identity_of(item)
        await self._cluster.delete(kind, owner.namespace, name, uid=metadata(item, "uid") or None)
        if kind == "Pod":
            return  # it is there until its kubelet says that it has stopped
        self._cache.remove(item)
        self._spellings.get(key_of(owner), {}).pop((kind, name), None)

    async def replace(self, owner: Owner, stale: JsonObject, manifest: JsonObject) -> None:
        """Delete a child that cannot be changed, and create it anew."""
        await self.remove(owner, stale)
        await self.ensure(owner, manifest)

    async def adopt(self, owner: Owner, left: Orphan) -> None:
        """Make an orphan ours, as it is."""
        self._cache.put(await self._adopted(owner, left))

    async def freeze(self, owner: Owner, secret: JsonObject) -> None:
        """Create an immutable Secret that is not cached.

        One with other content is from a pass that was cut short before the record was made: nothing
        mounts it yet, and it cannot be changed.
        """
        stored = await self.ours_of_that_name(owner, secret)
        if stored is not None and stored.get("data") == secret["data"]:
            return
        if stored is not None:
            await self.remove(owner, stored)
        await self._created(owner, secret)

    async def store(self, owner: Owner, manifest: JsonObject) -> None:
        """Write an object that nobody looks at again: it is neither cached nor compared.

        Raises:
            Terminal: an object of that name belongs to somebody else.
        """
        if await self.ours_of_that_name(owner, manifest) is None:
            await self._created(owner, manifest)
        else:
            await self._cluster.apply(manifest)

    async def discard(self, owner: Owner, kind: str, name: str) -> None:
        """Delete what was stored; absent is fine.

        Raises:
            Terminal: an object of that name belongs to somebody else.
        """
        stored = await self.ours_of_that_name(owner, {"kind": kind, "metadata": {"name": name}})
        if stored is not None:
            uid = metadata(stored, "uid") or None
            await self._cluster.delete(kind, owner.namespace, name, uid=uid)

    async def fill_in_replicas(self, owner: Owner, replicas: int) -> None:
        """Write a number of pods into a spec that has none, unless it has one by now."""
        parent = self._cache.parent(key_of(owner))
        if parent is not None and objects.field(parent, "spec", "replicas") is None:
            await self._cluster.scale(parent, replicas)

    def forget(self, key: Key) -> None:
        """Drop what is remembered of the children of an object that is gone."""
        self._spellings.pop(key, None)
        self.rest(key)

    async def names_are_ours(self, owner: Owner, manifests: Iterable[JsonObject]) -> None:
        """Make sure that nobody else has a name we need; what is known already is not asked.

        Raises:
            StillGoing: an object of somebody else is being deleted.
            Terminal: it belongs to somebody else.
        """
        for manifest in manifests:
            await self._ours(owner, manifest)

    async def _ours(self, owner: Owner, manifest: JsonObject) -> JsonObject | None:
        """The object under a manifest's name, also one without our labels, which no watch tells of."""
        known = self._cache.child(key_of(owner), *identity_of(manifest))
        if known is not None and is_owned(known, owner.uid):
            return known
        stored = await self.ours_of_that_name(owner, manifest)
        if stored is not None:
            self._cache.put(stored)
        return stored

    async def ours_of_that_name(self, owner: Owner, manifest: JsonObject) -> JsonObject | None:
        """The object under a manifest's name, asked of the API server; None when there is none.

        Raises:
            StillGoing: it is left behind, or somebody else's, and being deleted.
            Terminal: it belongs to somebody else.
        """
        kind, name = identity_of(manifest)
        stored = await self._cluster.get(kind, owner.namespace, name)
        if stored is None:
            return None
        whose, dead = await self._owners.whose(owner, stored)
        if whose is Whose.OURS:
            return stored
        if is_going(stored):
            raise still_going(stored)
        if whose is Whose.OTHERS:
            raise taken(stored, owner, dead)
        return await self._adopted(owner, orphan(stored, owner, dead))

    async def _created(self, owner: Owner, manifest: JsonObject) -> JsonObject:
        """A new object, unless it was made too often of late."""
        self._creations.admit(key_of(owner), *identity_of(manifest))
        answer = await self._cluster.apply(manifest)
        self._creations.note(key_of(owner), *identity_of(manifest))
        return answer

    async def _adopted(self, owner: Owner, left: Orphan) -> JsonObject:
        """The object with its new owner; who takes it away again and again is not fought."""
        kind, name = identity_of(left.item)
        thing = f"the owner reference of {kind}"
        self._creations.admit(key_of(owner), thing, name)
        answer = await self._cluster.adopt(left.adopted())
        self._creations.note(key_of(owner), thing, name)
        about(_log, **owner.fields()).info("adopted %s %s", kind, name)
        return answer

    def _learn(self, owner: Owner, answer: JsonObject, manifest: JsonObject) -> None:
        spellings = self._spellings.setdefault(key_of(owner), {})
        if is_spelled(manifest, answer):
            spellings.pop(identity_of(manifest), None)
        else:
            spellings[identity_of(manifest)] = spelling(manifest, answer)


def _is_fence(manifest: JsonObject, known: JsonObject) -> bool:
    """Whether a write changes who gets traffic, which it does until the last moment of a Service."""
    return manifest["kind"] == "Service" and not is_spelled(manifest, known)


def _generation(item: JsonObject) -> Json:
    return objects.field(item, "metadata", "generation")
