"""What the cluster looked like last: fed by watches, and by the answers to our own writes.

A watch tells of a write some time after it was made. Deciding on the older picture would undo or
repeat our own writes, so the API server's answer to each write goes in here at once, and whatever
a watch delivers later with a lower resourceVersion is passed over. (Resource versions of one kind
compare as integers: KEP-5504.)

A list is older than the events that arrive while it is read. So what was deleted meanwhile is
remembered until the list is in, and what is not in the list is dropped only if it was known before.
"""

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from davylamp.api import names
from davylamp.api.identity import Owner
from davylamp.controller.cluster.objects import metadata
from davylamp.schema.json import JsonObject

CHILD_KINDS: Final = (
    "ControllerRevision",
    "Deployment",
    "ConfigMap",
    "Service",
    "PodDisruptionBudget",
    "Pod",
    "CronJob",
    "Job",
)
NIGHTLY_KINDS: Final = ("CronJob", "Job")
"""Kinds that only a ModelDeployment with `spec.explanations` has."""


class Key(NamedTuple):
    """A ModelDeployment."""

    namespace: str
    name: str


def key_of(owner: Owner) -> Key:
    """The key of the ModelDeployment that children belong to."""
    return Key(owner.namespace, owner.name)


class ObjectCache:
    """The newest known version of each ModelDeployment and of its children."""

    def __init__(self) -> None:
        self._parents: dict[Key, JsonObject] = {}
        self._children: dict[Key, dict[tuple[str, str], JsonObject]] = {}
        self._gone: dict[Key, dict[tuple[str, str], int]] = {}
        """Versions at which children were deleted, since their kind was listed last."""

    def parents(self) -> list[Key]:
        """Every ModelDeployment that is known."""
        return list(self._parents)

    def parent(self, key: Key) -> JsonObject | None:
        """The ModelDeployment itself."""
        return self._parents.get(key)

    def all_children(self, key: Key) -> dict[tuple[str, str], JsonObject]:
        """Its children by kind and name, as they are now."""
        return dict(self._children.get(key, {}))

    def children(self, key: Key, kind: str) -> list[JsonObject]:
        """Its children of one kind, by name."""
        children = self._children.get(key, {})
        return [item for (k, _), item in sorted(children.items()) if k == kind]

    def child(self, key: Key, kind: str, name: str) -> JsonObject | None:
        """One child."""
        return self._children.get(key, {}).get((kind, name))

    def put(self, item: JsonObject) -> Key | None:
        """Take in a version of an object; returns whose it is if that was news."""
        key = owner_key(item)
        if key is None:
            return None
        kind, name = _kind(item), metadata(item, "name")
        known = self._parents.get(key) if kind == names.KIND else self.child(key, kind, name)
        at = _version(known) if known else self._gone.get(key, {}).get((kind, name), -1)
        if _version(item) <= at:
            return None
        if kind == names.KIND:
            self._parents[key] = item
        else:
            self._children.setdefault(key, {})[kind, name] = item
        return key

    def remove(self, item: JsonObject) -> Key | None:
        """Take out an object that a watch saw deleted, unless a newer one has its name."""
        key = owner_key(item)
        if key is None:
            return None
        kind, name = _kind(item), metadata(item, "name")
        if kind == names.KIND:
            if _not_older(item, self._parents.get(key)):
                self._parents.pop(key, None)
        elif _not_older(item, self.child(key, kind, name)):
            self._children.get(key, {}).pop((kind, name), None)
            self._gone.setdefault(key, {})[kind, name] = _version(item)
        return key

    def replace(
        self, key: Key, kind: str, items: Iterable[JsonObject], *, known: Collection[str]
    ) -> None:
        """Take in a complete list of a key's children of one kind.

        Args:
            key: whose children.
            kind: which kind was listed.
            items: the list.
            known: names that were known when the list was asked for; of those, the ones that are
                not in it are gone.
        """
        fresh = {metadata(item, "name"): item for item in items}
        children = self._children.setdefault(key, {})
        for name in known:
            if name not in fresh:
                children.pop((kind, name), None)
        for item in fresh.values():
            self.put(item)
        gone = self._gone.pop(key, {})
        self._gone[key] = {child: at for child, at in gone.items() if child[0] != kind}

    def forget(self, key: Key) -> None:
        """Drop a ModelDeployment that is gone, and what was known of its children."""
        self._parents.pop(key, None)
        self._children.pop(key, None)
        self._gone.pop(key, None)


def owner_key(item: JsonObject) -> Key | None:
    """The ModelDeployment an object is, or belongs to by its labels."""
    namespace = metadata(item, "namespace")
    if _kind(item) == names.KIND:
        return Key(namespace, metadata(item, "name"))
    described = item.get("metadata")
    labels = described.get("labels") if isinstance(described, dict) else None
    if not isinstance(labels, dict) or labels.get(names.LABEL_MANAGED_BY) != names.MANAGED_BY:
        return None
    model = labels.get(names.LABEL_MODEL)
    return Key(namespace, model) if isinstance(model, str) else None


def _kind(item: JsonObject) -> str:
    kind = item.get("kind")
    return kind if isinstance(kind, str) else ""


def _not_older(item: JsonObject, known: JsonObject | None) -> bool:
    return known is None or _version(item) >= _version(known)


def _version(item: JsonObject) -> int:
    text = metadata(item, "resourceVersion")
    return int(text) if text.isdigit() else 0
