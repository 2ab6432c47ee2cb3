"""Error answers of the API server, translated into the errors of the port.

Written against `metav1.Status`: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
Codes alone do not say what to do: a webhook that is down answers 500 and may be back in a second, a
field unknown to the schema answers 500 as well and never passes, and a policy chooses its own code.
So the sentences of the server are read too; tests hold them against bodies of a real one.
"""

import re
from collections.abc import Mapping
from typing import Final

from davylamp.adapters.errors import (
    Conflict,
    Expired,
    Forbidden,
    NamespaceEnding,
    NotFound,
    OperatorError,
    Retryable,
    Terminal,
)
from davylamp.adapters.kubernetes.resources import ObjectAddress
from davylamp.schema.json import JsonObject, entries, text
from davylamp.schema.text import one_line
from davylamp.schema.weight import Budget, UnreadableJsonError, read_json

_MESSAGE_LIMIT: Final = 600
_HEAVIEST: Final = Budget(2**20, 16, 20_000)
"""Webhooks write what they like into a Status, and the API server quotes values in it."""
_ENDING: Final = "NamespaceTerminating"
_BAD_OBJECT: Final = (
    "failed to create typed patch object",
    "failed to convert new object",
    "request is too large",
)
"""What never passes although the answer is 500: a field unknown to the schema, a value of another
type, more than etcd takes."""
_PATH: Final = re.compile(r"(?:^|[\s:])\.(spec\.\S+?): ")
"""A field as server-side apply names it."""
_DENIED: Final = (
    (re.compile(r"admission webhook \"([^\"]+)\" denied the request"), "the webhook {}"),
    (re.compile(r"(ValidatingAdmissionPolicy|MutatingAdmissionPolicy) '([^']+)'"), "the {} {}"),
    (re.compile(r"(?:exceeded|failed) quota: ([^,:]+)"), "the quota {}"),
    (re.compile(r"violates PodSecurity \"([^\"]+)\""), "the Pod Security level {}"),
    (re.compile(r"User \"[^\"]*\" cannot \w+ resource"), "the operator's own permissions (RBAC)"),
)
"""Who forbade a request, by the server's sentence; a person can change each of them meanwhile."""
_NOT_CALLED: Final = re.compile(r"failed calling webhook \"([^\"]+)\"")


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
    denier = _denier(answer)
    if _is_ending(answer):
        return NamespaceEnding(message)
    if denier:
        return Forbidden(message, by=denier)
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
            return Terminal(text(answer, "reason") or "Invalid", message, fields=_fields(answer))
        case 500 if any(bad in text(answer, "message") for bad in _BAD_OBJECT):
            return Terminal("Invalid", message, fields=_fields(answer))
        case _:
            return Retryable(message, after=_retry_after(headers), by=_not_called(answer))


def _status(body: bytes) -> JsonObject:
    """The `metav1.Status` in a body; empty if it holds anything else."""
    try:
        answer = read_json(body, _HEAVIEST)
    except UnreadableJsonError:
        return {}
    return answer if isinstance(answer, dict) and answer.get("kind") == "Status" else {}


def _explanation(address: ObjectAddress, answer: JsonObject) -> str:
    """The server's sentence, in which webhooks put any text; of a Secret only fields: it quotes values."""
    if address.resource.kind == "Secret":
        fields = (text(cause, "field") for cause in entries(answer, "details", "causes"))
        return ", ".join(filter(None, (text(answer, "reason"), *fields)))
    return one_line(text(answer, "message"), limit=_MESSAGE_LIMIT)


def _is_ending(answer: JsonObject) -> bool:
    causes = entries(answer, "details", "causes")
    return any(text(cause, "reason") == _ENDING for cause in causes)


def _denier(answer: JsonObject) -> str:
    """Who forbade the request; empty where the server does not say."""
    sentence = text(answer, "message")
    for pattern, name in _DENIED:
        match = pattern.search(sentence)
        if match:
            return name.format(*match.groups())
    return ""


def _not_called(answer: JsonObject) -> str:
    """The webhook that the server could not call; empty where it is something else."""
    match = _NOT_CALLED.search(text(answer, "message"))
    return f"the webhook {match[1]}, which cannot be called" if match else ""


def _fields(answer: JsonObject) -> tuple[str, ...]:
    """Paths in the object that the server names, in its causes or else in its sentence."""
    causes = [text(cause, "field") for cause in entries(answer, "details", "causes")]
    return tuple(filter(None, causes)) or tuple(_PATH.findall(text(answer, "message")))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else None
