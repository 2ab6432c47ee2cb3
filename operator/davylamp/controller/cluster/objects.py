"""Reads Kubernetes objects into what a decision looks at. Pure."""

from datetime import datetime

from davylamp.api import names
from davylamp.schema.json import Json, JsonObject, field, integer, text

__all__ = [
    "field",
    "has_other_owner",
    "instant",
    "label",
    "owner_uids",
    "record_number",
    "why_unread",
]


def why_unread(item: JsonObject) -> str:
    """Why an object is there in outline only; empty where it is whole."""
    return text(item, names.UNREAD)


def record_number(record: JsonObject) -> int:
    """The number of a ControllerRevision."""
    return integer(record, "revision")


def owner_uids(item: JsonObject) -> set[str]:
    """Owners of an object."""
    references = field(item, "metadata", "ownerReferences")
    known = references if isinstance(references, list) else []
    uids = (field(reference, "uid") for reference in known)
    return {uid for uid in uids if isinstance(uid, str)}


def has_other_owner(item: JsonObject, uid: str) -> bool:
    """Whether an object belongs to somebody, but not to the owner with this uid."""
    owners = owner_uids(item)
    return bool(owners) and uid not in owners


def metadata(item: JsonObject, name: str) -> str:
    """A text field of an object's metadata, empty if it is not there."""
    return text(item, "metadata", name)


def label(item: JsonObject, name: str) -> str:
    """A label's value, empty if it is not there."""
    return text(item, "metadata", "labels", name)


def instant(value: Json) -> datetime | None:
    """A timestamp of the API server."""
    return datetime.fromisoformat(value) if isinstance(value, str) else None
