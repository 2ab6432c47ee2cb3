"""Which addresses a stranger's registry may have."""

import socket

import pytest

from davylamp.adapters.registries import addresses
from davylamp.adapters.registries.addresses import GuardedResolver, is_allowed


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "169.254.169.254",
        "169.254.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "ff02::1",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "2002:7f00:1::",
        "192.0.0.192",
        "fd20:ce::254",
        "fec0::1",
        "::a9fe:a9fe",
        "::ffff:0:a9fe:a9fe",
        "::127.0.0.1",
        "fd00:42::42",
        "no address",
        "",
    ],
)
def test_addresses_that_lead_into_this_machine_are_not_asked(address):
    assert not is_allowed(address)


@pytest.mark.parametrize(
    "address",
    [
        "10.96.0.10",
        "172.18.0.1",
        "192.168.1.1",
        "93.184.215.14",
        "fd00::1",
        "2600::1",
        "64:ff9b::5db8:d70e",
    ],
)
def test_public_and_private_networks_have_registries(address):
    assert is_allowed(address)


@pytest.fixture
def names(monkeypatch):
    """Names that resolve to what a test says."""
    known = {}

    def getaddrinfo(host, port, **_):
        stream = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*stream, (address, port)) for address in known[host]]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", getaddrinfo)
    return known


async def test_a_name_counts_by_the_addresses_that_it_has(names):
    names["inside.example"] = ["127.0.0.1", "169.254.169.254"]
    names["mixed.example"] = ["127.0.0.1", "93.184.215.14"]
    resolver = GuardedResolver(frozenset({"inside.example:5000", "usual.example"}))
    with pytest.raises(OSError, match="no address"):
        await resolver.resolve("inside.example", 443)
    (only,) = await resolver.resolve("mixed.example", 443)
    assert only["host"] == "93.184.215.14"
    await resolver.close()


async def test_a_listed_host_may_have_any_address_at_its_own_port(names):
    names["inside.example"] = names["usual.example"] = ["127.0.0.1"]
    resolver = GuardedResolver(frozenset({"inside.example:5000", "usual.example"}))
    assert len(await resolver.resolve("inside.example", 5000)) == 1
    assert len(await resolver.resolve("usual.example", 443)) == 1
    with pytest.raises(OSError, match="no address"):
        await resolver.resolve("usual.example", 22)
    await resolver.close()
