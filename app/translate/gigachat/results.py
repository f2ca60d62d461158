"""What a function gave, as GigaChat takes it: JSON inside a string, an object.

Source: docs/gigachat-api.md, "Function results": what is not JSON is a 422; other values are wrapped, as the official
LangChain package does it. What is JSON already stays word for word, but for escaped characters, which cost tokens.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from app.translate.dialogue import Media, Result

NO_RESULT = '{"error":"no result"}'
_ATTACHED = "see the attached file"  # a function message can't have one: it follows in a user message
_UNWRAPPED = 4  # layers of JSON in JSON
_NESTED = 1000  # brackets from which on one more may be too deep for a reader
_BLANKS = " \t\r\n"
_OPENS = frozenset('{["')  # how a string begins that is worth being unwrapped: "42" stays a string
_ESCAPE = re.compile(
    r"\\(?:u[dD]([89abAB][0-9a-fA-F]{2})\\u[dD]([c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|.)", re.DOTALL
)


def content(result: Result) -> str:
    """The content of a `function` message."""
    words = [part.text for part in result.parts if not isinstance(part, Media)]
    text = "\n".join(words if words or not result.parts else [_ATTACHED])
    return as_object(text, "error" if result.is_error else "result")


def as_object(text: str, key: str = "result") -> str:
    """An object stays; any other value, and a text, stands in one under `key`; JSON in a JSON string is unwrapped."""
    for _ in range(_UNWRAPPED):
        found = _json(text)
        if found is None:
            break
        value, told = found
        if isinstance(value, dict):
            return told
        if not isinstance(value, str) or value.lstrip(_BLANKS)[:1] not in _OPENS:
            return f'{{"{key}":{told}}}'
        text = value
    return orjson.dumps({key: text}).decode()


def _json(text: str) -> tuple[Any, str] | None:
    """The value and its text, with no needless escapes; None where it is no JSON that can be wrapped."""
    text = text.strip(_BLANKS)
    if "\\u" in text:
        text = _ESCAPE.sub(_unescaped, text)
    try:
        value = orjson.loads(text)
        if not isinstance(value, dict) and text.count("[") + text.count("{") >= _NESTED:
            orjson.loads(f"[{text}]")
    except orjson.JSONDecodeError:
        return None
    return value, text


def _unescaped(found: re.Match[str]) -> str:
    """The character that an escape of a JSON text stands for, unless it must stay escaped."""
    high, low, plain = found.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF))
    if not plain:
        return found[0]
    char = chr(int(plain, 16))
    if "\ud800" <= char <= "\udfff":
        return "\ufffd"  # half a character: no JSON reader takes it
    return found[0] if char < " " or char in '"\\\x7f' else char
