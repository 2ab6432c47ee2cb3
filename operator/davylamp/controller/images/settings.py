"""What the chart says about images."""

from dataclasses import dataclass, field
from enum import StrEnum

from davylamp.adapters.registries.settings import RegistrySettings
from davylamp.images import KeyRule


class Digests(StrEnum):
    """Whether tags are resolved to digests before a revision is recorded."""

    AUTO = "Auto"
    """A registry that cannot be asked holds nothing up: the revision goes on by its tag."""
    REQUIRE = "Require"
    """No pod before the digest is known."""
    OFF = "Off"
    """No registry is asked, except about signatures."""


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """How images are pinned and verified. A process that nobody told asks nobody."""

    digests: Digests = Digests.OFF
    registries: RegistrySettings = field(default_factory=RegistrySettings)
    rules: tuple[KeyRule, ...] = ()
    """Which images have to be signed, and with which keys; the first rule that fits counts."""
    pull_secrets: bool = True
    """Whether the operator may read pull Secrets; without them it asks as nobody."""
