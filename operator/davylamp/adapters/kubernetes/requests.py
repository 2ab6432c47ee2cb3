"""Requests that are made in more than one place, or take more than a line to say."""

from typing import Final

from davylamp.adapters.kubernetes.apiserver import JSON_PATCH, ApiRequest
from davylamp.adapters.kubernetes.resources import ObjectAddress, address_of
from davylamp.api.names import FIELD_MANAGER
from davylamp.schema.json import JsonObject

STRICT: Final = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
"""Query of every write: our field manager, and fields unknown to the schema are refused."""


def creation(manifest: JsonObject) -> ApiRequest:
    """A new object."""
    address = address_of(manifest)
    return ApiRequest(
        verb="create",
        method="POST",
        address=ObjectAddress(address.resource, address.namespace),
        query=STRICT,
        body=manifest,
    )


def without_annotation(address: ObjectAddress, annotation: str, value: str) -> ApiRequest:
    """An annotation taken off, if it still has this value."""
    path = f"/metadata/annotations/{annotation.replace('~', '~0').replace('/', '~1')}"
    test: JsonObject = {"op": "test", "path": path, "value": value}
    return ApiRequest(
        verb="patch",
        method="PATCH",
        address=address,
        query=STRICT,
        body=[test, {"op": "remove", "path": path}],
        content_type=JSON_PATCH,
    )
