"""Parsers of settings: each turns a variable's text into the kind of value it is named after, or raises ValueError."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from app.redaction import MASK, describe_value, looks_like_key, mask_value

_SCOPE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
# URL schemes of desktop and mobile programs that show their own pages. No page from the web can have them.
APP_SCHEMES = ("app", "tauri", "capacitor", "vscode-webview", "chrome-extension", "moz-extension")
_ORIGIN = re.compile(
    rf"(https?|{'|'.join(APP_SCHEMES)})://" + r"(\[[0-9a-f:.]+\]|[^\s/?#@:\[\]]+)(:\d{1,5})?",
    re.IGNORECASE,
)
_HOST = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?(:\d{1,5})?")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LONGEST_HOST = 254
_VERSION = re.compile(r"(?<!/)/v\d+$")
_SIZE = re.compile(r"(\d+)\s*(|[KMG]i?B?)", re.IGNORECASE)
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def text(value: str) -> str:
    """A single line of printable ASCII, as an HTTP header may hold."""
    if not value.isprintable() or not value.isascii():
        raise ValueError("holds a character that is not printable ASCII (a line break, a Cyrillic letter)")
    return value


def any_text(value: str) -> str:
    """Any valid Unicode text. Variables of the environment may hold bytes that are not UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("is not UTF-8") from None
    return value


def boolean(value: str) -> bool:
    """True or false, in the usual spellings."""
    word = value.lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError(f"{describe_value(value)} is neither true nor false")


def integer(value: str) -> int:
    """A whole number of 0 or more."""
    if not value.isascii() or not value.isdigit():
        raise ValueError(f"{describe_value(value)} is not a whole number of 0 or more")
    return int(value)


def count(value: str) -> int:
    """A whole number of 1 or more."""
    number = integer(value)
    if number == 0:
        raise ValueError("must be 1 or more")
    return number


def port(value: str) -> int:
    """A TCP port. 0 means that the system chooses one."""
    number = integer(value)
    if number > 65535:
        raise ValueError(f"{describe_value(value)} is no port: 0 to 65535")
    return number


def size(value: str) -> int:
    """A size in bytes: a number, with or without the unit KiB, MiB or GiB."""
    match = _SIZE.fullmatch(value)
    if match is None or int(match[1]) == 0:
        raise ValueError(f"{describe_value(value)} is not a size in bytes (64MiB and 67108864 are)")
    return int(match[1]) * _UNITS[match[2][:1].lower()]


def seconds(value: str) -> float:
    """A time of 0 or more seconds."""
    number = _parse_float(value)
    if not 0 <= number < math.inf:
        raise ValueError(f"{describe_value(value)} is not a number of seconds, 0 or more")
    return number


def positive_seconds(value: str) -> float:
    """A time of more than 0 seconds."""
    number = seconds(value)
    if number == 0:
        raise ValueError("must be more than 0 seconds")
    return number


def fraction(value: str) -> float:
    """A number from 0 to 1."""
    number = _parse_float(value)
    if not 0 <= number <= 1:
        raise ValueError(f"{describe_value(value)} is not a number from 0 to 1")
    return number


def _parse_float(value: str) -> float:
    """The number; NaN if the text is no number."""
    try:
        return float(value)
    except ValueError:
        return math.nan


def choice(*words: str) -> Callable[[str], str]:
    """One of a few words."""

    def parse(value: str) -> str:
        if value.lower() not in words:
            raise ValueError(f"{describe_value(value)} is none of {', '.join(words)}")
        return value.lower()

    return parse


def url(value: str) -> str:
    """An http(s) URL without user, password, query and fragment. They would have no effect, and would be logged."""
    address = login_url(value)
    if "@" in urlsplit(address).netloc:
        raise ValueError("must not hold a user and password")
    if set("?#") & set(address):
        raise ValueError("must not hold a query or a fragment (? or #)")
    return address


def login_url(value: str) -> str:
    """An http(s) URL with a usable host. It may hold a user and a password."""
    try:
        is_valid = " " not in text(value) and _is_usable_url(urlsplit(value))
    except ValueError:  # its text is not passed on: urlsplit quotes the URL, which may hold a password
        is_valid = False
    if not is_valid:
        wanted = "is not an http(s) URL with a host, in printable ASCII"
        raise ValueError(wanted if "://" in value else f"{wanted}: write http:// or https:// in front")
    return value.rstrip("/")


