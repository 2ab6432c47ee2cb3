"""Reads what an image says, which may be anything: every defect becomes one sentence with a path."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from davylamp.schema.json import Json, JsonObject

LARGEST: Final = 1e100
"""Beyond it sums and differences of doubles stop being numbers."""
LONGEST_WORD: Final = 80


class BrokenError(ValueError):
    """A document is not as the contract says; the message names the place."""


def member(node: JsonObject, name: str, *, path: str) -> Json:
    """A member that has to be there."""
    if name not in node:
        raise BrokenError(f"{at(path, name)} is missing")
    return node[name]


def mapping(value: Json, path: str) -> JsonObject:
    """An object."""
    if not isinstance(value, dict):
        raise BrokenError(f"{path} is no object")
    return value


def sequence(value: Json, path: str) -> Sequence[Json]:
    """A list that is not empty."""
    if not isinstance(value, list):
        raise BrokenError(f"{path} is no list")
    if not value:
        raise BrokenError(f"{path} is empty")
    return value


def number(value: Json, path: str) -> float:
    """A finite number of a size that can be calculated with."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BrokenError(f"{path} is no number")
    if not -LARGEST <= value <= LARGEST:  # not true of NaN either
        raise BrokenError(f"{path} is no finite number")
    return float(value)


def numbers(value: Json, path: str) -> tuple[float, ...]:
    """A list of numbers that is not empty."""
    return tuple(number(each, f"{path}[{i}]") for i, each in enumerate(sequence(value, path)))


def named_numbers(value: Json, path: str) -> Mapping[str, float]:
    """An object of numbers that is not empty."""
    found = mapping(value, path)
    if not found:
        raise BrokenError(f"{path} is empty")
    return {name: number(each, at(path, name)) for name, each in found.items()}


def word(value: Json, path: str) -> str:
    """A text that is not empty, fit to be quoted."""
    if not isinstance(value, str) or not value.strip():
        raise BrokenError(f"{path} is no text")
    return plain(value)


def plain(text: str) -> str:
    """One short printable line, whatever was in it."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= LONGEST_WORD else f"{line[: LONGEST_WORD - 1]}…"


def quoted(value: Json) -> str:
    """A value for a sentence: texts and numbers as they are, anything larger by its kind."""
    if isinstance(value, str):
        return plain(value) or "an empty text"
    if value is None:
        return "nothing"
    if isinstance(value, bool | float):
        return str(value)
    if isinstance(value, int):
        return str(value) if abs(value) < LARGEST else "a huge number"
    return "an object" if isinstance(value, dict) else "a list"


def at(path: str, name: str) -> str:
    """The path of a member."""
    return f"{path}.{plain(name)}" if path else plain(name)


def told(value: float) -> str:
    """A number for a sentence, to the digits that distinguish predictions."""
    return f"{value:.10g}"


def small(value: float) -> str:
    """A difference or a tolerance for a sentence."""
    return f"{value:.2g}" if math.isfinite(value) else "infinite"
