"""What the API server makes of an overlay that holds more than the definition has: it prunes it.

Source: apiextensions-apiserver, pkg/apiserver/schema/pruning: fields without a schema are dropped,
also from objects that were stored under another definition, whenever they are read.
"""

from typing import Final

from davylamp.api.template.structure import overlay_schema
from davylamp.schema.json import Json, JsonObject, section

_SCHEMA: Final = overlay_schema()


def is_read_as(stored: JsonObject, read: JsonObject) -> bool:
    """Whether an overlay, as it was stored, is read as another one under our definition."""
    return _is_left(stored, read, _SCHEMA)


def _is_left(stored: Json, read: Json, schema: JsonObject) -> bool:
    if stored == read:  # looked at first: only what differs costs a walk
        return True
    if isinstance(stored, list) and isinstance(read, list) and len(stored) == len(read):
        items = section(schema, "items")
        return all(_is_left(*pair, items) for pair in zip(stored, read, strict=True))
    if not isinstance(stored, dict) or not isinstance(read, dict):
        return False
    fields = section(schema, "properties")
    if "additionalProperties" in schema:
        fields = dict.fromkeys(stored, section(schema, "additionalProperties"))
    kept = [key for key in stored if key in fields]
    return read.keys() == set(kept) and all(
        _is_left(stored[key], read[key], section(fields, key)) for key in kept
    )
