"""What came back from a model server, and what is asked of it."""

from dataclasses import dataclass
from typing import TypeAlias

from davylamp.checks.results import CheckReason, Found, failed, unknown
from davylamp.schema.json import Json, JsonObject

NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Answered:
    """A 200 with JSON."""

    document: Json


@dataclass(frozen=True, slots=True)
class Declined:
    """An answer that is none: another code, no JSON, too large. Asking again would not help."""

    problem: str
    """For example `POST /predict answered 500`."""
    code: int = 200


@dataclass(frozen=True, slots=True)
class Silent:
    """No answer just now: no connection, a time-out, 503."""

    problem: str


Reply: TypeAlias = Answered | Declined | Silent


@dataclass(frozen=True, slots=True)
class Questions:
    """Golden requests, and which routes each of them is sent to."""

    bodies: tuple[JsonObject, ...] = ()
    predict: bool = False
    explain: bool = False


@dataclass(frozen=True, slots=True)
class Replies:
    """Everything that one inspection heard; shorter than what was asked if it broke off."""

    manifest: Reply
    predictions: tuple[Reply, ...] = ()
    explanations: tuple[Reply, ...] = ()


def without_answer(reply: Declined | Silent) -> Found:
    """What a reply that is no answer means for a check."""
    if isinstance(reply, Silent):
        return unknown(reply.problem)
    return failed(CheckReason.BAD_ANSWER, reply.problem)
