"""GigaChat's Authorization Keys, as GIGACHAT_CREDENTIALS holds them, and what people write there instead.

Source: docs/gigachat-api.md, "Authorization": a key is base64 of `client id:secret`, both UUIDs; an access token is a
JWE, which begins with `ey`. No message quotes a part of what was given.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from app import settings
from app.redaction import looks_like_key

_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_PREFIX = re.compile(r"(?:authorization\s*:\s*)?basic\s+", re.IGNORECASE)  # of the header that the key stands in
_QUOTES = "\"'`«»“”„‘’"
_UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_TOKEN = re.compile(r"(?:authorization\s*:\s*)?bearer\s.*|ey[\w.-]*\..*|ey[\w-]{60,}.*", re.IGNORECASE | re.DOTALL)
_ID = re.compile(_UUID, re.IGNORECASE)
_PAIR = re.compile(rf"{_UUID}\s*:.*|[^\s:/]+:[^\s:/]+", re.IGNORECASE)
_PLACEHOLDER = re.compile(
    r"[<\[{(].*[>\]})]"
    r"|\$.*"
    r"|[.…*_?-]+"
    r"|(.)\1{2,}"  # xxx
    r"|(?:change|replace|fill|put|insert|paste|enter)[_ -]?(?:me|it|this|here|in|your|the|key)\b.*"
    r"|changeme.*"
    r"|(?:your|my|the)[_ -].*"
    r"|.*(?:[_ -]here|placeholder)"
    r"|(?:ваш|вставь|укажи|ключ)\w*\b.*"
    r"|todo|tbd|none|null|undefined|example|dummy"
    r"|(?:gigachat[_ -])?(?:authorization|auth|api)[_ -]?key|(?:gigachat[_ -])?credentials",
    re.IGNORECASE | re.DOTALL,
)
_WANTED = "the Authorization Key, as the personal account shows it (developers.sber.ru, the project's settings)"
_ENCODE = "`printf %s 'client id:client secret' | base64 -w 0`"
# What it is instead of a key, and what to do; the first form that fits counts.
_MISTAKES: tuple[tuple[re.Pattern[str], str], ...] = (
    (_PLACEHOLDER, f"is a placeholder: put in {_WANTED}"),
    (_TOKEN, f"is an access token, not a key: set it as GIGACHAT_ACCESS_TOKEN, and put here {_WANTED}"),
    (_ID, f"is a client id or a client secret alone: put in {_WANTED}; it is base64 of `client id:client secret`"),
    (
        _PAIR,
        f"is `client id:client secret` in the clear: put in {_WANTED}, or what {_ENCODE} prints",
    ),
)


class Credential(NamedTuple):
    """A GigaChat Authorization Key. Operators see `alias`; `scope` is None unless the setting names it."""

    alias: str
    key: str
    scope: str | None

    def __repr__(self) -> str:
        return f"Credential(alias={self.alias!r}, scope={self.scope!r})"


def parse(value: str) -> tuple[Credential, ...]:
    """Comma-separated keys, each as `key`, `alias=key` or `alias=key@scope`. The default aliases are default, key2, ...

    Raises ValueError, which says by number which one is wrong, and what it is instead.
    """
    items: list[Credential] = []
    for number, item in enumerate(filter(None, (part.strip() for part in value.split(","))), start=1):
        credential = _read_one(item, number)
        if credential.alias in {other.alias for other in items}:
            raise ValueError(f"credential {number} bears the alias of one before it: give each another")
        items.append(credential)
    return tuple(items)


def _read_one(item: str, number: int) -> Credential:
    """One entry. What stands before the first `=` is an alias only if an `=` is left without those at the end."""
    if item[0] in _QUOTES or item[-1] in _QUOTES:
        raise ValueError(f"credential {number} stands in quotes: leave them out")
    body, at, scope = _PREFIX.sub("", item, count=1).partition("@")
    alias, key = "default" if number == 1 else f"key{number}", body
    if "=" in body.rstrip("="):
        alias, _, key = body.partition("=")
    _refuse_mistake(key.strip(), number)
    if not key or any(char.isspace() or not char.isprintable() for char in key) or not key.isascii():
        raise ValueError(f"credential {number} holds no key, or one with spaces or non-ASCII letters in it")
    if not _ALIAS.fullmatch(alias) or looks_like_key(alias):
        raise ValueError(f"the alias of credential {number} may hold Latin letters, digits, '_', '.', '-' only")
    if at:
        _check_scope(scope, number)
    return Credential(alias, key, scope or None)


def _refuse_mistake(key: str, number: int) -> None:
    if key and (key[0] in _QUOTES or key[-1] in _QUOTES):
        raise ValueError(f"credential {number} stands in quotes: leave them out")
    for form, what in _MISTAKES:
        if form.fullmatch(key):
            raise ValueError(f"credential {number} {what}")


def _check_scope(scope: str, number: int) -> None:
    try:
        settings.scope(scope)
    except ValueError as fault:
        raise ValueError(f"the scope of credential {number} {fault}") from None
