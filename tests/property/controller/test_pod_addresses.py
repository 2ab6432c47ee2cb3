"""Addresses: no spelling of an address that is not a pod's is ever connected to."""

import ipaddress

from hypothesis import assume, example, given
from hypothesis import strategies as st

from davylamp.controller.checks.pod_networks import PodNetworks

REFUSED = [
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "224.0.0.0/4",
        "::1/128",
        "fe80::/10",
    )
]
V4 = st.ip_addresses(v=4)


def disguised(address: ipaddress.IPv4Address) -> list[str]:
    """Ways in which IPv6 carries an IPv4 address, in which some stack or gateway unpacks it."""
    number, top = int(address), ipaddress.IPv6Address
    return [
        str(top(number)),
        str(top(0xFFFF << 32 | number)),
        str(top(0xFFFF << 48 | number)),
        str(top(0x64FF9B << 96 | number)),
        str(top(0x64FF9B0001 << 80 | number)),
        str(top(0x2002 << 112 | number << 80)),
        str(top(0x20010000 << 96 | (number ^ 0xFFFFFFFF))),
    ]


@given(V4)
@example(ipaddress.IPv4Address("10.1.2.3"))
def test_no_ipv4_address_in_disguise_is_accepted(address):
    for text in disguised(address):
        assert PodNetworks().accepted(text) is None, text


@given(st.one_of(*(st.ip_addresses(network=network) for network in REFUSED)))
def test_nothing_of_this_host_its_link_or_a_group_is_accepted(address):
    assert PodNetworks().accepted(str(address)) is None
    if address.version == 6:
        assert PodNetworks().accepted(address.exploded) is None


@given(st.ip_addresses(network="10.0.0.0/8"), st.ip_addresses(network="10.0.0.0/8"))
def test_a_node_is_never_accepted_and_its_pods_are(node, pod):
    assume(node != pod)
    networks = PodNetworks()
    assert networks.accepted(str(node), [str(node)]) is None
    assert networks.accepted(str(pod), [str(node)]) == str(pod)


@given(st.ip_addresses())
def test_outside_of_the_known_networks_nothing_is_accepted(address):
    networks = PodNetworks.of(["10.244.0.0/16", "fd00:10:244::/56"])
    inside = any(address in network for network in networks.networks)
    assert (networks.accepted(str(address)) is not None) == inside


@given(st.one_of(st.text(), st.none(), st.integers(), st.floats(), st.lists(st.integers())))
def test_what_is_no_address_is_never_accepted(text):
    accepted = PodNetworks().accepted(text)
    assert accepted is None or ipaddress.ip_address(accepted) == ipaddress.ip_address(text)


@given(st.ip_addresses(v=6), st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True))
def test_a_zone_is_never_accepted(address, zone):
    assert PodNetworks().accepted(f"{address}%{zone}") is None
