"""Web pages that ask a gateway without a key: the Origin and Host headers that are refused.

A page of any site can send a POST of text/plain to this machine without asking first (Fetch standard, "CORS-safelisted
request-header"), and so spend tokens. Its browser names the page in Origin with every method but GET and HEAD (Fetch
standard, "append a request `Origin` header"). A page that points its own name at this machine (DNS rebinding) reads
answers too: then only Host shows it. No script can set either header (Fetch standard, "forbidden request-header").

A page of the gateway's own host and port is not exempt: with DNS rebinding that is what a hostile page looks like.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, ip_address
from typing import NamedTuple

from aiohttp import web

from app.config import Config
from app.errors import HOST_NOT_ALLOWED, ORIGIN_NOT_ALLOWED, GatewayError
from app.server.routes import PROBES
from app.settings import APP_SCHEMES

_LONGEST = 300  # characters: a name of DNS has 253 at most
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?)(?::(\d{0,5}))?")
_WEB_ORIGIN = re.compile(r"https?://([^/]+)")
_APP_ORIGIN = re.compile(rf"(?:{'|'.join(APP_SCHEMES)})://[^\s/?#@\\,]*")
# Names that containers have for the machine they run on: Docker's and Podman's.
_CONTAINERS_HOSTS = frozenset({"host.docker.internal", "host.containers.internal"})
_USUAL_PORTS = (None, 80, 443)  # a browser leaves its scheme's own port out


class Host(NamedTuple):
    """What a Host header says: a name in lower case without the root's dot, or an address; IPv6 in brackets."""

    name: str
    port: int | None


class _Allowed(NamedTuple):
    """One host of GPT2GIGA_HOSTS: `below` for `*.name`; without a port it means every port."""

    name: str
    port: int | None
    below: bool

    def takes(self, host: Host) -> bool:
        named = host.name.endswith(f".{self.name}") if self.below else host.name == self.name
        return named and (self.port in (None, host.port) or (host.port is None and self.port in _USUAL_PORTS))


class BrowserGuard:
    """Refuses what a web page may have sent. With a key it refuses nothing: a page does not know the key."""

    def __init__(self, config: Config) -> None:
        self._open = not config.api_key
        self._on_loopback = _means_loopback(config.host)
        self._hosts = tuple(_allowed(text) for text in config.hosts)
        self._origins = frozenset(origin.lower() for origin in config.cors_origins)

    def check(self, request: web.Request) -> None:
        """Raise GatewayError for a request that is refused; the body is not read for it."""
        if not self._open or request.path in PROBES:
            return
        if self._on_loopback:
            for host in hosts_of(request):
                if not self._takes_host(host):
                    raise _host_refused(host)
        if "*" in self._origins:
            return
        for origin in request.headers.getall("Origin", ()):
            if not self._takes_origin(origin.lower()):
                raise _origin_refused(origin)

    def shown_to_page(self, request: web.Request) -> bool:
        """Whether a web page may be what reads the answer, whatever the path and the key."""
        return sent_by_browser(request) or (self._on_loopback and not all(map(self._takes_host, hosts_of(request))))

    def _takes_host(self, text: str) -> bool:
        host = read_host(text)
        return host is not None and (is_this_machine(host) or any(allowed.takes(host) for allowed in self._hosts))

    def _takes_origin(self, origin: str) -> bool:
        if origin in self._origins or (len(origin) <= _LONGEST and _APP_ORIGIN.fullmatch(origin)):
            return True
        match = _WEB_ORIGIN.fullmatch(origin)
        host = read_host(match[1]) if match else None
        return host is not None and _is_local(host.name)


def hosts_of(request: web.Request) -> Iterable[str]:
    """Every host that a request names: in its Host header, and in a target that is a whole URL (RFC 9112, 3.2.2).

    HTTP/1.0 may name none, which no browser does: aiohttp gives the address that was connected to.
    """
    hosts = request.headers.getall("Host", [])
    if request.host not in hosts:
        bare = request.host.count(":") > 1 and not request.host.startswith("[")
        return [*hosts, f"[{request.host}]" if bare else request.host]
    return hosts


def sent_by_browser(request: web.Request) -> bool:
    """Whether headers are there that only browsers send: Origin, or one of those that begin with `Sec-`."""
    return "Origin" in request.headers or any(name[:4].lower() == "sec-" for name in request.headers)


def read_host(text: str) -> Host | None:
    """The host, or None when it is not `name`, `name:port`, an address or an address with a port."""
    return _read_host(text) if len(text) <= _LONGEST and text.isascii() else None


@lru_cache(64)  # a client names the same host in every request
def _read_host(text: str) -> Host | None:
    match = _HOST.fullmatch(text.lower())
    return None if match is None else Host(match[1].removesuffix("."), int(match[2]) if match[2] else None)


def is_this_machine(host: Host) -> bool:
    """Whether no DNS server of a stranger's decides where this name leads: it is this machine's, or its host's."""
    return _is_local(host.name) or host.name in _CONTAINERS_HOSTS


def is_loopback(address: str) -> bool:
    """Whether an IP address is a loopback address, also when IPv4 is written as IPv6."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback


def _is_local(name: str) -> bool:
    if name in ("localhost", "127.0.0.1", "[::1]") or name.endswith(".localhost"):
        return True
    try:
        return name.startswith("127.") and IPv4Address(name).is_loopback
    except ValueError:  # 127.0.0.1.example.com
        return False


def _means_loopback(host: str) -> bool:
    """Whether a gateway that listens on this host listens on a loopback address."""
    try:  # resolved as it will be to listen: 127.1 and names in /etc/hosts count
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return _is_local(host.lower())
    return any(is_loopback(str(address[0])) for *_, address in found)


def _allowed(text: str) -> _Allowed:
    name, _, port = text.removeprefix("*.").partition(":")
    return _Allowed(name.removesuffix("."), int(port) if port else None, text.startswith("*."))


def _host_refused(text: str) -> GatewayError:
    host = read_host(text)
    named = "of this name" if host is None else f"{host.name!r}"
    return GatewayError(
        HOST_NOT_ALLOWED,
        f"This gateway does not answer for the host {named}: it listens on this machine alone and has no key. Ask "
        "localhost instead, add the name to GPT2GIGA_HOSTS, or set GPT2GIGA_API_KEY.",
        detail="a malformed Host" if host is None else host.name,
    )


def _origin_refused(origin: str) -> GatewayError:
    match = _WEB_ORIGIN.fullmatch(origin.lower())
    known = origin == "null" or (match and read_host(match[1]))
    return GatewayError(
        ORIGIN_NOT_ALLOWED,
        f"Web pages of the origin {origin if known else 'that was sent'} may not ask this gateway, which has no key. "
        "The operator lists origins in GPT2GIGA_CORS_ORIGINS, or sets GPT2GIGA_API_KEY.",
        detail=origin if known else "a malformed Origin",
    )
