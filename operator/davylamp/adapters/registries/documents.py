"""JSON of strangers, and {} for whatever else they send: weighed before it is parsed."""

from typing import Final

from davylamp.schema.json import JsonObject
from davylamp.schema.weight import Budget, UnreadableJsonError, read_json

DEEPEST: Final = 16
"""Levels of a document; a manifest has five."""
_BUDGET: Final = Budget(size=256 * 1024, depth=DEEPEST, elements=20_000)
"""Ten milliseconds at most: documents are read in the event loop."""


def read_document(content: bytes) -> JsonObject:
    """A JSON object, and {} for anything else: too heavy, no JSON, another kind of value."""
    try:
        document = read_json(content, _BUDGET)
    except UnreadableJsonError:
        return {}
    return document if isinstance(document, dict) else {}
