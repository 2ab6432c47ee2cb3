"""JSON as Kubernetes speaks it, typed, and read without trusting its shape."""

from collections.abc import Mapping
from typing import TypeAlias

from pydantic import JsonValue

Json: TypeAlias = JsonValue
JsonObject: TypeAlias = dict[str, JsonValue]
Labels: TypeAlias = Mapping[str, str]


def field(node: Json, *path: str) -> Json:
    """The value at a path of keys; None where the path ends early."""
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
    return node


def text(node: Json, *path: str) -> str:
    """The text at a path; empty for anything that is not text."""
    value = field(node, *path)
    return value if isinstance(value, str) else ""


def integer(node: Json, *path: str) -> int:
    """The integer at a path; 0 for anything that is not an integer, such as `true`."""
    value = field(node, *path)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def section(node: Json, *path: str) -> JsonObject:
    """The object at a path; empty for anything that is not an object."""
    value = field(node, *path)
    return value if isinstance(value, dict) else {}


def entries(node: Json, *path: str) -> list[JsonObject]:
    """The objects in the list at a path; other elements are left out, as is any other value."""
    value = field(node, *path)
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict)]


def is_deeper(value: object, levels: int) -> bool:
    """Whether objects and lists are nested deeper; looked at level by level, so any depth is safe."""
    level = [value]
    for _ in range(levels):
        level = [
            part
            for item in level
            if isinstance(item, dict | list)
            for part in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True
