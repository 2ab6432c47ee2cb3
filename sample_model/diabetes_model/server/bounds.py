"""The data contract over a whole matrix, for requests that come as tensors."""

import numpy as np

from diabetes_model import contract
from diabetes_model.model import Matrix

_LOW = np.array([field.low for field in contract.FIELDS])
_HIGH = np.array([field.high for field in contract.FIELDS])
_REQUIRED = np.array([not field.optional for field in contract.FIELDS])


def breach(features: Matrix) -> str | None:
    """The first value that breaks the contract, in one line that names row and field."""
    missing = np.isnan(features) & _REQUIRED
    broken = np.argwhere(missing | (features < _LOW) | (features > _HIGH))
    if not len(broken):
        return None
    row, column = map(int, broken[0])
    more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
    return f"rows.{row}.{_described(contract.FIELDS[column], float(features[row, column]))}{more}"


def _described(field: contract.Field, value: float) -> str:
    if np.isnan(value):
        return f"{field.name}: is missing, and may not be"
    return f"{field.name}: {value:g} is not within {field.low:g}..{field.high:g} {field.unit}"
