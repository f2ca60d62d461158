"""A text that fits a regular expression: for the `pattern` of a schema, as far as it is simple.

The shortest text that takes every optional part once is tried, then the one that leaves them out; a pattern that
neither fits, or that Python can't read, gets None.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from re import _parser  # type: ignore[attr-defined] # untyped, but the library's only reader of patterns
from typing import Any

_CATEGORIES = {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " ", "CATEGORY_NOT_DIGIT": "a", "CATEGORY_NOT_WORD": "-"}
_PROBE = "a1 -_.Aя"  # one of these is what a negated set allows
_HALF = re.compile("[\ud800-\udfff]")  # half a character is no text
_MOST = 1_000  # repetitions, so that a pattern can't ask for a gigabyte


def example(pattern: str) -> str | None:
    """The text, or None."""
    try:
        with warnings.catch_warnings(action="ignore"):
            fits, parsed = re.compile(pattern), _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError):
        return None
    for optional in (1, 0):
        text = _sequence(parsed, optional)
        if fits.search(text) and not _HALF.search(text):
            return text
    return None


def _sequence(parts: Any, optional: int) -> str:
    return "".join(_part(str(name), value, optional) for name, value in parts)


def _part(name: str, value: Any, optional: int) -> str:
    write = _WRITERS.get(name)
    return write(value, optional) if write else ""


def _repeat(value: Any, optional: int) -> str:
    least, most, inner = value
    text: str = _sequence(inner, optional) * min(max(least, min(optional, most)), _MOST)
    return text[:_MOST]


def _one_of(value: Any, _: int) -> str:
    name, first = str(value[0][0]), value[0][1]
    if name == "NEGATE":
        taken = re.compile("|".join(re.escape(_one_of([one], 0)) for one in value[1:]))
        return next((letter for letter in _PROBE if not taken.fullmatch(letter)), "")
    if name == "RANGE":
        return chr(first[0])
    return chr(first) if name == "LITERAL" else _CATEGORIES.get(str(first), "a")


# what the library calls a part -> the text for it; anchors and looks around have none
_WRITERS: Mapping[str, Callable[[Any, int], str]] = {
    "LITERAL": lambda value, _: chr(value),
    "NOT_LITERAL": lambda value, _: "b" if value == ord("a") else "a",
    "ANY": lambda _, __: "a",
    "IN": _one_of,
    "MAX_REPEAT": _repeat,
    "MIN_REPEAT": _repeat,
    "POSSESSIVE_REPEAT": _repeat,
    "SUBPATTERN": lambda value, optional: _sequence(value[-1], optional),
    "ATOMIC_GROUP": _sequence,
    "BRANCH": lambda value, optional: _sequence(value[1][0], optional),
}
