"""Which addresses anyone on the internet could mean: the special ranges, as listed here and in no library. Pure.

The IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190), and what they leave to other registries:
multicast, and what was withdrawn. What Python's `ipaddress` knows of them depends on its version.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network


@dataclass(frozen=True, slots=True)
class Special:
    """A special range: its name, where it is defined, and whether it can be reached from the whole internet."""

    range: IPv4Network | IPv6Network
    name: str
    source: str
    reachable: bool = False


def _list(text: str) -> tuple[Special, ...]:
    rows = [[part.strip() for part in line.split("|")] for line in text.strip().splitlines()]
    return tuple(Special(ip_network(range_), name, source, bool(more)) for range_, name, source, *more in rows)


SPECIAL_IPV4 = _list("""
    0.0.0.0/8          | "This network"                     | RFC 791
    10.0.0.0/8         | Private-Use                        | RFC 1918
    100.64.0.0/10      | Shared Address Space               | RFC 6598
    127.0.0.0/8        | Loopback                           | RFC 1122
    169.254.0.0/16     | Link Local                         | RFC 3927
    172.16.0.0/12      | Private-Use                        | RFC 1918
    192.0.0.0/24       | IETF Protocol Assignments          | RFC 6890
    192.0.0.0/29       | IPv4 Service Continuity Prefix     | RFC 7335
    192.0.0.8/32       | IPv4 dummy address                 | RFC 7600
    192.0.0.9/32       | Port Control Protocol Anycast      | RFC 7723 | reachable
    192.0.0.10/32      | TURN Anycast                       | RFC 8155 | reachable
    192.0.0.170/32     | NAT64/DNS64 Discovery              | RFC 8880
    192.0.0.171/32     | NAT64/DNS64 Discovery              | RFC 8880
    192.0.2.0/24       | Documentation (TEST-NET-1)         | RFC 5737
    192.31.196.0/24    | AS112-v4                           | RFC 7535 | reachable
    192.52.193.0/24    | AMT                                | RFC 7450 | reachable
    192.88.99.0/24     | Deprecated (6to4 Relay Anycast)    | RFC 7526
    192.88.99.2/32     | 6a44-relay anycast address         | RFC 6751
    192.168.0.0/16     | Private-Use                        | RFC 1918
    192.175.48.0/24    | Direct Delegation AS112 Service    | RFC 7534 | reachable
    198.18.0.0/15      | Benchmarking                       | RFC 2544
    198.51.100.0/24    | Documentation (TEST-NET-2)         | RFC 5737
    203.0.113.0/24     | Documentation (TEST-NET-3)         | RFC 5737
    224.0.0.0/4        | Multicast                          | RFC 5771
    240.0.0.0/4        | Reserved                           | RFC 1112
    255.255.255.255/32 | Limited Broadcast                  | RFC 8190
""")
SPECIAL_IPV6 = _list("""
    ::/128             | Unspecified Address                | RFC 4291
    ::1/128            | Loopback Address                   | RFC 4291
    ::/96              | IPv4-compatible, deprecated        | RFC 4291
    64:ff9b:1::/48     | IPv4-IPv6 Translation, local use   | RFC 8215
    100::/64           | Discard-Only Address Block         | RFC 6666
    100:0:0:1::/64     | Dummy IPv6 Prefix                  | RFC 9780
    2001::/23          | IETF Protocol Assignments          | RFC 2928
    2001::/32          | TEREDO                             | RFC 4380
    2001:1::1/128      | Port Control Protocol Anycast      | RFC 7723 | reachable
    2001:1::2/128      | TURN Anycast                       | RFC 8155 | reachable
    2001:1::3/128      | DNS-SD SRP Anycast                 | RFC 9665 | reachable
    2001:2::/48        | Benchmarking                       | RFC 5180
    2001:3::/32        | AMT                                | RFC 7450 | reachable
    2001:4:112::/48    | AS112-v6                           | RFC 7535 | reachable
    2001:10::/28       | Deprecated (ORCHID)                | RFC 4843
    2001:20::/28       | ORCHIDv2                           | RFC 7343 | reachable
    2001:30::/28       | Drone Remote ID Entity Tags        | RFC 9374 | reachable
    2001:db8::/32      | Documentation                      | RFC 3849
    2620:4f:8000::/48  | Direct Delegation AS112 Service    | RFC 7534 | reachable
    3fff::/20          | Documentation                      | RFC 9637
    5f00::/16          | Segment Routing (SRv6) SIDs        | RFC 9602
    fc00::/7           | Unique-Local                       | RFC 4193
    fe80::/10          | Link-Local Unicast                 | RFC 4291
    fec0::/10          | Site-Local, deprecated             | RFC 3879
    ff00::/8           | Multicast                          | RFC 4291
""")
# The only IPv6 addresses that are given out so far (RFC 4291, IANA IPv6 Address Space); the rest may become anything.
GLOBAL_UNICAST = IPv6Network("2000::/3")
# Where an IPv6 address carries an IPv4 address, and how many bits stand behind it; such a one is judged by that.
MAPPED = IPv6Network("::ffff:0:0/96")  # RFC 4291
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
SIX_TO_FOUR = IPv6Network("2002::/16")  # RFC 3056
WRAPPINGS = ((MAPPED, 0), (NAT64, 0), (SIX_TO_FOUR, 80))


def is_public(address: str) -> bool:
    """Whether anyone on the internet could mean this address; one that wraps an IPv4 address is judged by that."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv4Address):
        return _reachable(ip, SPECIAL_IPV4)
    for wrapping, behind in WRAPPINGS:
        if ip in wrapping:
            return _reachable(IPv4Address(int(ip) >> behind & 0xFFFFFFFF), SPECIAL_IPV4)
    return ip in GLOBAL_UNICAST and _reachable(ip, SPECIAL_IPV6)


def _reachable(ip: IPv4Address | IPv6Address, special: tuple[Special, ...]) -> bool:
    """By the narrowest range that holds it, as the registries say; ordinary addresses stand in none."""
    found = [row for row in special if ip in row.range]
    return max(found, key=lambda row: row.range.prefixlen).reachable if found else True
