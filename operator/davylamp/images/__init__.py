"""Which bytes a tag means, and who vouches for them. Pure: names, answers, rules, signed texts."""

from davylamp.images.answers import (
    ImageAnswer,
    ImageFault,
    ImageFinding,
    Resolved,
    Unresolved,
)
from davylamp.images.reference import ImageReference, parse_image, parse_reference
from davylamp.images.rules import KeyRule, keys_for

__all__ = [
    "ImageAnswer",
    "ImageFault",
    "ImageFinding",
    "ImageReference",
    "KeyRule",
    "Resolved",
    "Unresolved",
    "keys_for",
    "parse_image",
    "parse_reference",
]
