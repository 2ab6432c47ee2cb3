"""Plain values of a pod template: of the type that Kubernetes reads, or refused with an example."""

from typing import Final

from davylamp.manifests.overlay.refused import refuse
from davylamp.schema.json import Json
from davylamp.schema.kubernetes import QUANTITY_SENTENCE, is_quantity
from davylamp.schema.text import printable

_WANTED: Final = {
    "string": "must be text",
    "integer": "must be a whole number of 32 bits",
    "long": "must be a whole number",
    "boolean": "must be true or false",
    "int-or-string": "must be a whole number or text",
}

_BITS: Final = {"integer": 31, "long": 63}


def checked_scalar(value: Json, wanted: str, path: str) -> Json:
    """A plain value, if it is what is wanted there."""
    if wanted == "quantity":
        if not is_quantity(value):
            refuse(path, f"{QUANTITY_SENTENCE}, not {kind_of(value)}")
    elif not _is(value, wanted):
        refuse(path, f"{_WANTED[wanted]}, not {kind_of(value)}{_in_quotes(value, wanted)}")
    return value


def kind_of(value: Json) -> str:
    """What a value is, for a sentence."""
    match value:
        case None:
            return "null"
        case bool() | int() | float():
            return "true" if value is True else "false" if value is False else str(value)
        case str():
            return f'"{printable(value[:40], instead="?")}"'
        case list():
            return "a list"
        case dict():
            return "an object"


def _is(value: Json, wanted: str) -> bool:
    match wanted:
        case "string":
            return isinstance(value, str)
        case "integer" | "long":
            limit = 2 ** _BITS[wanted]
            return (
                isinstance(value, int)
                and value is not True
                and value is not False
                and -limit <= value < limit
            )
        case "boolean":
            return isinstance(value, bool)
        case _:
            return isinstance(value, int | str) and not isinstance(value, bool)


def _in_quotes(value: Json, wanted: str) -> str:
    """A hint where only the quotes are missing."""
    forgotten = wanted == "string" and isinstance(value, bool | int | float)
    return f': write "{kind_of(value)}"' if forgotten else ""
