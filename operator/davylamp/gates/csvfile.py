"""CSV files of numbers that are read back as the same."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Final

_EXACT: Final = 2.0**53


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
