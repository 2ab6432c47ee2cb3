"""Which release of the operator looks after an object, as its status says."""

from typing import Final

from pydantic import Field

from davylamp.schema.models import Reported

UNOBSERVED: Final = -1
"""The generation that a new object's status describes: none, so that it does not count as healthy."""


class OperatorClaim(Reported):
    """Which release of the operator looks after an object."""

    release: str = Field(description="Namespace and name of that release's Lease.")
    contender: str | None = Field(
        default=None,
        description="Another release that watches the object and asks whether the first still lives.",
    )
