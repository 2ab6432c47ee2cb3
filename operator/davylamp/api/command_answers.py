"""Commands in the status: what they were answered, and which are still on the object."""

from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import Field

from davylamp.schema.models import Instant, Reported

UserName: TypeAlias = Annotated[str | None, Field(max_length=100)]
"""A user as the API server knows them."""


class AnswerKind(StrEnum):
    """What became of a command."""

    ACCEPTED = "Accepted"
    ALREADY_DONE = "AlreadyDone"
    REFUSED = "Refused"


class CommandAnswer(Reported):
    """The last answer to one command."""

    command: str = Field(description="abort, advance, promote or retry.")
    value: str = Field(max_length=200, description="The value that was given.")
    answer: AnswerKind = Field(description="Accepted, AlreadyDone or Refused.")
    message: str = Field(max_length=32768, description="What was done, or why nothing was done.")
    at: Instant = Field(description="When it was answered.")
    by: UserName = Field(
        default=None, description="Who gave it, where an admission policy proves it."
    )


class Handled(Reported):
    """Values of commands that were answered and are still on the object: they are not new."""

    promote: str | None = Field(default=None, description="Answered value of promote.")
    advance: str | None = Field(default=None, description="Answered value of advance.")
    abort: str | None = Field(default=None, description="Answered value of abort.")
    retry: str | None = Field(default=None, description="Answered value of retry.")
