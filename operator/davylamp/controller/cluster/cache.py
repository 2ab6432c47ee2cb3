"""What the cluster looked like last: fed by watches, and by the answers to our own writes.

A watch tells of a write some time after it was made. Deciding on the older picture would undo or
repeat our own writes, so the API server's answer to each write goes in here at once, and whatever
a watch delivers later with a lower resourceVersion is passed over. (Resource versions of one kind
compare as integers: KEP-5504.)

A list shows the cluster at its own version, whatever happens while it is read. So what is known
and not in it is gone if it is older than the list, and came later if it is newer; and what was deleted
is remembered until a list is newer than the deletion.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Final, NamedTuple, TypeAlias

from davylamp.api import names
from davylamp.api.identity import Owner
from davylamp.controller.cluster.objects import metadata
from davylamp.controller.cluster.packed import PackedObject
from davylamp.controller.cluster.room import Room
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
MOST_READ: Final = 1000
"""Models whose objects are kept ready to read; those of others are unpacked when they are needed."""
MOST_UNPACKED: Final = 32 * 2**20
"""Bytes of text of the objects that are kept ready; as objects they take several times as much."""


class Key(NamedTuple):
    """A ModelDeployment."""

    namespace: str
    name: str


Place: TypeAlias = tuple[str, str, str]
"""Kind, namespace and name."""


def key_of(owner: Owner) -> Key:
    """The key of the ModelDeployment that children belong to."""
    return Key(owner.namespace, owner.name)


class ObjectCache:
    """The newest known version of each ModelDeployment and of its children.

    Attributes:
        on_rest: called with a model whose objects are packed because others need the memory.
    """

    def __init__(self) -> None:
        self.on_rest: Callable[[Key], None] = lambda _key: None
        self._parents: dict[Key, PackedObject] = {}
        self._children: dict[Key, dict[tuple[str, str], PackedObject]] = {}
        self._gone: dict[Place, int] = {}
        """Versions at which objects were deleted, until a list of their kind is newer."""
        self._in_use: dict[Key, int] = {}
        """Models whose objects are unpacked, with their bytes; the one looked at last is at the end."""
        self._unpacked = 0
        self._room = Room()
        self._outlines: dict[str, set[tuple[Key, str]]] = {}
        """Objects of each kind that are known in outline only."""
        self._changed: dict[Key, int] = {}
        self._changes = 0

    def parents(self) -> list[Key]:
        """Every ModelDeployment that is known."""
        return list(self._parents)

    def parent(self, key: Key) -> JsonObject | None:
        """The ModelDeployment itself."""
        known = self._parents.get(key)
        self._use(key)
        return known.read() if known else None

    def unread(self, kind: str) -> int:
        """How many objects of a kind are known in outline only."""
        return len(self._outlines.get(kind, ()))

    def changed(self, key: Key) -> int:
        """A number that rises whenever something about a model's children changes."""
        return self._changed.get(key, 0)

    def all_children(self, key: Key) -> dict[tuple[str, str], JsonObject]:
        """Its children by kind and name, as they are now."""
        self._use(key)
        return {child: known.read() for child, known in self._children.get(key, {}).items()}

    def children(self, key: Key, kind: str) -> list[JsonObject]:
        """Its children of one kind, by name."""
        self._use(key)
        children = self._children.get(key, {})
        return [known.read() for (k, _), known in sorted(children.items(), key=_name) if k == kind]

    def child(self, key: Key, kind: str, name: str) -> JsonObject | None:
        """One child."""
        known = self._children.get(key, {}).get((kind, name))
        self._use(key)
        return known.read() if known else None

    def put(self, item: JsonObject) -> Key | None:
        """Take in a version of an object; returns whose it is if that was news."""
        key = owner_key(item)
        if key is None:
            return None
        kind, name = _kind(item), metadata(item, "name")
        known, version = self._known(key, kind, name), version_of(item)
        at = known.version if known else self._gone.get((kind, key.namespace, name), -1)
        is_outline = known is not None and known.is_outline and version == at
        if version <= at and not is_outline:
            return None
        packed = self._room.pack(key, item, version, known)
        if is_outline and packed.is_outline:
            return None
        self._note_size(key, kind, name, packed)
        if kind == names.KIND:
            self._parents[key] = packed
        else:
            self._children.setdefault(key, {})[kind, name] = packed
            self._note_change(key)
        if key in self._in_use:
            self._weigh(key, self._in_use[key] + packed.size)
        return key

    def remove(self, item: JsonObject) -> Key | None:
        """Take out an object that was deleted, unless a newer one has its name."""
        key = owner_key(item)
        if key is None:
            return None
        kind, name, version = _kind(item), metadata(item, "name"), version_of(item)
        known = self._known(key, kind, name)
        if known is None or version >= known.version:
            self._drop(key, kind, name)
            self._gone[kind, key.namespace, name] = version
        return key

    def compare(
        self, kind: str, namespace: str | None, listed: Collection[tuple[str, str]], version: int
    ) -> set[Key]:
        """Take out what a complete list shows to be gone; returns whose it was.

        Args:
            kind: which kind was listed.
            namespace: where; None means everywhere.
            listed: namespace and name of what is in the list, and was put in before.
            version: of the list.
        """
        lost = [
            (key, name)
            for key, name, known in self._of_kind(kind, namespace)
            if known.version <= version and (key.namespace, name) not in listed
        ]
        for key, name in lost:
            self._drop(key, kind, name)
        self._gone = {
            place: at
            for place, at in self._gone.items()
            if at > version or not _is_within(place, kind, namespace)
        }
        return {key for key, _ in lost}

    def drop(self, kind: str, namespace: str | None) -> None:
        """Know nothing of a kind any more, here or (None) everywhere."""
        for key, name, _ in list(self._of_kind(kind, namespace)):
            self._drop(key, kind, name)
        self._gone = {
            place: at for place, at in self._gone.items() if not _is_within(place, kind, namespace)
        }

    def rest(self, key: Key) -> None:
        """Keep the objects of a model packed until somebody asks for them again."""
        if key in self._in_use:
            self._weigh(key, 0)
            del self._in_use[key]
            for known in (self._parents.get(key), *self._children.get(key, {}).values()):
                if known is not None:
                    known.rest()

    def forget(self, key: Key) -> None:
        """Drop a ModelDeployment that is gone; its children are known until they are gone too."""
        self._note_size(key, names.KIND, key.name, None)
        self._parents.pop(key, None)
        self.rest(key)

    def _use(self, key: Key) -> None:
        if key not in self._parents and key not in self._children:
            return
        known = self._in_use.pop(key, 0)
        self._in_use[key] = known
        if not known:
            objects = (self._parents.get(key), *self._children.get(key, {}).values())
            self._weigh(key, sum(packed.size for packed in objects if packed is not None))
        while len(self._in_use) > 1 and (
            len(self._in_use) > MOST_READ or self._unpacked > MOST_UNPACKED
        ):
            oldest = next(iter(self._in_use))
            self.rest(oldest)
            self.on_rest(oldest)

    def _weigh(self, key: Key, size: int) -> None:
        self._unpacked += size - self._in_use[key]
        self._in_use[key] = size

    def _note_size(self, key: Key, kind: str, name: str, packed: PackedObject | None) -> None:
        """Account for an object that is there from now on, or (None) is not."""
        self._room.exchange(key, kind, self._known(key, kind, name), packed)
        outlines = self._outlines.setdefault(kind, set())
        if packed is not None and packed.is_outline:
            outlines.add((key, name))
        else:
            outlines.discard((key, name))

    def _known(self, key: Key, kind: str, name: str) -> PackedObject | None:
        if kind == names.KIND:
            return self._parents.get(key)
        return self._children.get(key, {}).get((kind, name))

    def _drop(self, key: Key, kind: str, name: str) -> None:
        children = self._children.get(key, {})
        self._note_size(key, kind, name, None)
        if kind == names.KIND:
            self._parents.pop(key, None)
        else:
            children.pop((kind, name), None)
            self._note_change(key)
        if not children:
            self._children.pop(key, None)
            if key not in self._parents:
                self.rest(key)
                self._changed.pop(key, None)

    def _note_change(self, key: Key) -> None:
        self._changes += 1
        self._changed[key] = self._changes

    def _of_kind(self, kind: str, namespace: str | None) -> Iterator[tuple[Key, str, PackedObject]]:
        """Objects of a kind, here or everywhere: whose, which, and what is known of it."""
        if kind == names.KIND:
            for key, known in self._parents.items():
                if namespace in {None, key.namespace}:
                    yield key, key.name, known
            return
        for key, children in self._children.items():
            if namespace in {None, key.namespace}:
                for (stored, name), known in children.items():
                    if stored == kind:
                        yield key, name, known


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


def version_of(item: JsonObject) -> int:
    """The resourceVersion of an object as a number."""
    return version_number(metadata(item, "resourceVersion"))


def version_number(text: str) -> int:
    """A resourceVersion as a number; 0 for what is none."""
    return int(text) if text.isdigit() else 0


def _kind(item: JsonObject) -> str:
    kind = item.get("kind")
    return kind if isinstance(kind, str) else ""


def _name(child: tuple[tuple[str, str], PackedObject]) -> tuple[str, str]:
    return child[0]


def _is_within(place: Place, kind: str, namespace: str | None) -> bool:
    return place[0] == kind and namespace in {None, place[1]}
