"""The generated table of a pod template's fields, read once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from davylamp.api.template.fields import FIELDS

POD_TEMPLATE: Final = "PodTemplateSpec"
SCALARS: Final = frozenset({"string", "integer", "long", "boolean", "quantity", "int-or-string"})
_FIELD: Final = re.compile(r"(\w+)(?:=([\[{]?)([\w-]+)[\]}]?([\w,:]*)(\|?))?")


@dataclass(frozen=True, slots=True)
class ListKey:
    """A field by which the items of a list are told apart."""

    field: str
    default: str | None
    """What it is where an item does not have it."""


@dataclass(frozen=True, slots=True)
class FieldShape:
    """What the value of one field looks like."""

    of: str
    """A scalar, or the name of a type: of the value, or of the items of a list or map."""
    is_list: bool = False
    is_map: bool = False
    keys: tuple[ListKey, ...] = ()
    """None for a list that is one value."""
    is_alternative: bool = False
    """Whether it is one of several fields of which an object may have only one."""

    @property
    def item(self) -> "FieldShape":
        """What the items of a list or map look like."""
        return FieldShape(self.of)


def parsed(table: str) -> dict[str, dict[str, FieldShape]]:
    """The fields of each type of a table."""
    lines = table.replace("\n ", " ").strip().splitlines()
    split = (line.split(": ", 1) for line in lines)
    return {name: dict(map(_shape, fields.split())) for name, fields in split}


def _shape(word: str) -> tuple[str, FieldShape]:
    parts = _FIELD.fullmatch(word)
    if parts is None:
        raise ValueError(f"{word!r} is no field of the table")
    name, bracket, of, keys, alternative = parts.groups()
    named = [key.partition(":") for key in (keys or "").split(",") if key]
    return name, FieldShape(
        of or "string",
        is_list=bracket == "[",
        is_map=bracket == "{",
        keys=tuple(ListKey(field, default or None) for field, _, default in named),
        is_alternative=bool(alternative),
    )


SHAPES: Final[Mapping[str, Mapping[str, FieldShape]]] = parsed(FIELDS)
"""The fields of each type below a pod template."""