def _is_usable_url(parts: SplitResult) -> bool:
    """Whether the HTTP client can send a request to this URL. Raises ValueError for some of those that it cannot."""
    is_http = parts.scheme in {"http", "https"} and parts.port != 0 and not parts.netloc.endswith(":")
    return is_http and _is_usable_host(parts.hostname or "", bracketed="[" in parts.netloc.rpartition("@")[2])


def _is_usable_host(host: str, *, bracketed: bool) -> bool:
    """Whether the HTTP client resolves this host or connects to it. Raises ValueError for a wrong address."""
    if bracketed:
        return bool(IPv6Address(host)) and "%" not in host
    labels = host.removesuffix(".").split(".")
    if labels[-1].isdigit():  # the HTTP client takes such a name for an IPv4 address
        return bool(IPv4Address(host))
    return len(host) <= _LONGEST_HOST and all(map(_LABEL.fullmatch, labels))


def base_url(value: str) -> str:
    """GigaChat's base URL. A version at its end (`/v1`) is removed: the upstream client adds it."""
    return _VERSION.sub("", url(value))


def expand_home(value: str) -> Path:
    """A path, with `~` expanded."""
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError("begins with the home of a user who has none") from None


def existing_file(value: str) -> Path:
    """The path of a file that can be read."""
    path = expand_home(value)
    try:
        with path.open("rb"):
            return path
    except OSError as fault:
        raise ValueError(f"cannot be read: {fault.strerror}{_describe_path(path)}") from None


def directory(value: str) -> Path:
    """The path of a directory, which is created if it does not exist."""
    if looks_like_key(value):
        raise ValueError("looks like a key, not like a directory")
    path = expand_home(value)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise ValueError(f"is not a directory that can be made: {fault.strerror}{_describe_path(path)}") from None
    return path


def _describe_path(path: Path) -> str:
    """A path for the end of an error message; empty if the path may be a secret."""
    return "" if mask_value(path) == MASK else f": {path}"


def origins(value: str) -> tuple[str, ...]:
    """Origins of web pages and of programs (`APP_SCHEMES`), comma-separated, or `*` alone."""
    entries = (item.strip().rstrip("/") for item in text(value).split(",") if item.strip())
    # Browsers send http(s) origins in lower case, and origins of other schemes as the program spells them.
    items = tuple(item.lower() if item[:4].lower() == "http" else item for item in entries)
    for number, origin in enumerate(items, start=1):
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise ValueError(f"item {number} is no origin: scheme://host[:port], or * alone")
    if "*" in items and len(items) > 1:
        raise ValueError("* stands alone or not at all")
    return items


def model(value: str) -> str:
    """A model's name."""
    if looks_like_key(text(value)):
        raise ValueError("looks like a key, not like a model's name")
    return value


def model_or_off(value: str) -> str:
    """A model's name; empty for `off`."""
    return "" if value.lower() == "off" else model(value)


def scope(value: str) -> str:
    """A GigaChat scope."""
    if not _SCOPE.fullmatch(value) or looks_like_key(value):
        raise ValueError("is no scope (GIGACHAT_API_PERS, _B2B, _CORP)")
    return value


def host(value: str) -> str:
    """A host name or address to listen on."""
    if looks_like_key(text(value)) or set("/@=?# ") & set(value):
        raise ValueError("is no host: a name or an address, without a port")
    return value


def hosts(value: str) -> tuple[str, ...]:
    """Comma-separated hosts, each as `name`, `name:port` or `*.name`."""
    items = tuple(item.strip().lower() for item in text(value).split(",") if item.strip())
    for number, item in enumerate(items, start=1):
        if not _HOST.fullmatch(item) or looks_like_key(item):
            raise ValueError(f"item {number} is no host: files.example.com, files.example.com:8443 or *.example.com")
    return items


def aliases(value: str) -> tuple[tuple[str, str], ...]:
    """Comma-separated pairs `pattern=model`. A pattern is a model's name or ends in `*`."""
    pairs = []
    for number, item in enumerate(filter(None, (part.strip() for part in text(value).split(","))), start=1):
        pattern, equals, model = (word.strip() for word in item.partition("="))
        if not (equals and pattern and model) or "*" in pattern[:-1] or any(map(looks_like_key, (pattern, model))):
            raise ValueError(f"item {number} is no alias: name=model or family-*=model")
        pairs.append((pattern, model))
    return tuple(pairs)
