"""Special ranges by our own list: first and last address of each, their neighbours, and every wrapping."""

from ipaddress import IPv4Address, IPv6Address

import pytest

from libs.common.outbound.addresses import GLOBAL_UNICAST, SPECIAL_IPV4, SPECIAL_IPV6, WRAPPINGS, Special, is_public

PRIVATE = [
    "127.0.0.1",
    "127.9.9.9",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104 - to be refused
    "255.255.255.255",
    "224.0.0.1",
    "240.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd12::1",
    "fec0::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "2002:7f00:1::1",
    "2002:a00:1::1",
    "2001:db8::1",
    "64:ff9b:1::1",
]
PUBLIC = ["8.8.8.8", "203.119.25.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


SPECIAL = [*SPECIAL_IPV4, *SPECIAL_IPV6]
# Every line of the registries (IANA, as of 2025), and of what they leave out: whoever drops one here must mean it.
RANGES = {
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.0.0/29",
    "192.0.0.8/32",
    "192.0.0.9/32",
    "192.0.0.10/32",
    "192.0.0.170/32",
    "192.0.0.171/32",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.88.99.2/32",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "255.255.255.255/32",
    "::/128",
    "::1/128",
    "::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/23",
    "2001::/32",
    "2001:1::1/128",
    "2001:1::2/128",
    "2001:1::3/128",
    "2001:2::/48",
    "2001:3::/32",
    "2001:4:112::/48",
    "2001:10::/28",
    "2001:20::/28",
    "2001:30::/28",
    "2001:db8::/32",
    "2620:4f:8000::/48",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
}
REACHABLE = {
    "192.0.0.9/32",
    "192.0.0.10/32",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.175.48.0/24",
    "2001:1::1/128",
    "2001:1::2/128",
    "2001:1::3/128",
    "2001:3::/32",
    "2001:4:112::/48",
    "2001:20::/28",
    "2001:30::/28",
    "2620:4f:8000::/48",
}


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public(address: str) -> None:
    """Loopback, private, link-local, carrier-grade NAT, reserved, and each of them wrapped in IPv6."""
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public(address: str) -> None:
    """The counterpart: the door opens for the internet."""
    assert is_public(address)


def test_the_list_is_the_registries() -> None:
    assert {str(row.range) for row in SPECIAL} == RANGES
    assert {str(row.range) for row in SPECIAL if row.reachable} == REACHABLE
    assert all(row.source.startswith("RFC ") and row.name for row in SPECIAL)


@pytest.mark.parametrize("row", SPECIAL, ids=lambda row: str(row.range))
def test_the_first_and_the_last_address_of_a_range(row: Special) -> None:
    for ip in (row.range[0], row.range[-1], row.range[row.range.num_addresses // 2]):
        narrower = [r for r in SPECIAL if r.range.version == ip.version and ip in r.range]
        decides = max(narrower, key=lambda r: r.range.prefixlen)
        assert is_public(str(ip)) is decides.reachable, (ip, decides)


NEIGHBOURS = {
    "1.0.0.0",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.0",
    "192.0.1.255",
    "192.0.3.0",
    "192.88.98.255",
    "192.88.100.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "198.51.101.0",
    "203.0.112.255",
    "203.0.114.0",
    "223.255.255.255",
    "2001:200::",
    "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001:db9::",
    "2620:4f:7fff:ffff:ffff:ffff:ffff:ffff",
    "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "3fff:1000::",
    "2000::",
}


@pytest.mark.parametrize("address", sorted(NEIGHBOURS))
def test_the_neighbours_of_a_range_are_public(address: str) -> None:
    """One address too many in a range would cut somebody off, one too few would let somebody in."""
    assert is_public(address)


def test_each_edge_of_a_range_has_its_neighbour_on_the_other_side() -> None:
    """The address before a range and the one after it are judged by whatever holds them, and never by the range."""
    for row in SPECIAL:
        for number in (int(row.range[0]) - 1, int(row.range[-1]) + 1):
            version = IPv4Address if row.range.version == 4 else IPv6Address
            if not 0 <= number < 2 ** (32 if row.range.version == 4 else 128):
                continue
            ip = version(number)
            holds = [r for r in SPECIAL if r.range.version == ip.version and ip in r.range]
            given_out = ip.version == 4 or ip in GLOBAL_UNICAST
            if not holds and given_out:
                assert is_public(str(ip)), (row, ip)


INNER = ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.0.0.1", "100.64.0.1", "198.18.0.1", "240.0.0.1", "224.0.0.1"]


@pytest.mark.parametrize("inner", [*INNER, "8.8.8.8", "203.119.25.1"])
def test_what_wraps_an_ipv4_address_is_judged_by_it(inner: str) -> None:
    for wrapping, behind in WRAPPINGS:
        whole = IPv6Address(int(wrapping.network_address) | int(IPv4Address(inner)) << behind)
        assert is_public(str(whole)) is is_public(inner) is (inner not in INNER), whole
    assert not is_public(str(IPv6Address(int(IPv4Address(inner)))))  # IPv4-compatible, withdrawn


@pytest.mark.parametrize(
    "address", ["1::", "64:ff9b:2::", "100:0:0:2::", "4000::", "5eff::", "5f01::", "e000::", "fe00::"]
)
def test_what_nobody_has_been_given_is_not_public(address: str) -> None:
    assert not is_public(address)


def test_a_library_that_knows_less_opens_nothing() -> None:
    """For each range that the registries call unreachable, whatever this Python's `ipaddress` says of it."""
    for row in SPECIAL:
        if row.reachable:
            continue
        inside = [r.range for r in SPECIAL if r.reachable and r.range.version == row.range.version]
        for ip in (row.range[0], row.range[-1]):
            if not any(ip in narrower for narrower in inside):
                assert not is_public(str(ip)), (row.range, ip, ip.is_global)
