"""What became of the commands that users gave, for the status."""

from enum import StrEnum

from pydantic import Field

from davylamp.schema.models import Instant, Reported


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
