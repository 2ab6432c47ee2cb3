"""Tables as text."""

from collections.abc import Iterator, Sequence


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a table: all columns but the last are right-aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        *cells, last = row
        padded = (cell.rjust(width) for cell, width in zip(cells, widths, strict=False))
        yield "  ".join(("", *padded, last)).rstrip()
