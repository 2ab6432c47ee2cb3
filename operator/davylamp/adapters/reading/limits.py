"""How much one reading may take, and the errors that say so."""

from dataclasses import dataclass
from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
NOTHING_TO_READ: Final = "is nothing that can be read"
"""What is told of an error whose own words may be those of the text."""
LIGHT: Final = 32 * KIB
"""Bytes that are read where they are: in the worst case that takes some milliseconds, and handing
them to another process would take longer than reading what is usual."""


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """What the reading of one text may take.

    Attributes:
        seconds: of CPU time, whatever the text; the kernel ends it then.
        patience: seconds on the clock, where the machine is busy.
        memory: bytes that the process may have, its own modules (35 MiB) included.
        result: bytes of what is handed back.
    """

    seconds: float = 2.0
    patience: float = 10.0
    memory: int = 96 * MIB
    result: int = 2 * MIB


class UnreadableError(ValueError):
    """A text is not what was asked for; the message quotes nothing of it."""


class TooMuchToReadError(UnreadableError):
    """A text takes more time or memory than one may, or says more than can be handed back."""


class ReadingRefusedError(Exception):
    """Nobody looked at the text: its owner has used up what there is for one owner."""
