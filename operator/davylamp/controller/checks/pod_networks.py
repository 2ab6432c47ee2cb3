"""Which addresses pods may have: those that the operator sends requests to. Pure.

Whoever may write a pod's status, and whoever runs it in its node's network, names the address that
the operator connects to. It must be a pod's: not this process's own, not a node's, not a cloud's
metadata server, and none that is another one in disguise.
"""

import ipaddress
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

from davylamp.adapters.addresses import Address, is_never_asked
from davylamp.schema.json import Json

_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
_DISGUISES: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            "::ffff:0:0/96",  # IPv4, mapped
            "64:ff9b::/96",  # IPv4 behind NAT64
            "64:ff9b:1::/48",  # the same, locally
            "2001::/32",  # IPv4 in Teredo
            "2002::/16",  # IPv4 in 6to4
        ),
    )
)
"""Spellings of other addresses; a pod has one of its own."""


@dataclass(frozen=True, slots=True)
class PodNetworks:
    """Where pods are in this cluster.

    Attributes:
        networks: the networks of pods; anywhere if empty.
        others: addresses that are known to be something else's, such as the API server's.
    """

    networks: tuple[_Network, ...] = ()
    others: frozenset[Address] = frozenset()

    @classmethod
    def of(cls, networks: Iterable[str], others: Iterable[str] = ()) -> Self:
        """Networks in CIDR notation, and addresses.

        Raises:
            ValueError: one of the networks is none. What is no address is left out: a host's name.
        """
        known = (address for address in map(_parsed, others) if address is not None)
        return cls(tuple(map(ipaddress.ip_network, networks)), frozenset(known))

    def accepted(self, text: Json, nodes: Collection[Json] = ()) -> str | None:
        """The address in its plain spelling; None where no request may go there.

        Args:
            text: `status.podIP`.
            nodes: addresses of nodes, as far as they are known.
        """
        address = _parsed(text)
        if address is None or getattr(address, "scope_id", None):
            return None
        if address in self.others or address in set(map(_parsed, nodes)):
            return None
        if is_never_asked(address) or any(address in network for network in _DISGUISES):
            return None
        is_inside = not self.networks or any(address in network for network in self.networks)
        return str(address) if is_inside else None


ANYWHERE: Final = PodNetworks()


def _parsed(text: Json) -> Address | None:
    try:
        return ipaddress.ip_address(text) if isinstance(text, str) else None
    except ValueError:
        return None
