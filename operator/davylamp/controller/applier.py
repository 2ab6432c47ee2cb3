"""Brings single objects to what they should be, and writes nothing when they already are."""

import json
import logging
from typing import Final

from davylamp.adapters.errors import Retryable, Terminal
from davylamp.adapters.kubernetes import Cluster
from davylamp.api.json import Json, JsonObject
from davylamp.api.names import Reason
from davylamp.controller import reading
from davylamp.controller.cache import Key, ObjectCache, metadata
from davylamp.manifests import Owner, projected, says_the_same

_COMPARED: Final = ("spec", "data", "immutable", "metadata")
_log = logging.getLogger(__name__)


class Applier:
    """Server-side apply of one object at a time, against what the cache knows."""

    def __init__(self, cluster: Cluster, cache: ObjectCache) -> None:
        self._cluster = cluster
        self._cache = cache
        self._spelling: dict[tuple[str, str, str], tuple[str, str]] = {}

    async def ensure(self, owner: Owner, manifest: JsonObject) -> bool:
        """Make an object say what the manifest says; True if that took a write.

        Raises:
            Terminal: an object of that name belongs to somebody else.
        """
        kind, name = str(manifest["kind"]), metadata(manifest, "name")
        stored = self._cache.child(Key(owner.namespace, owner.name), kind, name)
        if stored is None:
            await self._name_is_free(owner, kind, name)
        elif self._agrees(stored, manifest):
            return False
        answer = await self._cluster.apply(manifest)
        self._cache.put(answer)
        self._spelling[_identity(manifest)] = (_text(_ours(manifest)), _seen(answer, manifest))
        if stored is None:
            _log.info("created %s %s/%s", kind, owner.namespace, name)
        return True

    def agrees(self, owner: Owner, manifest: JsonObject) -> bool:
        """Whether the object exists and says what the manifest says."""
        kind, name = str(manifest["kind"]), metadata(manifest, "name")
        stored = self._cache.child(Key(owner.namespace, owner.name), kind, name)
        return stored is not None and self._agrees(stored, manifest)

    async def remove(self, owner: Owner, item: JsonObject) -> None:
        """Delete a child."""
        kind, name = str(item["kind"]), metadata(item, "name")
        await self._cluster.delete(kind, owner.namespace, name)
        self._cache.remove(item)

    def _agrees(self, stored: JsonObject, manifest: JsonObject) -> bool:
        if metadata(stored, "deletionTimestamp"):
            return False
        if says_the_same(_ours(stored), _ours(manifest)):
            return True
        known = self._spelling.get(_identity(manifest))
        return known == (_text(_ours(manifest)), _seen(stored, manifest))

    async def _name_is_free(self, owner: Owner, kind: str, name: str) -> None:
        """Never take over an object that somebody else made under a name we need."""
        found = await self._cluster.get(kind, owner.namespace, name)
        if found is None:
            return
        references = reading.field(found, "metadata", "ownerReferences")
        owners = references if isinstance(references, list) else []
        if any(reading.field(reference, "uid") == owner.uid for reference in owners):
            self._cache.put(found)
            return
        if metadata(found, "deletionTimestamp") or owners:
            raise Retryable(f"{kind} {owner.namespace}/{name} of an earlier owner still exists")
        raise Terminal(
            Reason.NAME_TAKEN,
            f"{kind} {name} exists already and is not ours: rename it or this ModelDeployment",
        )


def _ours(item: JsonObject) -> JsonObject:
    return {key: item[key] for key in _COMPARED if key in item}


def _seen(stored: JsonObject, manifest: JsonObject) -> str:
    return _text(projected(_ours(stored), _ours(manifest)))


def _identity(manifest: JsonObject) -> tuple[str, str, str]:
    return str(manifest["kind"]), metadata(manifest, "namespace"), metadata(manifest, "name")


def _text(value: Json) -> str:
    return json.dumps(value, sort_keys=True)
