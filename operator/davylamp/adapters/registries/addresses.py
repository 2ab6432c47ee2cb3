"""Addresses that a stranger's registry must not have: those that lead into this machine or its cloud.

Whoever writes a ModelDeployment chooses the host. Private networks are allowed, as registries of
companies and clusters are there; a TLS certificate for the host is asked of them like of all others.
"""

import asyncio
import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

from davylamp.adapters.addresses import Address, is_never_asked

LOOK_UPS: Final = 96
"""Names that are looked up at the same time, in threads of their own: a name server that never answers
must not take the threads in which the API server's name is looked up. A look-up goes on after its
question was given up, so there are more than questions: who is next must find one free."""
RECEIVED: Final = 8 * 1024
"""Bytes that the kernel keeps of an answer before they are read; it doubles what it is told."""
_USUAL: Final = frozenset({80, 443})
_NAT64: Final = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


def is_allowed(text: str) -> bool:
    """Whether an address is none of this machine, its link, its cloud's metadata, or nobody's."""
    try:
        address = _innermost(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return False
    return not (is_never_asked(address) or (address.version == 4 and address.is_reserved))


def is_address(host: str) -> bool:
    """Whether a host is written as an address, so that no resolver is asked."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _innermost(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
    if inner is None and any(address in network for network in _NAT64):
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


def narrow_socket(address: AddrInfoType) -> socket.socket:
    """A socket of which the event loop gets little at a time, whatever is sent: 1xx answers without end."""
    kind, sort, proto, _, _ = address
    made = socket.socket(kind, sort, proto)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED)
    return made


class GuardedResolver(AbstractResolver):
    """Resolves names as the system does, and keeps only allowed addresses.

    The connection is made to what was checked, so a name cannot change its address in between.

    Args:
        trusted: hosts, with their ports if these are not the usual ones, that may have any address.
    """

    def __init__(self, trusted: frozenset[str]) -> None:
        self._trusted = trusted
        self._threads = ThreadPoolExecutor(LOOK_UPS, thread_name_prefix="registries")

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        look_up = partial(
            socket.getaddrinfo,
            host,
            port,
            type=socket.SOCK_STREAM,
            family=family,
            flags=socket.AI_ADDRCONFIG,
        )
        answers = await loop.run_in_executor(self._threads, look_up)
        names = {f"{host}:{port}", host} if port in _USUAL else {f"{host}:{port}"}
        trusted = not names.isdisjoint(self._trusted)
        results = [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=kind,
                proto=proto,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, _, proto, _, address in answers
            if trusted or is_allowed(str(address[0]))
        ]
        if not results:
            raise OSError("no address of this host may be asked")
        return results

    @override
    async def close(self) -> None:
        """Wait for no look-up that is under way."""
        self._threads.shutdown(wait=False, cancel_futures=True)
