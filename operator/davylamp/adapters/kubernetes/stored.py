"""Stored objects as they are read: whole where they are within a budget, and else in outline.

Tenants write them, up to what etcd takes. An outline has what says which object it is, its status
where that can be read, and why there is no more; so whoever looks after the object goes on.
"""

import re
from collections.abc import Mapping
from typing import Final

from davylamp.api import names
from davylamp.schema.json import Json, JsonObject, section
from davylamp.schema.outlines import last_member, members
from davylamp.schema.weight import Budget, UnreadableJsonError, read_json

LONGEST: Final = 4 * 2**20
"""Bytes of an object that are kept while it is read; etcd takes less than half of that."""
_DEPTH: Final = 64
_ELEMENTS: Final = 20_000
"""A model with a status of everything has three thousand; as objects these take some megabytes."""
_BUDGET: Final = Budget(512 * 1024, _DEPTH, _ELEMENTS)
_BUDGETS: Final[Mapping[str, Budget]] = {
    kind: Budget(LONGEST, _DEPTH, _ELEMENTS) for kind in ("ConfigMap", "Secret")
}
"""Kinds that may hold a megabyte of text; flight records do."""
_SMALL: Final = Budget(300 * 1024, _DEPTH, 5_000)
"""For parts of an outline; annotations alone may have a quarter of a megabyte."""
_WORD: Final = 300
"""Bytes of a name of a kind, a version or a type."""
_IDENTITY: Final = ("name", "namespace", "uid", "resourceVersion")
_KEPT: Final = (*_IDENTITY, "generation", "deletionTimestamp")
_OUR_LABELS: Final = re.compile(
    b'[{,]("(?:%s)":"[^"\\\\]*+")'
    % b"|".join(
        re.escape(label.encode())
        for label in (names.LABEL_MANAGED_BY, names.LABEL_MODEL, names.LABEL_REVISION)
    )
)
"""Within a text every quote is escaped, so what stands before these is no part of one."""


def budget_of(kind: str) -> Budget:
    """What a stored object of a kind may weigh."""
    return _BUDGETS.get(kind, _BUDGET)


def read_stored(content: bytes, kind: str) -> JsonObject | None:
    """A stored object, or its outline; None where not even its name can be found.

    Args:
        content: its JSON text.
        kind: what was asked for.
    """
    try:
        item = read_json(content, budget_of(kind))
    except UnreadableJsonError as error:
        return _outline(content, str(error))
    if not isinstance(item, dict):
        return None
    item.pop(names.UNREAD, None)
    return item


def read_change(line: bytes) -> tuple[str, bytes] | None:
    """The type and the object of a line of a watch, however heavy; None where it is no such line."""
    parts = members(line, ("type", "object"))
    kind = _value(parts.whole.get("type", b"")[:_WORD])
    content = parts.whole.get("object")
    if content is None and "object" in parts.rest:
        content = parts.rest["object"].rstrip()[:-1]  # the API server writes it last
    return (kind, content) if isinstance(kind, str) and content is not None else None


def read_short(content: bytes) -> Json:
    """A text that is short unless something is wrong with it; None where it is not."""
    return _value(content)


def identity(item: JsonObject) -> JsonObject:
    """An object without anything but which one it is, and which version of it."""
    described = section(item, "metadata")
    kept: JsonObject = {key: described[key] for key in _KEPT if key in described}
    return {**{key: item[key] for key in ("apiVersion", "kind") if key in item}, "metadata": kept}


def _outline(content: bytes, why: str) -> JsonObject | None:
    parts = members(content, ("apiVersion", "kind", "metadata"))
    described = _metadata(parts.whole.get("metadata") or parts.rest.get("metadata") or b"")
    if not all(isinstance(described.get(name), str) for name in _IDENTITY):
        return None
    outline: JsonObject = {names.UNREAD: why, "metadata": described}
    for name in ("apiVersion", "kind"):
        value = _value(parts.whole.get(name, b"")[:_WORD])
        if isinstance(value, str):
            outline[name] = value
    text_of_status = _status(content)
    if text_of_status:
        status = _value(text_of_status)
        if not isinstance(status, dict):
            return None
        outline["status"] = status
    return None if text_of_status is None else outline


def _status(content: bytes) -> bytes | None:
    """The text of a status, empty where there is none; None where that cannot be known.

    Whoever took an object for one without a status would forget what serves.
    """
    last = last_member(content, "status")
    if last is not None:
        return last
    parts = members(content, ("status",))
    if "status" in parts.whole:
        return parts.whole["status"]
    return b"" if parts.is_all or b'"status"' not in content else None


def _metadata(content: bytes) -> JsonObject:
    """Metadata, or as much of it as can be read."""
    described = _value(content)
    if not isinstance(described, dict):
        parts = members(content, (*_KEPT, "labels", "annotations", "ownerReferences")).whole
        read = {name: _value(part) for name, part in parts.items()}
        described = {name: value for name, value in read.items() if value is not None}
        if "labels" in parts and "labels" not in described:
            ours = b",".join(_OUR_LABELS.findall(parts["labels"]))
            described["labels"] = _value(
                b"{%s}" % ours
            )  # whose it is, however many others there are
    described.pop("managedFields", None)
    return described


def _value(content: bytes) -> Json:
    try:
        return read_json(content, _SMALL)
    except UnreadableJsonError:
        return None
