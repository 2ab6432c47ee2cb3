"""CSV files of numbers that are read back as the same."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeVar

_EXACT: Final = 2.0**53
_Record = TypeVar("_Record")


def shortest(value: float) -> str:
    """The shortest text that reads back as the same number."""
    whole = float(value).is_integer() and abs(value) < _EXACT
    return str(int(value)) if whole else repr(float(value))


def written(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A file with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def records(
    text: str, readers: Mapping[tuple[str, ...], Callable[..., _Record]]
) -> Iterator[_Record]:
    """What the lines of a file hold; empty ones are passed over.

    `readers` tell for each header what makes a record of a line's columns.

    Raises:
        ValueError: it has another header, or a line is wrong; says which.
    """
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    read = readers.get(tuple(next(lines, ())))
    if read is None:
        wanted = " or ".join(",".join(header) for header in readers)
        raise ValueError(f"the first line has to be {wanted}")
    for row in filter(None, lines):
        try:
            record = read(*row)
        except (TypeError, ValueError) as error:
            raise ValueError(f"line {lines.line_num}: {','.join(row)}: {error}") from None
        yield record
