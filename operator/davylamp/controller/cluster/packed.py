"""How objects are kept: without what nobody reads, and small, as most of them are never looked at.

Ten thousand models at rest have some seventy thousand children. As dictionaries they would take
gigabytes; as compressed text they take a hundred megabytes, and reading one takes microseconds.
"""

import json
import zlib
from typing import Final

from davylamp.api import names
from davylamp.controller.cluster.objects import why_unread
from davylamp.schema.json import JsonObject, section

_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_COMMANDS: Final = frozenset(command.value for command in names.Command)
_FASTEST: Final = 1


class PackedObject:
    """One object and its version.

    Args:
        item: the object as the API server gave it, or its outline.
        version: its resourceVersion.

    Attributes:
        is_outline: whether the rest of it is too heavy to be read.
        size: bytes of its text.
    """

    __slots__ = ("_content", "_read", "is_outline", "size", "version")

    def __init__(self, item: JsonObject, version: int) -> None:
        self.version = version
        self.is_outline = bool(why_unread(item))
        content = _text(trimmed(item))
        self.size = len(content)
        self._content = zlib.compress(content, _FASTEST)
        self._read: JsonObject | None = None

    @property
    def kept(self) -> int:
        """Bytes that it takes while it is packed."""
        return len(self._content)

    def read(self) -> JsonObject:
        """The object; the same one until `rest`, so nobody may change it."""
        if self._read is None:
            self._read = json.loads(zlib.decompress(self._content))
        return self._read

    def rest(self) -> None:
        """Keep it packed only."""
        self._read = None


def trimmed(item: JsonObject) -> JsonObject:
    """An object without what nobody reads; everything else is kept as it is.

    `managedFields` is up to half of an object. What kubectl applied last is a copy of it, which
    matters only for what users apply: ModelDeployments. Of a command it matters who put it there.
    """
    described = section(item, "metadata")
    annotations = section(described, "annotations")
    left_out = set() if _COMMANDS & annotations.keys() else {"managedFields"}
    kept = dict(described)
    if item.get("kind") != names.KIND and _LAST_APPLIED in annotations:
        kept["annotations"] = {k: v for k, v in annotations.items() if k != _LAST_APPLIED}
    return {**item, "metadata": {k: v for k, v in kept.items() if k not in left_out}}


def _text(item: JsonObject) -> bytes:
    return json.dumps(item, separators=(",", ":"), ensure_ascii=False).encode()
