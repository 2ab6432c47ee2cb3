"""Brings single objects to what they should be, and writes nothing when they already are."""

import json
import logging
from collections.abc import Iterable
from typing import Final

from davylamp.adapters.errors import Retryable, Terminal
from davylamp.adapters.kubernetes.cluster import Cluster
from davylamp.api.names import Reason
from davylamp.controller.cluster import objects
from davylamp.controller.cluster.cache import Key, ObjectCache, metadata
from davylamp.controller.logs import about
from davylamp.manifests import Owner, projected, says_the_same
from davylamp.schema.json import Json, JsonObject

_COMPARED: Final = ("spec", "data", "immutable", "metadata")
_log = logging.getLogger(__name__)


class Applier:
    """Server-side apply of one object at a time, against what the cache knows."""

    def __init__(self, cluster: Cluster, cache: ObjectCache) -> None:
        self._cluster = cluster
        self._cache = cache
        self._spelling: dict[Key, dict[tuple[str, str], tuple[str, str]]] = {}
        """What was applied and how it is stored, where the API server writes it in its own way."""

    async def ensure(self, owner: Owner, manifest: JsonObject) -> bool:
        """Make an object say what the manifest says; True if that changed what others had made.

        Raises:
            Terminal: an object of that name belongs to somebody else.
        """
        await self.names_are_ours(owner, (manifest,))
        stored = self._stored(owner, manifest)
        if stored is not None and self._agrees(owner, stored, manifest):
            return False
        answer = await self._cluster.apply(manifest)
        self._cache.put(answer)
        self._learn(owner, answer, manifest)
        if stored is None:
            kind, name = _identity(manifest)
            about(_log, **owner.fields()).info("created %s %s", kind, name)
        return stored is not None and _generation(answer) != _generation(stored)

    def agrees(self, owner: Owner, manifest: JsonObject) -> bool:
        """Whether the object exists and says what the manifest says."""
        stored = self._stored(owner, manifest)
        return stored is not None and self._agrees(owner, stored, manifest)

    async def remove(self, owner: Owner, item: JsonObject) -> None:
        """Delete a child, unless another object has its name by now."""
        kind, name = _identity(item)
        await self._cluster.delete(kind, owner.namespace, name, uid=metadata(item, "uid") or None)
        self._cache.remove(item)
        self._spelling.get(_key(owner), {}).pop((kind, name), None)

    async def store(self, owner: Owner, manifest: JsonObject) -> None:
        """Write an object that nobody looks at again: it is neither cached nor compared.

        Raises:
            Terminal: an object of that name belongs to somebody else.
        """
        await self.ours_of_that_name(owner, manifest)
        await self._cluster.apply(manifest)

    async def discard(self, owner: Owner, kind: str, name: str) -> None:
        """Delete what was stored; absent is fine.

        Raises:
            Terminal: an object of that name belongs to somebody else.
        """
        found = await self.ours_of_that_name(owner, {"kind": kind, "metadata": {"name": name}})
        if found is not None:
            uid = metadata(found, "uid") or None
            await self._cluster.delete(kind, owner.namespace, name, uid=uid)

    def forget(self, key: Key) -> None:
        """Drop what is remembered of the children of an object that is gone."""
        self._spelling.pop(key, None)

    async def names_are_ours(self, owner: Owner, manifests: Iterable[JsonObject]) -> None:
        """Make sure that nobody else has a name we need; what is known already is not asked.

        Raises:
            Retryable: an object belongs to an owner that is going away.
            Terminal: it belongs to somebody else.
        """
        for manifest in manifests:
            stored = self._stored(owner, manifest)
            if stored is not None and not objects.has_other_owner(stored, owner.uid):
                continue
            found = await self.ours_of_that_name(owner, manifest)
            if found is not None:
                self._cache.put(found)

    async def ours_of_that_name(self, owner: Owner, manifest: JsonObject) -> JsonObject | None:
        """The object under a manifest's name, asked of the API server; None when there is none.

        Raises:
            Retryable: it belongs to an owner that is going away.
            Terminal: it belongs to somebody else.
        """
        kind, name = _identity(manifest)
        found = await self._cluster.get(kind, owner.namespace, name)
        if found is None:
            return None
        owners = objects.owner_uids(found)
        if owner.uid in owners:
            return found
        if metadata(found, "deletionTimestamp") or owners:
            raise Retryable(f"{kind} {owner.namespace}/{name} of an earlier owner still exists")
        raise Terminal(
            Reason.NAME_TAKEN,
            f"{kind} {name} exists already and is not ours: rename it or this ModelDeployment",
        )

    def _stored(self, owner: Owner, manifest: JsonObject) -> JsonObject | None:
        return self._cache.child(_key(owner), *_identity(manifest))

    def _agrees(self, owner: Owner, stored: JsonObject, manifest: JsonObject) -> bool:
        if metadata(stored, "deletionTimestamp"):
            return False
        if says_the_same(_ours(stored), _ours(manifest)):
            return True
        known = self._spelling.get(_key(owner), {}).get(_identity(manifest))
        return known == (_text(_ours(manifest)), _seen(stored, manifest))

    def _learn(self, owner: Owner, answer: JsonObject, manifest: JsonObject) -> None:
        spelling = self._spelling.setdefault(_key(owner), {})
        if says_the_same(_ours(answer), _ours(manifest)):
            spelling.pop(_identity(manifest), None)
        else:
            spelling[_identity(manifest)] = _text(_ours(manifest)), _seen(answer, manifest)


def _key(owner: Owner) -> Key:
    return Key(owner.namespace, owner.name)


def _ours(item: JsonObject) -> JsonObject:
    return {key: item[key] for key in _COMPARED if key in item}


def _seen(stored: JsonObject, manifest: JsonObject) -> str:
    return _text(projected(_ours(stored), _ours(manifest)))


def _identity(manifest: JsonObject) -> tuple[str, str]:
    return str(manifest["kind"]), metadata(manifest, "name")


def _generation(item: JsonObject) -> Json:
    return objects.field(item, "metadata", "generation")


def _text(value: Json) -> str:
    return json.dumps(value, sort_keys=True)
