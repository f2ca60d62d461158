"""What JSON a format wants, and whether a whole text is that JSON, holds it, or is another thing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from app.translate.dialogue import Format
from app.translate.json_extraction import JsonExtractor
from app.translate.schemas.enum_values import allowed_values
from app.translate.schemas.reference_targets import ReferenceTargets
from app.translate.schemas.schema_types import TYPES, declared_types, guess_type, type_of_value

# `json`: the wanted value; `broken`: it was meant to be one, but is cut off, of another kind, or empty; `prose`: words.
Verdict = Literal["json", "broken", "prose"]
_KINDS = TYPES | {"null"}
_ANY = frozenset({"object", "array"})
_MAX_SCHEMAS = 64  # that are looked at for a root
_MAX_CANDIDATES = 32  # JSON in one text that is looked at
_MAX_UNFINISHED = 3  # beginnings of JSON in one text that come to no end: each is read to the text's end
_MAX_LAYERS = 2  # JSON in a string, and that once more
_LANGUAGE = re.compile(r"[\w+-]{0,32}(?=\s)")


@dataclass(frozen=True, slots=True)
class WantedJson:
    """The root of a format's schema: its kinds in JSON Schema's words, and the names that an object must have."""

    kinds: frozenset[str]
    required: frozenset[str]

    @property
    def is_scalar(self) -> bool:
        """Whether the value may be neither an object nor an array, so that its first character does not tell it."""
        return not self.kinds <= _ANY

    def extractor(self) -> JsonExtractor:
        """What takes this JSON out of a text."""
        return JsonExtractor(objects="object" in self.kinds, arrays="array" in self.kinds)

    def takes(self, value: Any) -> bool:
        """Whether a value is of a wanted kind."""
        kind = type_of_value(value)
        return kind in self.kinds or (kind == "integer" and "number" in self.kinds)


ANY_OBJECT = WantedJson(frozenset({"object"}), frozenset())


def wanted_json(wanted: Format) -> WantedJson:
    """What a format wants: any object where it has no schema; an object or an array where its schema says nothing."""
    schema = wanted.schema
    if schema is None:
        return ANY_OBJECT
    roots = list(_list_roots(schema))
    kinds = {kind for root in roots for kind in _kinds_of(root)}
    required = [root["required"] for root in roots if isinstance(root.get("required"), list)]
    names = required[0] if len(required) == 1 and len(roots) == 1 else []
    return WantedJson(frozenset(kinds) or _ANY, frozenset(name for name in names if isinstance(name, str)))


def find_json(text: str, wanted: WantedJson) -> tuple[Verdict, str]:
    """What a whole text is, and the JSON of it: the text itself where it is all JSON, else what is taken out."""
    value, is_json = _parse(text)
    if is_json:
        return _unwrap(text, value, wanted)
    if wanted.is_scalar and (framed := _read_fence(text)):
        value, is_json = _parse(framed)
        if is_json and wanted.takes(value):
            return "json", framed
    guess = ""
    for piece, is_framed in _list_candidates(text, wanted):
        value, is_json = _parse(piece)
        if not (is_json and wanted.takes(value)):
            continue
        if not isinstance(value, dict) or wanted.required <= value.keys():
            return "json", piece
        if is_framed and not guess:
            guess = piece
    if guess:
        return "json", guess
    return ("broken" if _is_attempt(text) else "prose"), text


def _list_roots(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schemas that a root may be of: the targets of references, and the members of unions."""
    targets, left = ReferenceTargets(schema), _MAX_SCHEMAS
    waiting: list[Any] = [schema]
    while waiting and left:
        one, left = waiting.pop(), left - 1
        if not isinstance(one, dict):
            continue
        inner = [targets.find(one["$ref"])] if isinstance(one.get("$ref"), str) else []
        for key in ("anyOf", "oneOf", "allOf"):
            inner += one[key] if isinstance(one.get(key), list) else []
        if inner and not declared_types(one):
            waiting += inner
        else:
            yield one


def _kinds_of(root: dict[str, Any]) -> set[str]:
    """The kinds that a schema allows; empty where it does not say."""
    if types := _KINDS.intersection(declared_types(root)):
        return set(types)
    if values := allowed_values(root):
        return {type_of_value(value) for value in values}
    guess = guess_type(root)
    return {guess} if guess else set()


def _parse(text: str) -> tuple[Any, bool]:
    """The value of a text, and whether it is JSON."""
    try:
        return orjson.loads(text), True
    except ValueError:  # half characters too, which are no JSON error
        pass
    if "\\ud" not in text and "\\uD" not in text:
        return None, False
    try:  # escaped halves of surrogate pairs, which clients read and orjson refuses
        return json.loads(text, parse_constant=_refuse_constant), True
    except (ValueError, RecursionError):
        return None, False


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _unwrap(text: str, value: Any, wanted: WantedJson) -> tuple[Verdict, str]:
    """The verdict on a text that is JSON: of the wanted kind, or that in a string."""
    for _ in range(_MAX_LAYERS):
        if wanted.takes(value):
            return "json", text
        if not isinstance(value, str):
            break
        text = value
        value, is_json = _parse(text)
        if not is_json:
            break
    return "broken", text


def _read_fence(text: str) -> str:
    """What stands in a fence that is all of the text; empty where it is no fence."""
    text = text.strip("\ufeff \t\r\n")
    if not (text.startswith("```") and text.endswith("```")):
        return ""
    language = _LANGUAGE.match(text, 3)
    return text[language.end() if language else 3 : -3].strip()


def _list_candidates(text: str, wanted: WantedJson) -> Iterator[tuple[str, bool]]:
    """What in a text may be the JSON, and whether it stands at the start or in a fence."""
    at, left = 0, _MAX_UNFINISHED
    for _ in range(_MAX_CANDIDATES):
        if not left:
            return
        extractor = wanted.extractor()
        piece = extractor.feed(text[at:] if at else text)
        if not extractor.has_json:
            return
        if extractor.over:
            yield piece, extractor.is_framed and not at
            at += extractor.ended
        else:
            at, left = at + extractor.began + 1, left - 1


def _is_attempt(text: str) -> bool:
    """Whether a text that is not the wanted JSON begins as JSON would, or is empty."""
    extractor = JsonExtractor(objects=True, arrays=True)
    extractor.feed(text)
    return not text.strip("\ufeff \t\r\n") or (extractor.has_json and extractor.is_framed)
