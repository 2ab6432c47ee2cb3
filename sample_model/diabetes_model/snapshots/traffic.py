"""Snapshots of recent traffic: features only, for the nightly job."""

import json
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from diabetes_model import contract
from diabetes_model.contract import Kind
from diabetes_model.snapshots.errors import SnapshotError
from diabetes_model.snapshots.file import VALUE_TYPE, schema
from diabetes_model.snapshots.writing import write


def create_from_rows(lines: Iterable[str], snapshot_id: str, path: Path) -> str:
    """Writes one row for each line, a JSON object of features, in order; returns the sha256.

    Raises:
        SnapshotError: naming the line, or the column that breaks the contract.
    """
    rows = [_row(line, number) for number, line in enumerate(lines, 1) if line.strip()]
    columns = {name: [row.get(name) for row in rows] for name in contract.NAMES}
    problems = [
        problem
        for field in contract.FIELDS
        for problem in contract.column_problems(field, columns[field.name])
    ]
    if problems or not rows:
        raise SnapshotError(f"{snapshot_id}: " + ("; ".join(problems) or "no rows"))
    arrays = [pa.array(columns[name], VALUE_TYPE) for name in contract.NAMES]
    return write(pa.table(arrays, schema=schema(Kind.TRAFFIC, snapshot_id)), path)


def _row(line: str, number: int) -> dict[str, float | None]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise SnapshotError(f"line {number}: not JSON: {error}") from error
    if not isinstance(row, dict):
        raise SnapshotError(f"line {number}: not an object")
    unknown = sorted(set(row) - set(contract.NAMES))
    if unknown:
        raise SnapshotError(f"line {number}: unknown field {unknown[0]}")
    return {name: _number(value, f"line {number}: {name}") for name, value in row.items()}


def _number(value: object, place: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SnapshotError(f"{place}: {value!r} is not a number")
    return float(value)
