"""How a setting's text becomes a value: one small parser for each kind. A parser raises ValueError with the remedy."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_SCOPE = re.compile(r"[A-Z][A-Z0-9_]*")
_ORIGIN = re.compile(r"https?://(\[[0-9a-fA-F:.]+\]|[^\s/?#@:\[\]]+)(:\d{1,5})?", re.IGNORECASE)
_HOST = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?(:\d{1,5})?")
_VERSION = re.compile(r"(?<!/)/v\d+$")
_SIZE = re.compile(r"(\d+)\s*(|[KMG]i?B?)", re.IGNORECASE)
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


class Credential(NamedTuple):
    """An Authorization Key of GigaChat with the name that operators see and the scope it was issued for, if named."""

    alias: str
    key: str
    scope: str | None

    def __repr__(self) -> str:
        return f"Credential(alias={self.alias!r}, scope={self.scope!r})"


def text(value: str) -> str:
    """Any single line that may stand in an HTTP header."""
    if not value.isprintable() or not value.isascii():
        raise ValueError("holds a character that is not printable ASCII (a line break, a Cyrillic letter)")
    return value


def words(value: str) -> str:
    """Any text that UTF-8 can carry: an environment may hold bytes that are none."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("is not UTF-8") from None
    return value


def boolean(value: str) -> bool:
    """Yes or no, in the usual spellings."""
    word = value.lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError(f"{value!r} is neither true nor false")


def integer(value: str) -> int:
    """A whole number of 0 or more."""
    if not value.isascii() or not value.isdigit():
        raise ValueError(f"{value!r} is not a whole number of 0 or more")
    return int(value)


def port(value: str) -> int:
    """A TCP port; 0 lets the system choose."""
    number = integer(value)
    if number > 65535:
        raise ValueError(f"{number} is no port: 0 to 65535")
    return number


def size(value: str) -> int:
    """Bytes: a number, or a number with KiB, MiB, GiB."""
    match = _SIZE.fullmatch(value)
    if match is None or int(match[1]) == 0:
        raise ValueError(f"{value!r} is not a size in bytes (64MiB and 67108864 are)")
    return int(match[1]) * _UNITS[match[2][:1].lower()]


def seconds(value: str) -> float:
    """A time of 0 or more seconds."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise ValueError(f"{value!r} is not a number of seconds, 0 or more")
    return number


def positive(value: str) -> float:
    """A time of more than 0 seconds."""
    number = seconds(value)
    if number == 0:
        raise ValueError("must be more than 0 seconds")
    return number


def share(value: str) -> float:
    """A part of a whole, 0 to 1."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 <= number <= 1:
        raise ValueError(f"{value!r} is not a number from 0 to 1")
    return number


def choice(*words: str) -> Callable[[str], str]:
    """One of a few words."""

    def parse(value: str) -> str:
        if value.lower() not in words:
            raise ValueError(f"{value!r} is none of {', '.join(words)}")
        return value.lower()

    return parse


def url(value: str) -> str:
    """An http(s) URL without a user and password: nobody would use them, and they would show."""
    address = login_url(value)
    if "@" in urlsplit(address).netloc:
        raise ValueError("must not hold a user and password")
    return address


def login_url(value: str) -> str:
    """An http(s) URL, with or without a user and password."""
    try:  # urlsplit quotes what it does not like, and that may be a password
        parts = urlsplit(text(value))
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and " " not in value
    except ValueError:
        good = False
    if not good:
        raise ValueError("is not an http(s) URL with a host, in printable ASCII")
    return value.rstrip("/")


def base_url(value: str) -> str:
    """GigaChat's base URL, with or without the contract's version: the version is cut, the client adds its own."""
    return _VERSION.sub("", url(value))


def home(value: str) -> Path:
    """A path, with `~` made a directory."""
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError("begins with the home of a user who has none") from None


def existing_file(value: str) -> Path:
    """A file that can be read."""
    path = home(value)
    try:
        with path.open("rb"):
            return path
    except OSError as fault:
        raise ValueError(f"cannot be read: {fault.strerror}: {path}") from None


def directory(value: str) -> Path:
    """A directory, made when it is not there."""
    path = home(value)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise ValueError(f"is not a directory that can be made: {fault.strerror}: {path}") from None
    return path


def origins(value: str) -> tuple[str, ...]:
    """Origins of browsers, comma-separated, or `*` alone."""
    found = tuple(item.strip().rstrip("/") for item in text(value).split(",") if item.strip())
    for origin in found:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin!r} is no origin: scheme://host[:port], or * alone")
    if "*" in found and len(found) > 1:
        raise ValueError("* stands alone or not at all")
    return found


def off_or_text(value: str) -> str:
    """A word, or nothing where it says `off`."""
    return "" if value.lower() == "off" else text(value)


def hosts(value: str) -> tuple[str, ...]:
    """Hosts, comma-separated: `name`, `name:port`, `*.name`."""
    found = tuple(item.strip().lower() for item in text(value).split(",") if item.strip())
    for host in found:
        if not _HOST.fullmatch(host):
            raise ValueError(f"{host!r} is no host: files.example.com, files.example.com:8443 or *.example.com")
    return found


def aliases(value: str) -> tuple[tuple[str, str], ...]:
    """Pairs `pattern=model`; a pattern is a name or ends in `*`."""
    pairs = []
    for item in filter(None, (part.strip() for part in text(value).split(","))):
        pattern, equals, model = (word.strip() for word in item.partition("="))
        if not (equals and pattern and model) or "*" in pattern[:-1]:
            raise ValueError(f"{item!r} is no alias: name=model or family-*=model")
        pairs.append((pattern, model))
    return tuple(pairs)


def credentials(value: str) -> tuple[Credential, ...]:
    """Keys, comma-separated: `key`, `alias=key`, `alias=key@scope`; unnamed ones are `default`, `key2`, `key3`, ...

    A key is base64 and may end in `=`: what stands before the first `=` is an alias only if an `=` is left when
    trailing ones are cut. No part of a key is ever repeated in a fault.
    """
    found: list[Credential] = []
    for number, item in enumerate(filter(None, (part.strip() for part in value.split(","))), start=1):
        body, at, scope = item.partition("@")
        alias, key = "default" if number == 1 else f"key{number}", body
        if "=" in body.rstrip("="):
            alias, _, key = body.partition("=")
        if not key or any(char.isspace() or not char.isprintable() for char in key) or not key.isascii():
            raise ValueError(f"credential {number} holds no key, or one with spaces or non-ASCII letters in it")
        if not _ALIAS.fullmatch(alias):
            raise ValueError(f"the alias of credential {number} may hold Latin letters, digits, '_', '.', '-' only")
        if at and not _SCOPE.fullmatch(scope):
            raise ValueError(f"the scope of credential {number} is no scope (GIGACHAT_API_PERS, _B2B, _CORP)")
        if alias in {other.alias for other in found}:
            raise ValueError(f"two credentials bear the alias {alias!r}")
        found.append(Credential(alias, key, scope or None))
    return tuple(found)
