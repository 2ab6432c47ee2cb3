"""Recent traffic, in order of arrival: what the model server kept, or a Parquet file."""

import http.client
import io
import json
import math
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from diabetes_model import contract
from diabetes_model.drift.patience import Pause, patiently
from diabetes_model.shares import Matrix
from diabetes_model.snapshots.fetching import Limits, fetch_bytes, shown

LIMITS = Limits(bytes=256 * 2**20)
MOST_ROWS = 100_000
NO_ROWS_KEPT = 404


class RecentError(RuntimeError):
    """Recent traffic cannot be read, or breaks the data contract."""


@dataclass(frozen=True, slots=True)
class Recent:
    """Rows x ``contract.NAMES``, NaN where a value is missing, and where they are from.

    ``absence`` says why there are none.
    """

    rows: Matrix
    source: str
    absence: str | None = None


def read(uri: str | None, server: str | None, *, pause: Pause = time.sleep) -> Recent:
    """The rows of a Parquet file if one is named, else what the model server kept.

    Raises:
        RecentError: with one sentence, naming the source.
        SnapshotError: the file cannot be fetched.
    """
    if uri:
        return from_parquet(uri, pause=pause)
    if server:
        return from_server(server, pause=pause)
    raise RecentError("neither a model server nor a file with recent traffic is named")


def from_parquet(uri: str, *, pause: Pause = time.sleep) -> Recent:
    """The last rows of a file with one column per feature; other columns are ignored."""
    content = patiently(lambda: fetch_bytes(uri, limits=LIMITS), uri, pause=pause)
    uri = shown(uri)
    try:
        table = pq.read_table(io.BytesIO(content))
    except pa.ArrowException as error:
        raise RecentError(f"{uri}: no Parquet: {_first_line(error)}") from error
    problems = _column_problems(table)
    if problems:
        raise RecentError(f"{uri} breaks the data contract: " + "; ".join(problems))
    columns = {name: _values(table[name]) for name in contract.NAMES}
    return _checked(columns, uri)


def from_server(server: str, *, pause: Pause = time.sleep) -> Recent:
    """The rows that a model server answered last (``GET /recent``)."""
    url = f"{server.rstrip('/')}/recent"
    try:
        return patiently(lambda: _asked(url), url, pause=pause)
    except (OSError, http.client.HTTPException) as error:
        raise RecentError(f"{url}: {_first_line(error)}") from error


def _asked(url: str) -> Recent:
    try:
        with urllib.request.urlopen(url, timeout=LIMITS.connect_seconds) as answer:
            content = answer.read(LIMITS.bytes + 1)
    except urllib.error.HTTPError as error:
        if error.code == NO_ROWS_KEPT:
            return _none(url, "the server keeps no recent rows")
        raise
    return _parsed(_bounded(content, url), url)


def _parsed(content: bytes, url: str) -> Recent:
    try:
        rows = json.loads(content)["rows"]
        columns = {name: [_number(row[name]) for row in rows] for name in contract.NAMES}
    except (ValueError, KeyError, TypeError) as error:
        raise RecentError(f"{url}: no rows in the answer: {_first_line(error)}") from error
    return _checked(columns, url)


def _column_problems(table: pa.Table) -> list[str]:
    found = {field.name: field.type for field in table.schema}
    problems = [f"{name}: column missing" for name in contract.NAMES if name not in found]
    return problems + [
        f"{name}: is {found[name]}, must be a number"
        for name in contract.NAMES
        if name in found and not _is_number(found[name])
    ]


def _is_number(kind: pa.DataType) -> bool:
    return any((pa.types.is_floating(kind), pa.types.is_integer(kind), pa.types.is_null(kind)))


def _values(column: pa.ChunkedArray) -> list[float | None]:
    """Writers differ in how they spell a missing value: null, or not a number."""
    values = column.cast(pa.float64()).to_pylist()
    return [None if value is None or math.isnan(value) else value for value in values]


def _number(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return float(value)


def _checked(columns: Mapping[str, list[float | None]], source: str) -> Recent:
    columns = {name: values[-MOST_ROWS:] for name, values in columns.items()}
    problems = [
        problem
        for field in contract.FIELDS
        for problem in contract.column_problems(field, columns[field.name])
    ]
    if problems:
        raise RecentError(f"{source} breaks the data contract: " + "; ".join(problems))
    if not columns[contract.NAMES[0]]:
        return _none(source, "there was no traffic")
    return Recent(np.array([columns[name] for name in contract.NAMES], dtype=np.float64).T, source)


def _none(source: str, absence: str) -> Recent:
    return Recent(np.empty((0, len(contract.NAMES))), source, absence)


def _bounded(content: bytes, source: str) -> bytes:
    if len(content) > LIMITS.bytes:
        raise RecentError(f"{source}: more than {LIMITS.bytes} bytes")
    return content


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
