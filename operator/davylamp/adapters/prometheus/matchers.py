"""Conditions on labels, as in a selector of PromQL: written into a query, or evaluated on labels.

Whoever evaluates them does as Prometheus does: a regular expression matches as a whole, and a label
that is not there is empty. Patterns are RE2 there and Python's here; one that Python reads
differently, or not at all, is refused rather than evaluated.
"""

import re
import sys
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

from davylamp.schema.json import Labels

Condition: TypeAlias = Callable[[Labels], bool]
MatchOperator: TypeAlias = Literal["=", "!=", "=~", "!~"]

METRIC_NAME: Final = "__name__"
"""The label that holds the name of a series' metric."""

_MATCHER: Final = re.compile(
    r'\s*(?P<label>[a-zA-Z_][a-zA-Z0-9_]*)\s*(?P<operator>=~|!~|!=|=)\s*"(?P<text>(?:[^"\\\n]|\\.)*)"\s*'
)
_ESCAPE: Final = re.compile(
    r'\\(?:(?P<letter>[abfnrtv\\"])|x(?P<byte>[0-7][0-9a-fA-F])|(?P<octal>[01][0-7]{2})'
    r"|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})|.)",
    re.DOTALL,
)
_CHARACTER_CLASS: Final = re.compile(r"\[:\^?[a-z]+:\]")
"""`[[:alpha:]]` and its like are letters to RE2, and a set of these characters to Python."""
_NO_MINIMUM: Final = re.compile(r"\{,[0-9]+\}")
"""`x{,3}` is a text to RE2, and up to three `x` to Python."""
_IGNORES_CASE: Final = re.compile(r"\(\?[a-zA-Z-]*i")
_ASCII_CLASS: Final = re.compile(r"\\[bBdDsSwW]")
"""Of ASCII alone to RE2; to Python only under a flag that ignores the case of ASCII alone too."""
_LETTERS: Final[Mapping[str, str]] = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    '"': '"',
}


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label.

    Attributes:
        label: name of the label.
        operator: how its value and `value` are compared.
        value: text, or a regular expression.
    """

    label: str
    operator: MatchOperator
    value: str

    @property
    def text(self) -> str:
        """The matcher as in PromQL."""
        return f"{self.label}{self.operator}{quoted(self.value)}"

    def condition(self) -> Condition:
        """What tells whether labels fulfil it.

        Raises:
            ValueError: a pattern that Python does not read as Prometheus does.
        """
        label, value = self.label, self.value
        match self.operator:
            case "=":
                return lambda labels: labels.get(label, "") == value
            case "!=":
                return lambda labels: labels.get(label, "") != value
            case "=~":
                matches = _pattern(value).fullmatch
                return lambda labels: matches(labels.get(label, "")) is not None
            case "!~":
                matches = _pattern(value).fullmatch
                return lambda labels: matches(labels.get(label, "")) is None


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """The matchers of a selector, as in PromQL without the braces; there may be none.

    Raises:
        ValueError: the text is no list of matchers.
    """
    matchers, position = list[Matcher](), 0
    while text[position:].strip():
        part = _MATCHER.match(text, position)
        is_last = part is not None and part.end() == len(text)
        if part is None or not (is_last or text.startswith(",", part.end())):
            raise ValueError(f"{text!r} is no list of matchers")
        operator = cast("MatchOperator", part["operator"])
        matchers.append(Matcher(part["label"], operator, _unescaped(part["text"])))
        position = part.end() + 1
        if not is_last and not text[position:].strip():
            raise ValueError(f"{text!r} is no list of matchers: it ends with a comma")
    return tuple(matchers)


def quoted(text: str) -> str:
    """A text as a string in PromQL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _pattern(text: str) -> re.Pattern[str]:
    if _CHARACTER_CLASS.search(text):
        raise ValueError(f"{text!r} is no regular expression here: it has a class of characters")
    if _NO_MINIMUM.search(text):
        raise ValueError(f"{text!r} is no regular expression here: write {{0,n}} for {{,n}}")
    ignores_case = _IGNORES_CASE.search(text) is not None
    if ignores_case and _ASCII_CLASS.search(text):
        raise ValueError(f"{text!r} is no regular expression here: it has \\w or the like and (?i)")
    try:
        return re.compile(text, re.DOTALL if ignores_case else re.DOTALL | re.ASCII)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression here: {error}") from error


def _unescaped(text: str) -> str:
    """What stands between quotes, its escapes replaced.

    Raises:
        ValueError: PromQL has no such escape.
    """
    return _ESCAPE.sub(_character, text)


def _character(escape: re.Match[str]) -> str:
    if escape["letter"]:
        return _LETTERS[escape["letter"]]
    digits = escape["byte"] or escape["short"] or escape["long"]
    code = int(digits, 16) if digits else int(escape["octal"] or "-1", 8)
    if not 0 <= code <= sys.maxunicode or unicodedata.category(chr(code)) == "Cs":
        raise ValueError(f"{escape[0]!r} is no escape that can be used here")
    return chr(code)
