"""What an overlay on the pod template may hold: the generated table of fields, and its schema."""

from davylamp.api.template.fields import VERSION
from davylamp.api.template.pruning import is_read_as
from davylamp.api.template.shapes import POD_TEMPLATE, SCALARS, SHAPES, FieldShape, ListKey
from davylamp.api.template.structure import DIRECTIVE, LONGEST_ARGUMENT, MOST_ITEMS, overlay_schema

__all__ = [
    "DIRECTIVE",
    "LONGEST_ARGUMENT",
    "MOST_ITEMS",
    "POD_TEMPLATE",
    "SCALARS",
    "SHAPES",
    "VERSION",
    "FieldShape",
    "ListKey",
    "is_read_as",
    "overlay_schema",
]
