"""What users and alerts learn: one value becomes the Event, the metric and the message."""

from dataclasses import dataclass
from typing import Literal

from davylamp.api.names import Reason


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened once. `revision` is the one it is about."""

    reason: Reason
    message: str
    revision: str
    severity: Literal["Normal", "Warning"] = "Normal"
