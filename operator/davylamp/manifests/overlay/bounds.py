"""How large an overlay may be, and which values are none of JSON's: looked at before anything else."""

import math
from typing import Final

from davylamp.api.serving import DEEPEST_TEMPLATE
from davylamp.api.template import MOST_ITEMS
from davylamp.manifests.overlay.refused import ROOT, refuse
from davylamp.schema.json import Json, JsonObject, is_deeper

MOST_VALUES: Final = 10_000
MOST_TEXT: Final = 256 * 1024
"""Characters of all keys and values: an object of the API server has a megabyte, and holds more."""
_LARGEST: Final = 2**63


def check_bounds(overlay: JsonObject) -> None:
    """Refuse an overlay that is too large, or holds a value that no API server would send."""
    if is_deeper(overlay, DEEPEST_TEMPLATE):
        refuse(ROOT, f"is nested deeper than {DEEPEST_TEMPLATE} levels")
    waiting: list[Json] = [overlay]
    values, length = 0, 0
    while waiting:
        value = waiting.pop()
        values += 1
        if isinstance(value, dict | list) and len(value) > MOST_ITEMS:
            refuse(ROOT, f"has a list or map of more than {MOST_ITEMS} items")
        parts: list[Json] = []
        if isinstance(value, dict):
            parts = [*value, *value.values()]
        elif isinstance(value, list):
            parts = value
        elif isinstance(value, str):
            length += len(value)
        if values + len(waiting) + len(parts) > 2 * MOST_VALUES:
            refuse(ROOT, f"has more than {MOST_VALUES} values")
        if length > MOST_TEXT:
            refuse(ROOT, f"is longer than {MOST_TEXT // 1024} KiB")
        _check_leaf(value)
        waiting.extend(parts)


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
