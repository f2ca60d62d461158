"""Masks values of settings before they are logged: users put secrets into the wrong variable, and logs are shared.

A fault quotes only a short word or a small number. A setting's value is logged only if it consists of words and small
numbers. A name that looks like a key is refused before it becomes a metric's label, a host or a directory.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

MASK = "set"

_HEXADECIMAL = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32}", re.IGNORECASE)
_RUN = re.compile(r"[A-Za-z0-9]{24,}")
# A change from letter to digit, digit to letter, or lower case to upper case. Names have few of them, keys have many.
_SWITCH = re.compile(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])|(?<=[a-z])(?=[A-Z])")
_MOST_SWITCHES = 5
_LONGEST_NAME = 100
_LONGEST_RUN = 40
# A word with a number behind it (`gateway1`), a number with a unit (`70b`, `4o`), or a short code (`A22B`).
_WORD = re.compile(r"[A-Za-z]{1,20}\d{0,4}|\d{1,8}[A-Za-z]{0,3}|[A-Za-z]\d{1,3}[A-Za-z]|gpt2giga")
_SHORT = re.compile(r"[a-z]{1,6}|-?\d{1,5}")
_VARIABLE = re.compile(r"(GIGACHAT|GPT2GIGA)(_[A-Z?]{1,16}\d?)+")


def looks_like_key(value: str) -> bool:
    """Whether the value looks like a key or token: a UUID, base64, hexadecimal digits, or a vendor's prefix."""
    if len(value) > _LONGEST_NAME or value.endswith("=") or value.startswith(("sk-", "eyJ")):
        return True
    if _HEXADECIMAL.search(value):
        return True
    return any(
        len(run) > _LONGEST_RUN or run.isdigit() or len(_SWITCH.findall(run)) > _MOST_SWITCHES
        for run in _RUN.findall(value)
    )


def describe_value(value: str) -> str:
    """A wrong value for an error message: quoted if it is a short word or number, else only its length."""
    return repr(value) if _SHORT.fullmatch(value) else f"a text of {len(value)} characters"


def consists_of_words(value: str) -> bool:
    """Whether the value consists of words and small numbers, with any separators."""
    pieces = [piece for piece in re.split(r"[^A-Za-z0-9]+", value) if piece]
    return value.isascii() and not looks_like_key(value) and all(map(_WORD.fullmatch, pieces))


def mask_value(value: object) -> object:
    """The value if it is no text, or a text that consists of words; else the mask."""
    if isinstance(value, tuple):
        return [mask_value(item) for item in value]
    if isinstance(value, Path):
        return str(value) if value.is_absolute() and consists_of_words(str(value)) else MASK
    if isinstance(value, str):
        return value if consists_of_words(value) else MASK
    return value


def mask_model(name: str) -> str:
    """The name if it looks like a GigaChat model; else the mask."""
    return name if name.lower().startswith(("giga", "embeddings")) and consists_of_words(name) else MASK


def mask_aliases(pairs: tuple[tuple[str, str], ...]) -> list[str]:
    """Pairs `pattern=model`, each side masked. A pattern is shown if it has a digit or ends in `*`, as models do."""
    return [f"{_mask_pattern(pattern)}={mask_model(model)}" for pattern, model in pairs]


def _mask_pattern(pattern: str) -> object:
    return mask_value(pattern) if re.search(r"\d|\*$", pattern) else MASK


def mask_host(host: str) -> str:
    """The host if it is an IP address or a full domain name; else the mask."""
    try:
        ip_address(host)
    except ValueError:
        is_full_name = host == "localhost" or "." in host or ":" in host
        return host if is_full_name and consists_of_words(host) else MASK
    return host


def mask_hosts(hosts: tuple[str, ...]) -> list[str]:
    """Hosts, or browser origins, each masked."""
    return [host if host == "*" else mask_host(host) for host in hosts]


def mask_scope(scope: str) -> str:
    """The scope if it looks like one of GigaChat's; else the mask."""
    return scope if scope.startswith("GIGACHAT_API_") and consists_of_words(scope) else MASK


def mask_url(url: str) -> str:
    """The URL with its host and path masked where they may hold a secret."""
    parts = urlsplit(url)
    host = mask_host(parts.hostname or "")
    port = f":{parts.port}" if parts.port else ""
    path = parts.path if consists_of_words(parts.path) else f"/{MASK}"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}{path}"


def mask_variable(name: str) -> str | None:
    """The name of an unknown variable if it consists of words; None if it may hold a key."""
    name = name.encode(errors="replace").decode()
    return name if _VARIABLE.fullmatch(name) and len(name) <= _LONGEST_NAME else None
