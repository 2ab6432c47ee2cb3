"""Requests that are made in more than one place, or take more than a line to say."""

from typing import Final

from davylamp.adapters.kubernetes.apiserver import JSON_PATCH, ApiRequest
from davylamp.adapters.kubernetes.resources import ObjectAddress, address_of
from davylamp.api.names import FIELD_MANAGER
from davylamp.schema.json import JsonObject, section

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


def status_update(manifest: JsonObject) -> ApiRequest:
    """The status of an object that was read before.

    A PUT with resourceVersion and uid: a merge patch would keep keys that are no longer in the
    status, and the version makes a stale write fail. Only the status is written; labels and
    annotations are sent as they are, because those that are not sent lose their managers, and who
    applies them could not remove them any more.
    """
    metadata = section(manifest, "metadata")
    if not metadata.get("resourceVersion"):
        raise ValueError("a status needs the resourceVersion it was decided on")
    body: JsonObject = {key: manifest[key] for key in ("apiVersion", "kind", "status")}
    body["metadata"] = {key: metadata[key] for key in metadata if key != "managedFields"}
    return ApiRequest(
        verb="update_status",
        method="PUT",
        address=address_of(manifest),
        subresource=("status",),
        query=STRICT,
        body=body,
    )


def without_annotation(
    address: ObjectAddress, annotation: str, value: str, beside: str | None = None
) -> ApiRequest:
    """An annotation taken off, if it still has this value, and with it another."""
    path = _path_of(annotation)
    test: JsonObject = {"op": "test", "path": path, "value": value}
    also: list[JsonObject] = [{"op": "remove", "path": _path_of(beside)}] if beside else []
    return ApiRequest(
        verb="patch",
        method="PATCH",
        address=address,
        query=STRICT,
        body=[test, {"op": "remove", "path": path}, *also],
        content_type=JSON_PATCH,
    )


def _path_of(annotation: str) -> str:
    return f"/metadata/annotations/{annotation.replace('~', '~0').replace('/', '~1')}"
