"""Answers of the API server that are not a success, as errors of ours.

Written against `metav1.Status`: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
"""

import json
from collections.abc import Mapping

from davylamp.adapters.errors import (
    Conflict,
    Forbidden,
    NotFound,
    OperatorError,
    Retryable,
    Terminal,
)
from davylamp.adapters.kubernetes.resources import Address
from davylamp.schema.json import Json, JsonObject

_MESSAGE_LIMIT = 600
_BAD_APPLY = "failed to create typed patch object"
"""A field unknown to the schema: some API servers say 500 to it when it comes by apply."""


def refusal(
    *, verb: str, address: Address, status: int, headers: Mapping[str, str], body: bytes
) -> OperatorError:
    """The error for an HTTP answer outside 200-299.

    Args:
        verb: what was tried, for the message.
        address: on which object.
        status: HTTP status code.
        headers: of the answer; Retry-After is honoured in its form in seconds.
        body: of the answer; anything, Status or not.
    """
    said = _status(body)
    message = f"{verb} {address}: {status} {_explanation(address, said)}".rstrip()
    match status:
        case 403:
            return Forbidden(message)
        case 404:
            return NotFound(message)
        case 409:
            return Conflict(message)
        case 400 | 405 | 406 | 413 | 415 | 422:
            return Terminal(_reason(said), message)
        case 500 if _BAD_APPLY in str(said.get("message")):
            return Terminal("Invalid", message)
        case _:
            return Retryable(message, after=_retry_after(headers))


def json_object(body: bytes) -> JsonObject | None:
    """The JSON object in a body, None when it holds anything else."""
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _status(body: bytes) -> JsonObject:
    said = json_object(body)
    return said if said is not None and said.get("kind") == "Status" else {}


def _reason(said: JsonObject) -> str:
    reason = said.get("reason")
    return reason if isinstance(reason, str) and reason else "Invalid"


def _explanation(address: Address, said: JsonObject) -> str:
    """The server's sentence; for a Secret only which fields, as sentences quote values."""
    if address.resource.kind == "Secret":
        return ", ".join(filter(None, (_text(said.get("reason")), *_fields(said))))
    return _text(said.get("message"))[:_MESSAGE_LIMIT]


def _fields(said: JsonObject) -> list[str]:
    details = said.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    if not isinstance(causes, list):
        return []
    return [_text(cause.get("field")) for cause in causes if isinstance(cause, dict)]


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else None
