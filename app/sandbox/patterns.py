"""Finds a text that matches a simple regular expression, for the `pattern` of a schema.

It tries the shortest text with each optional part once, then the one without optional parts. There is no text for a
pattern that neither matches, or that Python cannot parse.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from re import _parser  # type: ignore[attr-defined] # untyped, but the library's only reader of patterns
from typing import Any

_CATEGORIES = {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " ", "CATEGORY_NOT_DIGIT": "a", "CATEGORY_NOT_WORD": "-"}
_PROBE = "a1 -_.Aя"  # candidates for a negated set
_SURROGATE = re.compile("[\ud800-\udfff]")  # half of a surrogate pair, which UTF-8 cannot hold
_MAX_REPETITIONS = 1_000  # so that a pattern cannot produce a gigabyte


def find_example(pattern: str) -> str | None:
    """A text that matches the pattern; None if none was found."""
    try:
        with warnings.catch_warnings(action="ignore"):
            fits, parsed = re.compile(pattern), _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError):
        return None
    for optional in (1, 0):
        text = _write_sequence(parsed, optional)
        if fits.search(text) and not _SURROGATE.search(text):
            return text
    return None


def _write_sequence(parts: Any, optional: int) -> str:
    return "".join(_write_part(str(name), value, optional) for name, value in parts)


def _write_part(name: str, value: Any, optional: int) -> str:
    write = _WRITERS.get(name)
    return write(value, optional) if write else ""


def _write_repeat(value: Any, optional: int) -> str:
    least, most, inner = value
    text: str = _write_sequence(inner, optional) * min(max(least, min(optional, most)), _MAX_REPETITIONS)
    return text[:_MAX_REPETITIONS]


def _write_one_of(value: Any, _: int) -> str:
    name, first = str(value[0][0]), value[0][1]
    if name == "NEGATE":
        taken = re.compile("|".join(re.escape(_write_one_of([one], 0)) for one in value[1:]))
        return next((letter for letter in _PROBE if not taken.fullmatch(letter)), "")
    if name == "RANGE":
        return chr(first[0])
    return chr(first) if name == "LITERAL" else _CATEGORIES.get(str(first), "a")


# By the library's name of a part: the function that writes its text. Anchors and lookarounds have no text.
_WRITERS: Mapping[str, Callable[[Any, int], str]] = {
    "LITERAL": lambda value, _: chr(value),
    "NOT_LITERAL": lambda value, _: "b" if value == ord("a") else "a",
    "ANY": lambda _, __: "a",
    "IN": _write_one_of,
    "MAX_REPEAT": _write_repeat,
    "MIN_REPEAT": _write_repeat,
    "POSSESSIVE_REPEAT": _write_repeat,
    "SUBPATTERN": lambda value, optional: _write_sequence(value[-1], optional),
    "ATOMIC_GROUP": _write_sequence,
    "BRANCH": lambda value, optional: _write_sequence(value[1][0], optional),
}
