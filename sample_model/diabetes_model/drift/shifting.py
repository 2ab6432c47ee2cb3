"""Rows with a drift that was asked for, to see the job find it."""

from collections.abc import Mapping, Sequence

from diabetes_model import contract
from diabetes_model.model import Row


def shifted(rows: Sequence[Row], by: Mapping[str, float]) -> list[dict[str, float | None]]:
    """The rows with an amount added to some fields, kept within the data contract.

    Args:
        rows: any rows that keep the contract; a missing value stays missing.
        by: amount by field, in the field's unit.

    Raises:
        ValueError: a field that the contract does not know.
    """
    unknown = sorted(set(by) - set(contract.NAMES))
    if unknown:
        raise ValueError(f"no such field: {', '.join(unknown)}")
    return [_shifted(row, by) for row in rows]


def _shifted(row: Row, by: Mapping[str, float]) -> dict[str, float | None]:
    moved = dict(row)
    for field in contract.FIELDS:
        value = moved.get(field.name)
        if value is not None and field.name in by:
            moved[field.name] = min(field.high, max(field.low, value + by[field.name]))
    return moved
