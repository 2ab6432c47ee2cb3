"""What the API server makes of an overlay that holds more than the definition has: it prunes it.

Source: apiextensions-apiserver, pkg/apiserver/schema/pruning: fields without a schema are dropped,
also from objects that were stored under another definition, whenever they are read.
"""

from typing import Final

from davylamp.api.template.structure import overlay_schema
from davylamp.schema.json import Json, JsonObject, section

_SCHEMA: Final = overlay_schema()


def pruned(overlay: JsonObject) -> JsonObject:
    """An overlay as it is read from an API server with our definition."""
    kept = _pruned(overlay, _SCHEMA)
    return kept if isinstance(kept, dict) else {}


def _pruned(value: Json, schema: JsonObject) -> Json:
    if isinstance(value, list):
        return [_pruned(item, section(schema, "items")) for item in value]
    if not isinstance(value, dict):
        return value
    fields = section(schema, "properties")
    if "additionalProperties" in schema:
        fields = dict.fromkeys(value, section(schema, "additionalProperties"))
    return {
        key: _pruned(item, section(fields, key)) for key, item in value.items() if key in fields
    }
