"""How heavy a JSON text is, found out before it is parsed: bytes, depth, elements.

Whoever writes it is a stranger. A parser recurses once for each level and makes an object for each
element, so a few kilobytes of brackets end a process and a megabyte of `{}` fills its memory. All of
this looks at bytes only, in time in proportion to them and to depth times elements of the budget: below
50 ms for three megabytes where that product is below some millions.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Final, NoReturn

from davylamp.schema.json import Json

MOST_DIGITS: Final = 64
"""Of an integer: Kubernetes has 64 bits, and what is longer takes time by the square of its length."""
_QUOTES: Final = 4
"""Quotes that one element has at most: those of its name and of its value."""
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_ROUND: Final = bytes.maketrans(b"[{]}", b"(())")
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


class UnreadableJsonError(ValueError):
    """A text that is not parsed; the message goes on after the name of what it is."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a text may weigh.

    Attributes:
        size: bytes.
        depth: objects and lists within each other.
        elements: values in objects and lists, however deep.
    """

    size: int
    depth: int
    elements: int


def overweight(text: bytes, budget: Budget) -> str | None:
    """What is beyond the budget, as the end of a sentence about the text; None where nothing is.

    For a text that is no JSON either answer may come, but never None for one on whose way to its
    first error a parser would go deeper, or make more elements, than the budget allows.
    """
    if len(text) > budget.size:
        return f"has more than {budget.size:,} bytes"
    too_many = f"has more than {budget.elements:,} elements"
    # in this order: what stands after an odd number of backslashes is escaped
    plain = text.replace(rb"\\", b"").replace(rb"\"", b"")
    if plain.count(b'"') > _QUOTES * (budget.elements + 1):
        return too_many
    structure = b"".join(plain.split(b'"')[::2])
    brackets = round_brackets(structure)
    if structure.count(b",") + brackets.count(b"(") > budget.elements:
        return too_many
    return _too_deep(brackets, budget.depth)


def read_json(text: bytes, budget: Budget) -> Json:
    """The value of a text within the budget: finite numbers and whole characters only.

    Raises:
        UnreadableJsonError: it is beyond the budget, or no JSON.
    """
    beyond = overweight(text, budget)
    if beyond:
        raise UnreadableJsonError(beyond)
    try:
        decoded = text.decode()
        value: Json = _DECODER.decode(decoded)
        if _SURROGATE.search(decoded):
            json.dumps(value, ensure_ascii=False).encode()  # half a character cannot be written
    except UnreadableJsonError:
        raise
    except json.JSONDecodeError as error:
        raise UnreadableJsonError(f"is no JSON at byte {error.pos:,}") from None
    except ValueError:
        raise UnreadableJsonError("is not encoded as UTF-8") from None
    return value


def round_brackets(structure: bytes) -> bytes:
    """Nothing but the brackets of a text without strings, all of one sort."""
    return structure.translate(_ROUND, _NOT_BRACKETS)


def outer_brackets(brackets: bytes, rounds: int) -> bytes:
    """The brackets without the innermost pairs, taken out so many times; how deep they lead stays the same."""
    for _ in range(rounds):
        outer = brackets.replace(b"()", b"")
        if len(outer) == len(brackets):
            break
        brackets = outer
    return brackets


def _too_deep(brackets: bytes, levels: int) -> str | None:
    """Take out the innermost pairs once for each level: what is left then is deeper, or has no partner."""
    brackets = outer_brackets(brackets, levels)
    if not brackets:
        return None
    return f"is nested deeper than {levels} levels" if b"()" in brackets else "is no whole JSON"


def _integer(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise UnreadableJsonError(f"has an integer of more than {MOST_DIGITS} digits")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise UnreadableJsonError("has a number that is not finite")
    return number


def _no_number(name: str) -> NoReturn:
    raise UnreadableJsonError(f"has {name}, which is no JSON")


_DECODER: Final = json.JSONDecoder(
    parse_int=_integer, parse_float=_finite, parse_constant=_no_number
)
