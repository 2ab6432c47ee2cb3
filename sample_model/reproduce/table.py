"""Sections as text in aligned columns, with a tick only where everything is equal."""

from collections.abc import Sequence
from dataclasses import dataclass

from reproduce.results import Section

GREEN, RED, BOLD, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[1m", "\x1b[0m"
GAP = "  "


@dataclass(frozen=True, slots=True)
class Style:
    """How to write: ``symbols`` needs a terminal that knows UTF-8, ``colour`` a terminal."""

    symbols: bool = True
    colour: bool = False

    def mark(self, *, good: bool) -> str:
        """The tick or the cross."""
        text = ("✓" if good else "✗") if self.symbols else ("ok" if good else "NO")
        return self._in(GREEN if good else RED, text)

    def head(self, text: str) -> str:
        """A header."""
        return self._in(BOLD, text)

    def _in(self, code: str, text: str) -> str:
        return f"{code}{text}{PLAIN}" if self.colour else text


def text(sections: Sequence[Section], style: Style) -> str:
    """All sections, an empty line between them."""
    return "\n".join(_section(section, style) for section in sections)


def _section(section: Section, style: Style) -> str:
    lines = [section.header, *(row.cells for row in section.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    header = style.head(_line(section.header, widths).rstrip())
    # The mark comes first: what follows may be of any length.
    blank = " " * (1 if style.symbols else 2)
    rows = [
        f"{style.mark(good=row.good)} {_line(row.cells, widths).rstrip()}" for row in section.rows
    ]
    return "\n".join([f"{blank} {header}", *rows]) + "\n"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
