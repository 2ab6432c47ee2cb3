"""Requests of the Open Inference Protocol, version 2: tensors in, one matrix out.

Either one tensor ``features`` of shape [n, 10], or one tensor of shape [n] or [n, 1] for each feature
by its name, of which the optional ones may be left out. Data are nested as the shape says, or flat
and row by row. A missing measurement is null; NaN and Infinity are no JSON and are refused.
"""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType, NoneType
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from diabetes_model import contract
from diabetes_model.model import Matrix
from diabetes_model.server.bounds import breach
from diabetes_model.server.requests import EXAMPLE, MAX_ROWS, UNPROCESSABLE, RefusedError, summary

FEATURES = "features"
BAD_REQUEST = 400
FLOATS = ("FP64", "FP32")
INTEGERS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {f"INT{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)}
    | {f"UINT{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)}
)
EXAMPLE_REQUEST: dict[str, Any] = {
    "inputs": [
        {
            "name": FEATURES,
            "shape": [1, len(contract.NAMES)],
            "datatype": "FP64",
            "data": list(EXAMPLE.values()),
        }
    ]
}

Vector = npt.NDArray[np.float64]


class Tensor(BaseModel):
    """An input. ``data`` holds numbers, and null where a measurement is missing."""

    name: str
    shape: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=2)]
    datatype: str
    data: list[Any]
    parameters: dict[str, Any] | None = None


class RequestedOutput(BaseModel):
    """An output that is asked for."""

    name: str
    parameters: dict[str, Any] | None = None


class InferenceRequest(BaseModel):
    """The body of ``infer`` and ``explain``; without ``outputs`` all of them are answered."""

    model_config = ConfigDict(strict=True, json_schema_extra={"example": EXAMPLE_REQUEST})

    inputs: Annotated[list[Tensor], Field(min_length=1)]
    outputs: list[RequestedOutput] | None = None
    id: str | None = None
    parameters: dict[str, Any] | None = None


def parsed(body: bytes) -> InferenceRequest:
    """The request in a body; raises RefusedError, 400."""
    try:
        return InferenceRequest.model_validate_json(body)
    except ValidationError as error:
        raise _bad(summary(error.errors(include_url=False, include_input=False))) from error


def features_of(request: InferenceRequest) -> Matrix:
    """Rows x ``contract.NAMES`` of the inputs, NaN where a measurement is missing.

    Raises:
        RefusedError: 400 if these are no such tensors, 422 if a value breaks the data contract.
    """
    names = [tensor.name for tensor in request.inputs]
    features = _whole(request.inputs[0]) if names == [FEATURES] else _joined(request.inputs)
    if not 1 <= len(features) <= MAX_ROWS:
        raise _bad(f"inputs: {len(features)} rows, there may be 1 to {MAX_ROWS}")
    problem = breach(features)
    if problem:
        raise RefusedError(UNPROCESSABLE, {"error": problem})
    return features


def _whole(tensor: Tensor) -> Matrix:
    columns = len(contract.NAMES)
    if len(tensor.shape) != 2 or tensor.shape[1] != columns:
        raise _bad(f"{FEATURES}.shape: is {tensor.shape}, has to be [n, {columns}]")
    return _values(tensor).reshape(-1, columns)


def _joined(tensors: Sequence[Tensor]) -> Matrix:
    """One column per tensor; all NaN where an optional one was left out."""
    columns: dict[str, Vector] = {}
    for tensor in tensors:
        if tensor.name not in contract.NAMES or tensor.name in columns:
            what = "is there twice" if tensor.name in columns else "is no feature"
            names = ", ".join(contract.NAMES)
            raise _bad(f"{tensor.name}: {what}; inputs are {FEATURES}, or each of {names}")
        columns[tensor.name] = _column(tensor)
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        raise _bad(f"inputs: of different lengths, {sorted(lengths)}")
    lacking = set(contract.NAMES) - set(contract.OPTIONAL) - set(columns)
    if lacking:
        raise _bad(f"inputs: without {', '.join(n for n in contract.NAMES if n in lacking)}")
    nothing = np.full(lengths.pop(), np.nan)
    return np.stack([columns.get(name, nothing) for name in contract.NAMES], axis=1)


def _column(tensor: Tensor) -> Vector:
    if tensor.shape[1:] not in ([], [1]):
        raise _bad(f"{tensor.name}.shape: is {tensor.shape}, has to be [n] or [n, 1]")
    return _values(tensor)


def _values(tensor: Tensor) -> Vector:
    """The numbers of a tensor, row by row, as its data type can hold them."""
    flat = _flat(tensor)
    place = f"{tensor.name}.data"
    if not {type(value) for value in flat} <= {int, float, NoneType}:
        raise _bad(f"{place}: holds something else than numbers and null")
    if tensor.datatype in INTEGERS:
        _check_integers(flat, tensor)
    elif tensor.datatype not in FLOATS:
        raise _bad(f"{tensor.name}.datatype: is {tensor.datatype}, not {_any_type()}")
    values = _as_floats(flat, tensor.datatype)
    if np.isinf(values).any() or np.count_nonzero(np.isnan(values)) != flat.count(None):
        raise _bad(f"{place}: a number is not finite in {tensor.datatype}; null is missing")
    return values


def _as_floats(flat: Sequence[float | None], datatype: str) -> Vector:
    try:
        values = np.array(flat, dtype=np.float64)
    except OverflowError:
        return np.full(len(flat), np.inf)
    if datatype != "FP32":
        return values
    with np.errstate(over="ignore"):
        return values.astype(np.float32).astype(np.float64)


def _check_integers(flat: Sequence[float | None], tensor: Tensor) -> None:
    low, high = INTEGERS[tensor.datatype]
    if any(
        value is not None and (type(value) is float or not low <= value <= high) for value in flat
    ):
        raise _bad(f"{tensor.name}.data: holds a number that is no {tensor.datatype}")


def _flat(tensor: Tensor) -> list[Any]:
    if any(isinstance(value, list) for value in tensor.data):
        return _unnested(tensor.data, tensor.shape, tensor)
    if len(tensor.data) != math.prod(tensor.shape):
        raise _wrong_size(tensor)
    return tensor.data


def _unnested(data: object, shape: Sequence[int], tensor: Tensor) -> list[Any]:
    if not isinstance(data, list) or len(data) != shape[0]:
        raise _wrong_size(tensor)
    if len(shape) == 1:
        return data
    return [value for part in data for value in _unnested(part, shape[1:], tensor)]


def _wrong_size(tensor: Tensor) -> RefusedError:
    return _bad(f"{tensor.name}.data: is not of shape {tensor.shape}")


def _any_type() -> str:
    return ", ".join((*FLOATS, *INTEGERS))


def _bad(reason: str) -> RefusedError:
    return RefusedError(BAD_REQUEST, {"error": reason})
