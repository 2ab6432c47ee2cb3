"""Addresses at which there is neither a pod nor a registry, whatever a stranger says. Pure."""

import ipaddress
from typing import Final, TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_NEVER_ASKED: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",  # this host
            "127.0.0.0/8",  # loopback
            "169.254.0.0/16",  # link-local, and the metadata servers of most clouds
            "192.0.0.0/24",  # of protocols; Oracle's metadata server
            "100.100.100.200/32",  # Alibaba's metadata server
            "168.63.129.16/32",  # Azure's
            "224.0.0.0/4",  # multicast
            "255.255.255.255/32",  # broadcast
            "::/96",  # unspecified, loopback, and IPv4 in the oldest spelling
            "::ffff:0:0:0/96",  # IPv4, translated
            "fe80::/10",  # link-local
            "fec0::/10",  # site-local, which is out of use
            "ff00::/8",  # multicast
            "fd00:ec2::/32",  # Amazon's metadata server
            "fd00:42::42/128",  # Scaleway's
            "fd20:ce::254/128",  # Google's
            "fd00:42::42/128",  # Scaleway's
        ),
    )
)


def is_never_asked(address: Address) -> bool:
    """Whether an address is this host's, a link's, a cloud's metadata server's, or nobody's."""
    return any(address in network for network in _NEVER_ASKED)
