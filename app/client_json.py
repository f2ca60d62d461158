"""JSON for clients: the only place that writes it.

U+2028, U+2029 and U+0085 end a line for many readers of text (Python's `str.splitlines`, and with it `requests`), so
they go out as escapes, which any parser of JSON turns back. All else stays UTF-8. JSON without them is not copied:
ASCII is told by a flag, else their first bytes are searched for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

_dumps = orjson.dumps
_ESCAPES = {"\u2028": b"\\u2028", "\u2029": b"\\u2029", "\x85": b"\\u0085"}
# The first bytes in UTF-8 of U+2028 and U+2029, and of U+0085; others begin with them too, as dashes and quotes do.
_SEPARATOR, _NEXT_LINE = 0xE2, 0xC2


def dumps(value: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """A value as one line of compact JSON. `default` is as in orjson."""
    data = orjson.dumps(value, default)
    if data.isascii() or not (_SEPARATOR in data or _NEXT_LINE in data):
        return data
    return _escape(data) if _breaks_lines(data.decode()) else data


def dumps_text(text: str) -> bytes:
    """The same of a text, which is faster: the hot path of a stream."""
    data = _dumps(text)
    # as in `_breaks_lines`, since a call costs as much as all of it
    if text.isascii() or not ("\u2028" in text or "\u2029" in text or "\x85" in text):
        return data
    return _escape(data)


def _breaks_lines(text: str) -> bool:
    return "\u2028" in text or "\u2029" in text or "\x85" in text


def _escape(data: bytes) -> bytes:
    """JSON has these characters in strings only."""
    for character, escaped in _ESCAPES.items():
        data = data.replace(character.encode(), escaped)
    return data
