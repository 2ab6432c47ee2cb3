"""The request body, made from the data contract: what breaks it is a 422 that names the field."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from diabetes_model import contract

MAX_ROWS = 1000


class Strict(BaseModel):
    """Refuses unknown fields and values of another type; an integer is a number."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def _annotation(field: contract.Field) -> Any:
    limits = Field(ge=field.low, le=field.high, description=f"{field.description} [{field.unit}]")
    if field.optional:
        return Annotated[float, limits] | None, None
    return Annotated[float, limits], ...


_ANNOTATIONS: dict[str, Any] = {field.name: _annotation(field) for field in contract.FIELDS}

Patient = create_model(
    "Patient",
    __base__=Strict,
    __doc__="One patient. Measurements that may be missing can be null or left out.",
    **_ANNOTATIONS,
)


class Batch(Strict):
    """The body of ``/predict`` and ``/explain``."""

    rows: Annotated[list[Patient], Field(min_length=1, max_length=MAX_ROWS)]  # type: ignore[valid-type]

    def values(self) -> list[dict[str, float | None]]:
        """The rows as the model takes them."""
        return [dict(row) for row in self.rows]
