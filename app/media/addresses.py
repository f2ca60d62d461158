"""Decides whether an IP address is public, so that a client's URL may make the gateway connect to it.

Source: the IANA registries of special-purpose IPv4 and IPv6 addresses, and the RFCs that put an IPv4 address into an
IPv6 one. `ipaddress.is_global` is not enough: its answers differ between versions of Python, and it counts multicast,
old site-local addresses and several kinds of embedded IPv4 addresses as public.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_NOT_PUBLIC_IPV4 = tuple(
    IPv4Network(net)
    for net in (
        "0.0.0.0/8",  # this network: RFC 791; Linux takes 0.0.0.0 for this machine
        "10.0.0.0/8",  # private: RFC 1918
        "100.64.0.0/10",  # carrier-grade NAT: RFC 6598; also a cloud's metadata
        "127.0.0.0/8",  # loopback: RFC 1122
        "168.63.129.16/32",  # a public number that means the host itself on one cloud
        "169.254.0.0/16",  # link-local: RFC 3927; clouds' metadata
        "172.16.0.0/12",  # private: RFC 1918
        "192.0.0.0/24",  # protocol assignments: RFC 6890; also a cloud's metadata
        "192.0.2.0/24",  # documentation: RFC 5737
        "192.88.99.0/24",  # the nearest 6to4 relay, deprecated: RFC 7526
        "192.168.0.0/16",  # private: RFC 1918
        "198.18.0.0/15",  # benchmarks: RFC 2544
        "198.51.100.0/24",  # documentation: RFC 5737
        "203.0.113.0/24",  # documentation: RFC 5737
        "224.0.0.0/4",  # multicast: RFC 5771
        "240.0.0.0/4",  # reserved, and broadcast: RFC 1112, RFC 919
    )
)
# All global unicast addresses are in this network, RFC 4291. Outside it are loopback, link-local, unique local,
# site-local and multicast addresses, deprecated IPv4-compatible ones, and local NAT64 (64:ff9b:1::/48, RFC 8215).
_GLOBAL_IPV6 = IPv6Network("2000::/3")
_NOT_PUBLIC_IPV6 = (
    IPv6Network("2001::/23"),  # protocol assignments, benchmarks, ORCHID: RFC 2928, 5180, 4843
    IPv6Network("2001:db8::/32"),  # documentation: RFC 3849
    IPv6Network("3fff::/20"),  # documentation: RFC 9637
)
# Networks whose addresses hold IPv4 addresses. For each IPv4 address: the shift to its 32 bits, and the XOR mask.
_IPV4_INSIDE_IPV6 = (
    (IPv6Network("::ffff:0:0/96"), ((0, 0),)),  # mapped: the system connects over IPv4, RFC 4291
    (IPv6Network("64:ff9b::/96"), ((0, 0),)),  # NAT64: RFC 6052
    (IPv6Network("2002::/16"), ((80, 0),)),  # 6to4: RFC 3056
    (IPv6Network("2001::/32"), ((64, 0), (0, 0xFFFFFFFF))),  # Teredo, its server and its client: RFC 4380
)
# The lower half of an ISATAP address, whatever its network: RFC 5214.
_ISATAP = (0x00005EFE, 0x02005EFE)


def is_public(address: str) -> bool:
    """Whether an IPv4 or IPv6 address is public. An IPv4 address inside an IPv6 address must be public too.

    A zone (`%eth0`) is ignored. Text that is not an address in its usual form ("127.1", "0x7f000001") is not public.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return _is_public_ipv4(parsed) if isinstance(parsed, IPv4Address) else _is_public_ipv6(IPv6Address(int(parsed)))


def _is_public_ipv4(address: IPv4Address) -> bool:
    return not any(address in net for net in _NOT_PUBLIC_IPV4)


def _is_public_ipv6(address: IPv6Address) -> bool:
    bits = int(address)
    for net, positions in _IPV4_INSIDE_IPV6:
        if address in net:
            return all(_is_public_ipv4(IPv4Address((bits >> shift & 0xFFFFFFFF) ^ mask)) for shift, mask in positions)
    if bits >> 32 & 0xFFFFFFFF in _ISATAP and not _is_public_ipv4(IPv4Address(bits & 0xFFFFFFFF)):
        return False
    return address in _GLOBAL_IPV6 and not any(address in net for net in _NOT_PUBLIC_IPV6)
