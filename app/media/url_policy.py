"""Decides which URLs files may be downloaded from. A URL that parsers may understand differently is refused.

The addresses of a host name are checked when the connection is made, in `resolvers`.
Source: RFC 3986, the WHATWG's URL standard, and known differences between parsers.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import AddressValueError, IPv6Address
from typing import NamedTuple
from urllib.parse import urlsplit

from yarl import URL

from app.media.failure import MediaError

# Browsers and servers accept about 8 KB. Signed URLs of cloud storage have less than 2 KB.
MAX_URL_CHARACTERS = 8192

# The default ports of http and https: the only ones that need not be listed.
PORTS = (80, 443)
# Parsers treat these differently, and a line break could add a header to the request.
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")
# A host name, RFC 1123. Underscores are not allowed there, but they are used.
_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.ASCII)
_MAX_NAME_LENGTH = 253
# A name that may be shown to the client: its last label begins with a letter, so it cannot be an IP address.
_SHOWABLE_NAME = re.compile(r"(?:[^.]+\.)*[a-z][a-z0-9-]*", re.ASCII)


class _HostPattern(NamedTuple):
    """An allowed host. `any_below`: the pattern is `*.name`. Without a port, ports 80 and 443 are allowed."""

    name: str
    port: int | None
    any_below: bool

    def matches(self, name: str, port: int, unlisted: Collection[int]) -> bool:
        """Whether a URL's host and port are allowed. `unlisted`: the ports that a pattern without a port allows."""
        is_named = name.endswith(f".{self.name}") if self.any_below else name == self.name
        is_port = port == self.port if self.port else port in unlisted
        return is_named and is_port


class UrlPolicy:
    """The rules for URLs. `hosts`: the allowed hosts as "name", "*.name" or "name:port"; empty means all hosts.

    `ports`: the allowed ports of hosts that are listed without one.

    Raises ValueError for an invalid host.
    """

    def __init__(self, hosts: Collection[str] = (), ports: Collection[int] = PORTS) -> None:
        self._ports = ports
        self._hosts = tuple(_parse_host(host) for host in hosts)

    def parse(self, text: str) -> URL:
        """Parse and check a URL. Raises MediaError ("download")."""
        text = text.strip()
        if len(text) > MAX_URL_CHARACTERS:
            raise _build_refusal(f"it is longer than {MAX_URL_CHARACTERS} characters")
        if _FORBIDDEN.search(text):
            raise _build_refusal("it contains spaces, control characters or backslashes")
        try:
            url = URL(text)
            authority = urlsplit(text).netloc
        except ValueError:
            raise _build_refusal("it is not valid") from None
        if url.scheme not in ("http", "https"):
            raise _build_refusal("only http and https are fetched")
        if "@" in authority or url.raw_user is not None or url.raw_password is not None:
            raise _build_refusal("it contains a user name or a password")
        name, port = _normalize_name(url.raw_host), url.port or 0
        if ("[" in authority) != (":" in name):  # only an IPv6 address has brackets
            raise _build_refusal("its host is not valid")
        if self._hosts:
            if not any(host.matches(name, port, self._ports) for host in self._hosts):
                raise _build_refusal("files are fetched from certain hosts only, and this is none of them")
        elif port not in self._ports:
            raise _build_refusal("only ports 80 and 443 are fetched from")
        return _rebuild(url, text, name, port)


def describe_url(url: URL) -> str:
    """The URL's host name for an error message. An IP address is not shown."""
    name = url.raw_host or ""
    return name if _SHOWABLE_NAME.fullmatch(name) else "this address"


def _parse_host(text: str) -> _HostPattern:
    text = text.strip().lower()
    any_below = text.startswith("*.")
    url = URL(f"http://{text.removeprefix('*.')}")
    if url.path not in ("", "/") or url.query_string or url.raw_user is not None:
        raise ValueError(f"not a host: {text}")
    try:
        return _HostPattern(_normalize_name(url.raw_host), url.explicit_port, any_below)
    except MediaError:
        raise ValueError(f"not a host: {text}") from None


def _normalize_name(host: str | None) -> str:
    """A host name in lower case without its final dot, or an IPv6 address in its usual form. Raises MediaError."""
    name = (host or "").lower()
    if ":" in name:
        try:
            return str(IPv6Address(name if "%" not in name else ""))
        except AddressValueError:
            raise _build_refusal("its host is not valid") from None
    name = name.removesuffix(".")
    if len(name) > _MAX_NAME_LENGTH or not _NAME.fullmatch(name):
        raise _build_refusal("its host is not valid")
    return name


def _rebuild(url: URL, text: str, name: str, port: int) -> URL:
    """Build the URL from the checked parts. Path and query stay as they were written, because they may be signed."""
    path, query = url.raw_path, url.raw_query_string
    if text.isascii():
        parts = urlsplit(text)
        path, query = parts.path or "/", parts.query
    host = f"[{name}]" if ":" in name else name
    return URL.build(scheme=url.scheme, host=host, port=port, path=path, query_string=query, encoded=True)


def _build_refusal(why: str) -> MediaError:
    return MediaError("download", f"The file's URL can't be used: {why}.", f"the URL is refused: {why}")
