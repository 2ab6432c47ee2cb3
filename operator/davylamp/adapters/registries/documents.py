"""JSON of strangers, read under a budget: bytes and depth are known before anything is parsed."""

import json
import re
from typing import Final

from davylamp.schema.json import JsonObject

DEEPEST: Final = 16
"""Levels of a document; a manifest has five."""
_MARKS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
"""Texts and brackets. A text without an end reaches to the end, so that it is looked at only once."""


def read_document(content: bytes) -> JsonObject:
    """A JSON object, and {} for anything else: too deep, no JSON, another kind of value."""
    if _is_deep(content):
        return {}
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _is_deep(content: bytes) -> bool:
    """Whether brackets outside of texts are nested too deep; one pass, whatever they hold."""
    depth = 0
    for mark in _MARKS.finditer(content):
        sign = mark.group()[:1]
        depth += (sign in b"[{") - (sign in b"]}")
        if depth > DEEPEST:
            return True
    return False
