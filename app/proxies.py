"""The outbound proxy: checks its URL, and finds out which hosts are requested without it (`NO_PROXY`)."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import unquote_to_bytes, urlsplit

from app import settings

_WITH_PORT = re.compile(r"(\[.*\]|[^:]*):([0-9]{1,5})")
_PORTS = {"http": 80, "https": 443}


def proxy_url(value: str) -> str:
    """Check a proxy's URL, `http[s]://[user[:password]@]host[:port]`. Raises ValueError, which does not quote it."""
    address = settings.login_url(value)
    login, _, place = address.partition("://")[2].rpartition("@")
    if set("/?#") & set(login + place):
        # aiohttp ends the host at such a character: of `http://user:123/4@proxy:3128` it would connect to `user`.
        raise ValueError("has more than a host and a port: in a password write / as %2F, ? as %3F, # as %23")
    user, _, password = login.partition(":")
    try:
        decoded = [unquote_to_bytes(part).decode() for part in (user, password)]
        for part in decoded:
            part.encode("latin-1")
    except UnicodeError:
        raise ValueError("has a user or password with letters that cannot be sent: Latin-1 can") from None
    if set("[]\\") & set(login) or ":" in decoded[0] or not all(map(str.isprintable, decoded)):
        raise ValueError(r"has a user or password that cannot be sent: write [ as %5B, ] as %5D, \ as %5C")
    return address


def is_bypassed(no_proxy: str, url: str) -> bool:
    """Whether the value of `NO_PROXY` excludes this URL's host from the proxy. The rules are those of curl and Python.

    Entries are separated by commas or spaces. A name, with or without a leading `.` or `*.`, matches itself and its
    subdomains. An address or a network in CIDR form matches addresses. An entry may end in `:port`. `*` matches all.
    """
    parts = urlsplit(url)
    host, port = (parts.hostname or "").rstrip("."), parts.port or _PORTS[parts.scheme]
    return any(entry == "*" or _matches(entry, host, port) for entry in re.split(r"[,\s]+", no_proxy.lower()))


def _matches(entry: str, host: str, port: int) -> bool:
    address = _parse_address(host)
    if address is not None:
        try:
            return address in ip_network(entry, strict=False)
        except ValueError:
            pass  # the entry is a name, or has a port
    match = _WITH_PORT.fullmatch(entry)
    if match is not None and int(match[2]) != port:
        return False
    name = (match[1] if match else entry).removeprefix("*").strip("[].")
    return bool(name) and (host == name or (address is None and host.endswith(f".{name}")))


def _parse_address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
