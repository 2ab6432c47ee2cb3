"""CSV files of numbers that are read back as the same."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from davylamp.schema.text import one_line

_EXACT: Final = 2.0**53
_SHOWN: Final = 80
"""Characters of a wrong line that a message quotes."""
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


class CsvError(ValueError):
    """A file is not as expected: `problem` is what is wrong with line `line`, counted from 1."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line
        self.problem = problem


def records(
    text: str, readers: Mapping[tuple[str, ...], Callable[..., _Record]]
) -> Iterator[_Record]:
    """The records in a file; see `numbered_records`."""
    return (record for _, record in numbered_records(text, readers))


def numbered_records(
    text: str, readers: Mapping[tuple[str, ...], Callable[..., _Record]]
) -> Iterator[tuple[int, _Record]]:
    """The records in a file, with the numbers of their lines; empty lines are skipped.

    `readers` has for each allowed header a function from the columns of a line to a record.

    Raises:
        CsvError: the header is another, a line is wrong, or the text is not CSV.
    """
    rows = _numbered_rows(text)
    _, names = next(rows, (1, []))
    header = tuple(names)
    read = readers.get(header)
    if read is None:
        raise CsvError(1, _wrong_header(header, readers))
    for number, row in rows:
        if len(row) != len(header):
            problem = f"{_quoted(row)}: expected {len(header)} fields, got {len(row)}"
            raise CsvError(number, problem)
        try:
            record = read(*row)
        except (TypeError, ValueError) as error:
            raise CsvError(number, f"{_quoted(row)}: {error}") from None
        yield number, record


def _numbered_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, with the numbers of the lines they end in."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    ended = 0
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            problem = f"not valid CSV, perhaps a quote is not closed: {error}"
            raise CsvError(ended + 1, problem) from None
        if row is None:
            return
        ended = reader.line_num
        if row:
            yield ended, row


def _wrong_header(header: tuple[str, ...], allowed: Iterable[tuple[str, ...]]) -> str:
    wanted = " or ".join(",".join(names) for names in allowed)
    if not header:
        return f"the file is empty; the header must be {wanted}"
    return f"the header must be {wanted}, not {','.join(header)}"


def _quoted(row: Sequence[str]) -> str:
    return one_line(",".join(row), limit=_SHOWN)
