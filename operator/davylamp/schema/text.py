"""Text from outside, made fit for a log line, a status field or an Event."""

from typing import Final

ELLIPSIS: Final = "…"


def printable(text: str, limit: int) -> str:
    """One line of printable text, at most `limit` characters long, whatever was in it.

    Control characters, line breaks and other invisible characters separate words; a text that is
    too long ends with an ellipsis.
    """
    return shortened(" ".join(marked(text, " ").split()), limit)


def marked(text: str, instead: str) -> str:
    """The text with `instead` for each character that does not print: line breaks, escapes."""
    return "".join(letter if letter.isprintable() else instead for letter in text)


def shortened(text: str, limit: int) -> str:
    """The text itself, or its beginning and an ellipsis: at most `limit` characters."""
    return text if len(text) <= limit else f"{text[: limit - 1]}{ELLIPSIS}"
