"""Which URLs files are fetched from: a stranger's text becomes a URL that says one thing only, or it is refused.

Source: RFC 3986, the WHATWG's URL standard, and the ways in which parsers disagree about both. What a name resolves to
is not judged here but where the connection is made.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import AddressValueError, IPv6Address
from typing import NamedTuple
from urllib.parse import urlsplit

from yarl import URL

from app.media.failure import MediaError

# Browsers and servers alike stop at about 8 KB; signed URLs of clouds stay below 2 KB.
MAX_URL_CHARACTERS = 8192

_PORTS = (80, 443)
# Parsers disagree about these, and a line end would begin a header of the stranger's own.
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")
# As a name stands in DNS, RFC 1123; underscores are not allowed there, and used.
_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.ASCII)
_MAX_NAME = 253
# A name that can be shown: its last label begins with a letter, so that it is no address in any spelling.
_SHOWN = re.compile(r"(?:[^.]+\.)*[a-z][a-z0-9-]*", re.ASCII)


class _Host(NamedTuple):
    """One host that files are fetched from: `any_below` for `*.name`; no port means the two usual ones."""

    name: str
    port: int | None
    any_below: bool

    def takes(self, name: str, port: int) -> bool:
        """Whether a URL's host and port are meant."""
        named = name.endswith(f".{self.name}") if self.any_below else name == self.name
        return named and (port == self.port if self.port else port in _PORTS)


class Places:
    """The rules for URLs. `hosts`: where files are fetched from, "name", "*.name", "name:port"; empty: anywhere.

    Raises ValueError for a host that is none.
    """

    def __init__(self, hosts: Collection[str] = ()) -> None:
        self._hosts = tuple(_host(host) for host in hosts)

    def url(self, text: str) -> URL:
        """The URL to ask for. Raises MediaError ("download")."""
        text = text.strip()
        if len(text) > MAX_URL_CHARACTERS:
            raise _refused(f"it is longer than {MAX_URL_CHARACTERS} characters")
        if _FORBIDDEN.search(text):
            raise _refused("it contains spaces, control characters or backslashes")
        try:
            url = URL(text)
            authority = urlsplit(text).netloc
        except ValueError:
            raise _refused("it is not valid") from None
        if url.scheme not in ("http", "https"):
            raise _refused("only http and https are fetched")
        if "@" in authority or url.raw_user is not None or url.raw_password is not None:
            raise _refused("it contains a user name or a password")
        name, port = _name(url.raw_host), url.port or 0
        if ("[" in authority) != (":" in name):  # brackets around what is no IPv6 address
            raise _refused("its host is not valid")
        if self._hosts:
            if not any(host.takes(name, port) for host in self._hosts):
                raise _refused("files are fetched from certain hosts only, and this is none of them")
        elif port not in _PORTS:
            raise _refused("only ports 80 and 443 are fetched from")
        return _exact(url, text, name, port)


def shown(url: URL) -> str:
    """A URL in an error: its host's name; an address is not repeated."""
    name = url.raw_host or ""
    return name if _SHOWN.fullmatch(name) else "this address"


def _host(text: str) -> _Host:
    text = text.strip().lower()
    any_below = text.startswith("*.")
    url = URL(f"http://{text.removeprefix('*.')}")
    if url.path not in ("", "/") or url.query_string or url.raw_user is not None:
        raise ValueError(f"not a host: {text}")
    try:
        return _Host(_name(url.raw_host), url.explicit_port, any_below)
    except MediaError:
        raise ValueError(f"not a host: {text}") from None


def _name(host: str | None) -> str:
    """A host as names are compared: lower case, ASCII, without the root's dot. Raises MediaError."""
    name = (host or "").lower()
    if ":" in name:
        try:
            return str(IPv6Address(name if "%" not in name else ""))
        except AddressValueError:
            raise _refused("its host is not valid") from None
    name = name.removesuffix(".")
    if len(name) > _MAX_NAME or not _NAME.fullmatch(name):
        raise _refused("its host is not valid")
    return name


def _exact(url: URL, text: str, name: str, port: int) -> URL:
    """The URL put together anew from what was judged; path and query as they were written, since they may be signed."""
    path, query = url.raw_path, url.raw_query_string
    if text.isascii():
        parts = urlsplit(text)
        path, query = parts.path or "/", parts.query
    host = f"[{name}]" if ":" in name else name
    return URL.build(scheme=url.scheme, host=host, port=port, path=path, query_string=query, encoded=True)


def _refused(why: str) -> MediaError:
    return MediaError("download", f"The file's URL can't be used: {why}.")
