"""Arguments of calls in a client's history, as an object.

They are JSON in a string, and what came of it on the way: models leave line ends raw, write a fence around it, or are
cut off; clients send the object itself, or nothing. A conversation must go on with all of that, so whatever is no
object keeps its words under `_raw`. As an argument they stay where they were: a call that was quoted as text would
teach the model to write its calls as text. Sources: OpenAI's API reference (chat, `tool_calls`); PHP writes `{}` as
`[]`; Python's `json` writes NaN.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from app.translate import big_integers
from app.translate.gigachat.surrogates import join_surrogates

RAW = "_raw"
REPAIRED, KEPT_RAW = "arguments.repaired", "arguments->_raw"  # the rules of notes

_LAYERS = 4  # of JSON in JSON
_FENCE, _FENCE_END = re.compile(r"```[\w+-]{0,32}(?=[\s{\"])"), "```"
# A text of JSON is skipped as a whole, one that does not end as well: a comma in it stays, and the search is linear.
_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*+(?:"|\Z))|,(?=\s*+[}\]])', re.DOTALL)
_NOTHING: tuple[Any, ...] = (None, [])
_DEEP = 200  # brackets from which on an object may be nested too deeply to be written
_LEVELS = 6  # of a payload, around arguments
_HALF = "\\ud"  # begins the escape of half a character


def read(given: Any) -> tuple[dict[str, Any], str | None]:
    """The object, and the rule of what was done to get it; None where it was one. Never fails."""
    if given in _NOTHING or (isinstance(given, str) and not given.strip()):
        return {}, None
    if isinstance(given, dict):
        return (given, None) if _is_writable(given) else ({RAW: _words(given)}, KEPT_RAW)
    if not isinstance(given, str):
        return {RAW: _words(given)}, KEPT_RAW
    try:
        found, rule = big_integers.loads(given), None
    except orjson.JSONDecodeError:
        found, rule = _read_leniently(given), REPAIRED
    if found in _NOTHING and rule is None:
        return {}, None
    for _ in range(_LAYERS):
        if isinstance(found, str):
            found, rule = _read_leniently(found), REPAIRED
    if not isinstance(found, dict):
        return {RAW: given}, KEPT_RAW
    if given.count("{") + given.count("[") >= _DEEP and not _is_writable(found):
        return {RAW: given}, KEPT_RAW
    return found, rule


def _read_leniently(text: str) -> Any:
    """The value of what models write for JSON; None for what is none."""
    text = text.strip("\ufeff \t\r\n")
    if text.endswith(_FENCE_END) and (fence := _FENCE.match(text)) is not None:
        text = text[fence.end() : -len(_FENCE_END)]
    text = _TRAILING_COMMA.sub(lambda found: found[1] or "", text)
    try:
        value = json.loads(text, strict=False, parse_constant=lambda _: None)
        if _HALF in text.lower():
            value = json.loads(join_surrogates(json.dumps(value, ensure_ascii=False)))
    except (ValueError, RecursionError):
        return None
    return value


def _is_writable(value: dict[str, Any]) -> bool:
    """Whether a payload can be written with it."""
    nested: Any = value
    for _ in range(_LEVELS):
        nested = [nested]
    try:
        orjson.dumps(nested)
    except orjson.JSONEncodeError as fault:
        return big_integers.is_of_long_number(fault) and bool(_words(value))
    return True


def write(value: Any) -> str:
    """Any value as compact JSON: what was sent in place of a text."""
    return _words(value) or "nested too deeply to be repeated"


def write_result(value: Any) -> str:
    """A function's result that is no text: an object stands under `result`, as all others will."""
    words = write(value)
    return f'{{"result":{words}}}' if isinstance(value, dict) else words


def _words(value: Any) -> str:
    """A value as compact JSON; empty where it is nested more deeply than can be written."""
    try:
        return big_integers.dumps(value).decode()
    except RecursionError:
        return ""
