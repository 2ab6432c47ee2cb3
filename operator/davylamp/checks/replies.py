"""What is asked of a model server, and what it replied."""

from dataclasses import dataclass, field
from typing import TypeAlias

from davylamp.checks.results import CheckReason, Finding, failed, unknown
from davylamp.schema.json import Json, JsonObject

NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer: status 200 with JSON."""

    document: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class Declined:
    """No usable answer: another status, no JSON, too large. Asking again would not help."""

    problem: str
    """For example `POST /predict answered 500`."""
    code: int = 200


@dataclass(frozen=True, slots=True)
class Silent:
    """No answer yet: no connection, a time-out, status 503."""

    problem: str


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Received:
    """A text with status 200, which nobody has looked at."""

    text: bytes = field(repr=False)


Heard: TypeAlias = Received | Declined | Silent
"""What came back, before anybody looks at it."""
Reply: TypeAlias = Answered | Declined | Silent


@dataclass(frozen=True, slots=True)
class Questions:
    """What to ask a pod after its manifest: golden requests, and which routes they are sent to."""

    bodies: tuple[JsonObject, ...] = ()
    predict: bool = False
    explain: bool = False


@dataclass(frozen=True, slots=True)
class Replies:
    """The replies to one inspection; fewer than were asked for if it was interrupted."""

    manifest: Reply
    predictions: tuple[Reply, ...] = ()
    explanations: tuple[Reply, ...] = ()


def without_answer(reply: Declined | Silent) -> Finding:
    """What a reply without an answer means for a check."""
    if isinstance(reply, Silent):
        return unknown(reply.problem)
    return failed(CheckReason.BAD_ANSWER, reply.problem)
