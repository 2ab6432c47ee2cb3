"""How large an overlay may be, and which values are none of JSON's: looked at before anything else."""

import math
from typing import Final

from davylamp.manifests.overlay.refused import ROOT, refuse
from davylamp.schema.json import Json, JsonObject

DEEPEST: Final = 32
"""Levels; a pod template has about twelve."""
MOST_VALUES: Final = 10_000
MOST_TEXT: Final = 256 * 1024
"""Characters of all keys and values: an object of the API server has a megabyte, and holds more."""
_LARGEST: Final = 2**63


def check_bounds(overlay: JsonObject) -> None:
    """Refuse an overlay that is too large, or holds a value that no API server would send."""
    waiting: list[tuple[Json, int]] = [(overlay, 1)]
    values, length = 0, 0
    while waiting:
        value, depth = waiting.pop()
        values += 1
        parts: list[Json] = []
        if isinstance(value, dict):
            parts = [*value, *value.values()]
        elif isinstance(value, list):
            parts = value
        elif isinstance(value, str):
            length += len(value)
        if depth > DEEPEST:
            refuse(ROOT, f"is nested deeper than {DEEPEST} levels")
        if values + len(waiting) + len(parts) > 2 * MOST_VALUES:
            refuse(ROOT, f"has more than {MOST_VALUES} values")
        if length > MOST_TEXT:
            refuse(ROOT, f"is longer than {MOST_TEXT // 1024} KiB")
        _check_leaf(value)
        waiting.extend((part, depth + 1) for part in parts)


def _check_leaf(value: Json) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        refuse(ROOT, f"holds {value}, which is no number")
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        refuse(ROOT, "holds an integer of more than 64 bits")
    if isinstance(value, str) and not _is_text(value):
        refuse(ROOT, "holds text that is not Unicode")


def _is_text(value: str) -> bool:
    """Whether a text can be sent: half of a surrogate pair cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
