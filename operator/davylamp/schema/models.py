"""Base classes of all models of the API: strict ones for the spec, tolerant ones for the status."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from davylamp.schema.written import written

DnsName = Annotated[
    str,
    Field(max_length=253),
    written(r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "must be a DNS name such as feature-store"),
]


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


Instant = Annotated[
    datetime,
    PlainSerializer(_rfc3339, return_type=str, when_used="json"),
    Field(json_schema_extra={"format": "date-time"}),
]


class Strict(BaseModel):
    """Base of the spec: frozen, camelCase on the wire, unknown fields refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class Reported(BaseModel):
    """Base of the status: frozen, camelCase; fields of newer versions are ignored."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )
