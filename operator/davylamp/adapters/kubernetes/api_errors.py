"""Error answers of the API server, translated into the errors of the port.

Written against `metav1.Status`: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
"""

import json
from collections.abc import Mapping

from davylamp.adapters.errors import (
    Conflict,
    Expired,
    Forbidden,
    NotFound,
    OperatorError,
    Retryable,
    Terminal,
)
from davylamp.adapters.kubernetes.resources import ObjectAddress
from davylamp.schema.json import JsonObject, entries, text

_MESSAGE_LIMIT = 600
_BAD_APPLY = "failed to create typed patch object"
"""A field unknown to the schema: some API servers answer 500 to it when it is applied."""


def api_error(
    *, verb: str, address: ObjectAddress, status: int, headers: Mapping[str, str], body: bytes
) -> OperatorError:
    """The error for an HTTP answer outside 200-299.

    Args:
        verb: what was tried, for the message.
        address: the object it was tried on.
        status: HTTP status code.
        headers: of the answer; Retry-After is honoured when it is in seconds.
        body: of the answer; anything, Status or not.
    """
    answer = _status(body)
    message = f"{verb} {address}: {status} {_explanation(address, answer)}".rstrip()
    match status:
        case 403:
            return Forbidden(message)
        case 404:
            return NotFound(message)
        case 409:
            return Conflict(message)
        case 410:
            return Expired(message)
        case 400 | 405 | 406 | 413 | 415 | 422:
            return Terminal(text(answer, "reason") or "Invalid", message)
        case 500 if _BAD_APPLY in text(answer, "message"):
            return Terminal("Invalid", message)
        case _:
            return Retryable(message, after=_retry_after(headers))


def json_object(body: bytes) -> JsonObject | None:
    """The JSON object in a body; None if it holds anything else."""
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _status(body: bytes) -> JsonObject:
    """The `metav1.Status` in a body; empty if it holds anything else."""
    answer = json_object(body)
    return answer if answer is not None and answer.get("kind") == "Status" else {}


def _explanation(address: ObjectAddress, answer: JsonObject) -> str:
    """The server's sentence; for a Secret only the fields, as the sentence quotes their values."""
    if address.resource.kind == "Secret":
        fields = (text(cause, "field") for cause in entries(answer, "details", "causes"))
        return ", ".join(filter(None, (text(answer, "reason"), *fields)))
    return text(answer, "message")[:_MESSAGE_LIMIT]


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else None
