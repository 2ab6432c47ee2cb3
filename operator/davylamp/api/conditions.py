"""Parts of the status that say how things are now, in words."""

from typing import Literal

from pydantic import Field

from davylamp.schema.models import Instant, Reported


class Condition(Reported):
    """A metav1.Condition."""

    type: str = Field(max_length=316, description="Type of the condition.")
    status: Literal["True", "False", "Unknown"] = Field(description="True, False or Unknown.")
    reason: str = Field(max_length=1024, description="CamelCase reason.")
    message: str = Field(
        max_length=32768, description="What happened, why, and the command to type."
    )
    observed_generation: int = Field(
        description="Generation of the spec that this describes.",
        json_schema_extra={"format": "int64"},
    )
    last_transition_time: Instant = Field(description="When status last changed.")


class ImageNote(Reported):
    """What is to be said of the image of a revision that serves or is rolled out."""

    revision: str = Field(description="The revision.")
    reason: str = Field(description="ImageNotPinned or TagMoved.")
    message: str = Field(description="What is known, and what to type.")
    digest: str | None = Field(default=None, description="What its tag points to now.")
