"""The structural schema of an overlay, made from the same table by which overlays are merged.

It is closed: an object of the API server has no fields but these, and is no deeper. Every list, map
and text has a bound, so that what can be written is finite; how much of it one overlay may hold in
all, no structural schema can say (`manifests/overlay/bounds.py` does). There are no descriptions:
with them the definition would not fit into the annotation of a plain `kubectl apply`.
"""

from typing import Final

from davylamp.api.template.shapes import POD_TEMPLATE, SHAPES, FieldShape
from davylamp.schema.json import Json, JsonObject
from davylamp.schema.kubernetes import QUANTITY_PATTERN

DIRECTIVE: Final = "$overlay"
MOST_ITEMS: Final = 256
"""Of a list or map: the variables of a large application, or a file for each key of a ConfigMap."""
_LONGEST_TEXT: Final = 4096
"""As long as a path of Linux may be."""
LONGEST_ARGUMENT: Final = 131_072
"""As long as Linux lets one argument or variable of a program be (MAX_ARG_STRLEN)."""
_ARGUMENTS: Final = frozenset({"args", "command", "value", "annotations"})
_LONGEST_SCALAR: Final = 64
"""Of a quantity, and of a port's name in place of its number."""
_INTEGERS: Final = {"integer": "int32", "long": "int64"}
_LIMITS: Final[dict[str, JsonObject]] = {"integer": {"minimum": -(2**31), "maximum": 2**31 - 1}}


def overlay_schema() -> JsonObject:
    """The schema of `spec.serving.template`, without a description."""
    return _object(POD_TEMPLATE)


def _object(name: str) -> JsonObject:
    fields: JsonObject = {field: _field(field, shape) for field, shape in SHAPES[name].items()}
    directive: JsonObject = {"type": "string", "enum": ["delete", "replace"]}
    return {"type": "object", "properties": {DIRECTIVE: directive, **fields}}


def _field(name: str, shape: FieldShape) -> JsonObject:
    """A field; null takes away what we have there."""
    longest = LONGEST_ARGUMENT if name in _ARGUMENTS else _LONGEST_TEXT
    value = _value(shape.of, longest)
    if shape.is_list:
        return {"type": "array", "nullable": True, "maxItems": MOST_ITEMS, "items": value}
    if shape.is_map:
        entry: Json = {**value, "nullable": True}
        bounded: JsonObject = {"maxProperties": MOST_ITEMS, "additionalProperties": entry}
        return {"type": "object", "nullable": True, **bounded}
    return {**value, "nullable": True}


def _value(of: str, longest: int) -> JsonObject:
    match of:
        case "string":
            return {"type": "string", "maxLength": longest}
        case "boolean":
            return {"type": "boolean"}
        case "integer" | "long":
            # a format alone is not held by the API server
            return {"type": "integer", "format": _INTEGERS[of], **_LIMITS.get(of, {})}
        case "int-or-string":
            return {"x-kubernetes-int-or-string": True, "maxLength": _LONGEST_SCALAR}
        case "quantity":
            return _QUANTITY.copy()
        case _:
            return _object(of)


_QUANTITY: Final[JsonObject] = {
    "x-kubernetes-int-or-string": True,
    "maxLength": _LONGEST_SCALAR,
    # a map of quantities may hold a directive, as any map of texts may
    "pattern": f"^({QUANTITY_PATTERN}|delete|replace)$",
}
