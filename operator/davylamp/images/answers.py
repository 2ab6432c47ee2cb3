"""What became of the question which bytes a tag means."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias


class ImageFault(StrEnum):
    """Why there is no digest, or none that may run."""

    UNREACHABLE = "Unreachable"
    """The registry did not answer."""
    BUSY = "Busy"
    """The registry says "not now"."""
    DENIED = "Denied"
    """The registry wants credentials, or others."""
    NOT_ALLOWED = "NotAllowed"
    """The operator does not ask that registry."""
    BAD_ANSWER = "BadAnswer"
    """What the registry answered cannot be used."""
    NOT_FOUND = "NotFound"
    """The registry has no such tag."""
    UNSIGNED = "Unsigned"
    """There is no signature for these bytes."""
    BADLY_SIGNED = "BadlySigned"
    """There are signatures, and none was made with a key that counts."""


OF_THE_IMAGE: Final = frozenset(
    {ImageFault.NOT_FOUND, ImageFault.UNSIGNED, ImageFault.BADLY_SIGNED}
)
"""What the revision itself is to blame for; the others are in the way of any image."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """The digest that a tag points to; where keys are demanded, signed with one of them."""

    digest: str


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Why there is no digest. The sentence is made of our own words and numbers only."""

    fault: ImageFault
    message: str


ImageAnswer: TypeAlias = Resolved | Unresolved


@dataclass(frozen=True, slots=True)
class ImageFinding:
    """What is known of the image of a revision that is not recorded yet.

    Attributes:
        revision: the revision.
        host: the registry that is asked.
        demanded: whether nothing may run without a digest, and a signature where keys are demanded.
        answer: None while the registry has not answered.
    """

    revision: str
    host: str
    demanded: bool = False
    answer: ImageAnswer | None = None

    @property
    def digest(self) -> str | None:
        """What the image is pinned to."""
        return self.answer.digest if isinstance(self.answer, Resolved) else None

    @property
    def fault(self) -> Unresolved | None:
        """Why it cannot be pinned."""
        return self.answer if isinstance(self.answer, Unresolved) else None

    @property
    def holds(self) -> bool:
        """Whether no pod may be made yet."""
        return self.answer is None or (self.demanded and self.fault is not None)
