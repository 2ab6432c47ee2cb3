"""The plain body, made from the data contract: what breaks it is a 422 that names the field."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from diabetes_model import contract
from diabetes_model.model import Matrix

MAX_ROWS = 1000
MAX_PROBLEMS = 20
UNPROCESSABLE = 422

EXAMPLE: Mapping[str, float | None] = dict(
    zip(contract.NAMES, (59, 2, 32.1, None, 157, 93.2, 38, 4, 4.86, 87), strict=True)
)


class RefusedError(Exception):
    """A request that gets no answer from the model: the status code and the body to say why."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        super().__init__(document["error"])
        self.status = status
        self.document = document


class Strict(BaseModel):
    """Refuses unknown fields and values of another type; an integer is a number."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def _annotation(field: contract.Field) -> Any:
    limits = Field(ge=field.low, le=field.high, description=f"{field.description} [{field.unit}]")
    if field.optional:
        return Annotated[float, limits] | None, None
    return Annotated[float, limits], ...


_ANNOTATIONS: dict[str, Any] = {field.name: _annotation(field) for field in contract.FIELDS}
_IN_ORDER: Callable[[object], tuple[float | None, ...]] = operator.attrgetter(*contract.NAMES)

Patient = create_model(
    "Patient",
    __base__=Strict,
    __doc__="One patient. Measurements that may be missing can be null or left out.",
    **_ANNOTATIONS,
)


class Batch(Strict):
    """The body of ``/predict`` and ``/explain``."""

    model_config = ConfigDict(json_schema_extra={"example": {"rows": [dict(EXAMPLE)]}})
    rows: Annotated[list[Patient], Field(min_length=1, max_length=MAX_ROWS)]  # type: ignore[valid-type]


def features_of(body: bytes) -> Matrix:
    """Rows x ``contract.NAMES`` of a body, NaN where a measurement is missing.

    Raises:
        RefusedError: 422, with a line about the first problem and a list of all (the first 20).
    """
    try:
        batch = Batch.model_validate_json(body)
    except ValidationError as error:
        raise RefusedError(UNPROCESSABLE, problems(error)) from error
    return np.array([_IN_ORDER(row) for row in batch.rows], dtype=np.float64)


def rows_of(features: Matrix) -> list[dict[str, float | None]]:
    """Rows by the names of their measurements, None where one is missing."""
    return [
        {
            name: None if math.isnan(value) else value
            for name, value in zip(contract.NAMES, row, strict=True)
        }
        for row in features.tolist()
    ]


def problems(error: ValidationError) -> dict[str, Any]:
    """``error``: one line for people, ``detail``: a list for programs, in pydantic's form."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    detail = [{**problem, "loc": ("body", *problem["loc"])} for problem in found[:MAX_PROBLEMS]]
    return {"error": summary(found), "detail": detail}


def summary(found: Sequence[Any]) -> str:
    """The first problem, by the place it is at, and how many more there are."""
    place = ".".join(map(str, found[0]["loc"])) or "body"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{place}: {found[0]['msg']}{more}"
