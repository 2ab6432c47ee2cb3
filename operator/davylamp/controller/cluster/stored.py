"""The children of one ModelDeployment as the cluster stores them: a value, to plan against. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from davylamp.api import names
from davylamp.controller.cluster.objects import metadata
from davylamp.controller.cluster.owning.ownership import is_owned
from davylamp.manifests import projected, says_the_same
from davylamp.schema.json import Json, JsonObject, text

Identity: TypeAlias = tuple[str, str]
"""Kind and name."""
Spelling: TypeAlias = tuple[str, str]
"""What was applied, and how the API server stores it."""
_COMPARED: Final = ("spec", "data", "immutable", "metadata")


@dataclass(frozen=True, slots=True)
class StoredChildren:
    """What is known to be stored under an owner's names.

    Attributes:
        uid: of the owner; an object of another owner is never one of its children.
        items: by kind and name.
        spellings: by kind and name, where the API server writes a manifest in its own way.
        orphans: those without a living owner, which are adopted: they count as ours.
    """

    uid: str
    items: Mapping[Identity, JsonObject] = field(default_factory=dict)
    spellings: Mapping[Identity, Spelling] = field(default_factory=dict)
    orphans: frozenset[Identity] = frozenset()
    _compared: dict[Identity, tuple[JsonObject, bool]] = field(
        default_factory=dict, compare=False, repr=False
    )
    """The manifest that each was compared with last, and the answer: it is asked for in every pass."""

    def get(self, kind: str, name: str) -> JsonObject | None:
        """One child."""
        return self.items.get((kind, name))

    def of_kind(self, kind: str) -> list[JsonObject]:
        """The children of one kind, by name."""
        return [item for (stored, _), item in sorted(self.items.items()) if stored == kind]

    def is_ours(self, manifest: JsonObject) -> bool:
        """Whether the object under a manifest's name is known, and ours or about to be."""
        stored = self.items.get(identity_of(manifest))
        if stored is None:
            return False
        return is_owned(stored, self.uid) or identity_of(stored) in self.orphans

    def agrees(self, manifest: JsonObject) -> bool:
        """Whether the object is ours and says what the manifest says, so that a write is needless."""
        key = identity_of(manifest)
        stored = self.items.get(key)
        if stored is None or not self.is_ours(manifest) or metadata(stored, "deletionTimestamp"):
            return False
        before, answer = self._compared.get(key, (None, False))
        if before != manifest:
            answer = _mark(manifest) == _mark(stored) and self._says(manifest, stored)
            self._compared[key] = manifest, answer
        return answer

    def _says(self, manifest: JsonObject, stored: JsonObject) -> bool:
        """Whether an object says what a manifest says, or is how the API server spells it."""
        respelled = self.spellings.get(identity_of(manifest))
        return is_spelled(manifest, stored) or respelled == spelling(manifest, stored)


def identity_of(manifest: JsonObject) -> Identity:
    """Kind and name of an object."""
    return str(manifest["kind"]), metadata(manifest, "name")


def is_spelled(manifest: JsonObject, stored: JsonObject) -> bool:
    """Whether a stored object says what a manifest says, in the manifest's own words."""
    return says_the_same(_fields(stored), _fields(manifest))


def spelling(manifest: JsonObject, stored: JsonObject) -> Spelling:
    """What was applied, and how it is stored: the pair by which it is recognised later."""
    return _text(_fields(manifest)), _text(projected(_fields(stored), _fields(manifest)))


def _mark(item: JsonObject) -> str:
    """Which labels and annotations of users it carries."""
    return text(item, "metadata", "annotations", names.ANNOTATION_METADATA)


def _fields(item: JsonObject) -> JsonObject:
    return {key: item[key] for key in _COMPARED if key in item}


def _text(value: Json) -> str:
    return json.dumps(value, sort_keys=True)
