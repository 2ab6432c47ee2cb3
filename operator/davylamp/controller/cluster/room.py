"""How much is kept of the objects of one model, of one namespace and of all: what goes beyond is an outline.

Objects are compressed, but whoever writes them can see to it that nothing compresses. So what is
kept of a namespace is bounded, without its ordinary objects: how many of these there are is for a
ResourceQuota to bound. What a namespace always has room for is nobody else's to take.
"""

from typing import Final, Protocol, TypeVar

from davylamp.api import names
from davylamp.controller.cluster.packed import PackedObject
from davylamp.schema.json import JsonObject, section

MOST_OF_A_MODEL: Final = 16 * 2**20
"""Bytes of text of all children of one model: a thousand pods have half of that."""
ORDINARY: Final = 8 * 2**10
"""Bytes of an object as it is kept that do not count for its namespace: most have a fifth of that."""
MOST_OF_A_NAMESPACE: Final = 16 * 2**20
"""Bytes beyond the ordinary that are kept of a namespace while there is room in all,"""
ALWAYS: Final = 2**20
"""and however much others take."""
MOST_OF_ALL: Final = 64 * 2**20
_NO_ROOM_IN_MODEL: Final = "is more than is kept of the objects of one model"
_NO_ROOM_IN_NAMESPACE: Final = "is more than is kept of the objects of one namespace"
_BULKY: Final = frozenset({"annotations", "managedFields"})
_SHORT: Final = 1000
_Place = TypeVar("_Place")
_KEPT: Final = frozenset(
    {names.SPEC_BY, *(name for c in names.Command for name in (c.value, c.beside))}
)
"""Annotations that are kept in any case, if they are short: commands are to be obeyed."""


class Owned(Protocol):
    """Which model objects belong to."""

    @property
    def namespace(self) -> str:
        """Where it is."""


class Room:
    """What is taken, and what there is room for."""

    def __init__(self) -> None:
        self._of_models: dict[Owned, int] = {}
        self._of_namespaces: dict[str, int] = {}
        self._of_all = 0

    def pack(
        self, key: Owned, item: JsonObject, version: int, known: PackedObject | None
    ) -> PackedObject:
        """An object as it is kept instead of the known one; in outline where there is no room for it."""
        packed = PackedObject(item, version)
        if item.get("kind") != names.KIND:
            taken = self._of_models.get(key, 0) - (known.size if known else 0)
            if taken + packed.size > MOST_OF_A_MODEL:
                return _outline(item, version, _NO_ROOM_IN_MODEL)
        more = _beyond(packed) - _beyond(known)
        if more > 0 and not self._has(key.namespace, more):
            return _outline(item, version, _NO_ROOM_IN_NAMESPACE)
        return packed

    def exchange(
        self, key: Owned, kind: str, before: PackedObject | None, after: PackedObject | None
    ) -> None:
        """Account for an object that is kept from now on instead of another one, or none."""
        more = _beyond(after) - _beyond(before)
        self._of_all += more
        _add(self._of_namespaces, key.namespace, more)
        if kind != names.KIND:
            _add(
                self._of_models, key, (after.size if after else 0) - (before.size if before else 0)
            )

    def _has(self, namespace: str, more: int) -> bool:
        taken = self._of_namespaces.get(namespace, 0) + more
        if taken <= ALWAYS:
            return True
        return taken <= MOST_OF_A_NAMESPACE and self._of_all + more <= MOST_OF_ALL


def _beyond(packed: PackedObject | None) -> int:
    """Bytes beyond those of an ordinary object."""
    return max(0, packed.kept - ORDINARY) if packed else 0


def _add(taken: dict[_Place, int], place: _Place, more: int) -> None:
    left = taken.pop(place, 0) + more
    if left:
        taken[place] = left


def _outline(item: JsonObject, version: int, why: str) -> PackedObject:
    """Which object it is and why there is no more; of a ModelDeployment its status, too."""
    described = section(item, "metadata")
    kept = {key: value for key, value in described.items() if key not in _BULKY}
    named: JsonObject = {key: item[key] for key in ("apiVersion", "kind") if key in item}
    if item.get("kind") == names.KIND:
        annotations = section(described, "annotations").items()
        kept["annotations"] = {k: v for k, v in annotations if k in _KEPT and _is_short(v)}
        named |= {"status": item["status"]} if "status" in item else {}
    return PackedObject({names.UNREAD: why, **named, "metadata": kept}, version)


def _is_short(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _SHORT
