"""What was compared, and whether it is as it has to be."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison: what is printed of it, and the verdict."""

    cells: tuple[str, ...]
    good: bool


@dataclass(frozen=True, slots=True)
class Section:
    """Comparisons of one kind, under one header."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def good(self) -> bool:
        """Whether there are rows, and all are as they have to be."""
        return bool(self.rows) and all(row.good for row in self.rows)


def differences(sections: Sequence[Section]) -> list[str]:
    """The names of the rows that are not as they have to be."""
    return [row.cells[0] for section in sections for row in section.rows if not row.good]
