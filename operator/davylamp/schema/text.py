"""Text of others, made fit for one line of a status, a log or a terminal."""

from typing import Final

ELLIPSIS: Final = "…"


def one_line(text: str, *, limit: int) -> str:
    """One printable line of at most `limit` characters, whatever was in the text."""
    return shortened(" ".join(printable(text, instead=" ").split()), limit=limit)


def printable(text: str, *, instead: str) -> str:
    """The text with `instead` for each character that does not print: ends of lines, escapes."""
    return "".join(letter if letter.isprintable() else instead for letter in text)


def shortened(text: str, *, limit: int) -> str:
    """The text, cut to `limit` characters and marked where it was longer."""
    return text if len(text) <= limit else f"{text[: limit - 1]}{ELLIPSIS}"
