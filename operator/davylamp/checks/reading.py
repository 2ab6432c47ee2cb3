"""Reads what an image sent, which may be anything: every defect becomes one sentence with a path.

Nothing of it is repeated but numbers, and names as pseudonyms (`schema.pseudonyms`).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from davylamp.schema.json import Json, JsonObject
from davylamp.schema.pseudonyms import pseudonym

LARGEST: Final = 1e100
"""Beyond it, sums and differences of doubles overflow."""


class MalformedError(ValueError):
    """A document does not follow docs/model-server.md; the message names the place."""


def required(node: JsonObject, name: str, *, path: str) -> Json:
    """A member that must be there."""
    if name not in node:
        raise MalformedError(f"{at(path, name)} is missing")
    return node[name]


def mapping(value: Json, path: str) -> JsonObject:
    """An object."""
    if not isinstance(value, dict):
        raise MalformedError(f"{path} is not an object")
    return value


def sequence(value: Json, path: str) -> Sequence[Json]:
    """A list that is not empty."""
    if not isinstance(value, list):
        raise MalformedError(f"{path} is not a list")
    if not value:
        raise MalformedError(f"{path} is empty")
    return value


def number(value: Json, path: str) -> float:
    """A finite number small enough to calculate with."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MalformedError(f"{path} is not a number")
    if not -LARGEST <= value <= LARGEST:  # not true of NaN either
        raise MalformedError(f"{path} is not a finite number")
    return float(value)


def numbers(value: Json, path: str) -> tuple[float, ...]:
    """A list of numbers that is not empty."""
    return tuple(number(item, f"{path}[{i}]") for i, item in enumerate(sequence(value, path)))


def named_numbers(value: Json, path: str) -> Mapping[str, float]:
    """An object of numbers that is not empty."""
    members = mapping(value, path)
    if not members:
        raise MalformedError(f"{path} is empty")
    return {name: number(item, at(path, pseudonym(name))) for name, item in members.items()}


def word(value: Json, path: str) -> str:
    """The pseudonym of a text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise MalformedError(f"{path} is not text")
    return pseudonym(value)


def at(path: str, name: str) -> str:
    """The path of a member, whose name is ours or a pseudonym."""
    return f"{path}.{name}" if path else name


def precise(value: float) -> str:
    """A number for a sentence, to the digits that distinguish predictions."""
    return f"{value:.10g}"


def rounded(value: float) -> str:
    """A difference or a tolerance for a sentence."""
    return f"{value:.2g}" if math.isfinite(value) else "infinite"
