"""Warnings about settings that expose the gateway: an open port without a key, and plain HTTP to another machine."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

_ALL_ADDRESSES = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine's loopback interface. Names are not resolved."""
    name = host.lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        try:
            address = ip_address(socket.inet_aton(name))  # short forms such as 127.1, which bind() accepts
        except OSError:
            return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def warn_of_open_port(host: str, *, key: bool) -> list[str]:
    """A warning if other machines can reach the port and no key is required. `key`: whether a key is set."""
    if key or is_loopback(host):
        return []
    where = "on all addresses" if host in _ALL_ADDRESSES else "beyond this machine"
    return [f"listening {where} without GPT2GIGA_API_KEY: whoever reaches the port spends tokens"]


def warn_of_plain_http(**urls: str) -> list[str]:
    """A warning for each URL that uses plain HTTP to another machine. `urls`: the URLs by their settings' names."""
    return [
        f"{name} is plain http to another machine: anyone on the way can read keys, prompts and answers"
        for name, url in urls.items()
        if urlsplit(url).scheme == "http" and not is_loopback(urlsplit(url).hostname or "")
    ]
