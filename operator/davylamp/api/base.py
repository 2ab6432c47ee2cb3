"""What all models of the API share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from davylamp.api.json import Json

DnsName = Annotated[
    str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
]


def cel(*rules: tuple[str, str]) -> dict[str, Json]:
    """`x-kubernetes-validations` from (expression, message) pairs."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": text} for rule, text in rules]}


class Strict(BaseModel):
    """Base of the spec: frozen, camelCase on the wire, unknown fields refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )
