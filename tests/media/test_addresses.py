"""Which addresses a stranger's URL may reach: the registries, row by row, and everything that wraps an inner one."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.media.addresses import is_public
from tests.examples import examples

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "169.253.255.255",
    "192.0.1.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4010:c0e::64",
    "2001:4860:4860::8888",
    "2a02:6b8::feed:0ff%1",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
    "2001:0:808:808:0:ffff:f7f7:f7f7",
    "2a00::5efe:8.8.8.8",
]
INNER = [
    "0.0.0.0",  # noqa: S104 - judged, not bound
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "64:ff9b:1::8.8.8.8",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2002:c0a8:101::1",
    "2001:0:7f00:1::",
    "2001:0:808:808::80ff:fffe",
    "2001:0:7f00:1:0:ffff:f7f7:f7f7",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "100::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::1",
    "fe80::1%eth0",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "2a00::5efe:10.0.0.1",
    "2a00::200:5efe:7f00:1",
]
NO_ADDRESS = [
    "",
    "localhost",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "010.8.8.8",
    "8.8.8.8%1",
    "1.2.3.4.5",
    "[::1]",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    """Global unicast, beside the edges of what is not."""
    assert is_public(address)


@pytest.mark.parametrize("address", INNER + NO_ADDRESS)
def test_not_public(address: str) -> None:
    """Special nets, wrappers of inner addresses, and text that only some parsers take for an address."""
    assert not is_public(address)


@examples()
@given(st.ip_addresses(v=4))
def test_wrappers_agree_with_what_they_wrap(inner: ipaddress.IPv4Address) -> None:
    """An IPv4 address is judged the same wherever it is hidden."""
    bits = int(inner)
    public = is_public(str(inner))
    for wrapper in (
        0xFFFF << 32 | bits,
        0x0064FF9B << 96 | bits,
        0x2002 << 112 | bits << 80,
        0x20010000 << 96 | bits << 64 | bits ^ 0xFFFFFFFF,
        0x2A00 << 112 | 0x5EFE << 32 | bits,
    ):
        assert is_public(str(ipaddress.IPv6Address(wrapper))) is public


@examples()
@given(st.ip_addresses())
def test_never_more_than_python_allows(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """What the standard library takes for private is never public here."""
    if is_public(str(address)):
        assert address.is_global or address in ipaddress.ip_network("2001::/32") or "::ffff:" in str(address)
        assert not address.is_multicast
        assert not address.is_loopback
