"""Which registries are asked, and how; it comes from the chart only."""

from dataclasses import dataclass
from typing import Final

TIMEOUT: Final = 8.0
"""Seconds for everything that is asked about one image."""


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """How registries are asked.

    Attributes:
        plain_http: hosts, with their ports, that are asked without TLS. Somebody who installs the
            chart has named them, so they may have any address.
        allowed: hosts that are asked; empty means all of them.
        ca_file: certificates that count besides those of the system.
        timeout: seconds for everything about one image.
    """

    plain_http: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()
    ca_file: str | None = None
    timeout: float = TIMEOUT

    def is_asked(self, host: str) -> bool:
        """Whether a registry may be asked at all."""
        return not self.allowed or host in self.allowed or host in self.plain_http

    def is_trusted(self, host: str) -> bool:
        """Whether a registry was named by whoever installed the chart, whatever its address is."""
        return host in self.plain_http or host in self.allowed
