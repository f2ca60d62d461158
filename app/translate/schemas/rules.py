"""What becomes of a client's schema: one row for each repair, the bounds, and what each keyword must hold.

Sources: `gigachat-api` is GigaChat's v1 contract (functions 5.4, structured output 5.5) with its evidence tags: [LC]
and [G2G] are the vendor's own clients, which repair or refuse the same things before they ask, [JAVA] one
whose property has a type, a description, items, an enum of strings and properties only; [LIVE-K] is real calls.
`json-schema` is draft 2020-12 with draft-07; `openai` is OpenAI's guide to structured outputs, "Supported schemas".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.translate.dialogue import Note, NoteKind

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """A repair: what it does to the meaning, why it is made, and who says that it must be."""

    name: str
    kind: NoteKind
    reason: str
    source: str


_TABLE = (
    Rule("schema.ref", "equivalent", "functions know no $ref: the target is put in its place", "[G2G] [LC] 5.4"),
    Rule(
        "schema.cycle",
        "adapted",
        "a recursive $ref has no end: below NESTED levels arrays are empty and what may be left out is",
        "as schema.ref",
    ),
    Rule(
        "schema.size",
        "dropped",
        "references multiply: beyond the BUDGET there are plain types and objects",
        "openai limits properties as well",
    ),
    Rule("schema.depth", "dropped", "JSON writers end at 254 levels: below DEPTH there are plain objects", "orjson"),
    Rule("schema.unresolved", "dropped", "a $ref to nowhere or to a URL says nothing: a plain object", "json-schema"),
    Rule("schema.allof", "equivalent", "functions know no allOf: its parts are merged", "[G2G] 5.4: 422"),
    Rule(
        "schema.union",
        "adapted",
        "functions know no anyOf and oneOf: one schema has all branches' properties",
        "[LC] [G2G]",
    ),
    Rule(
        "schema.types",
        "adapted",
        "a property has one type: the widest of the list, the others in its description",
        "[JAVA]",
    ),
    Rule("schema.null", "adapted", "a value has one type: null can't be given in an array's items", "[G2G] 5.4"),
    Rule(
        "schema.optional",
        "equivalent",
        "null for a property: it may be left out instead, and null is put back where it was required",
        "[G2G] 5.4",
    ),
    Rule("schema.tuple", "adapted", "arrays have one kind of items: one schema for all places of a tuple", "[JAVA]"),
    Rule("schema.const", "equivalent", "a const is an enum of one value", "json-schema"),
    Rule(
        "schema.enum",
        "equivalent",
        "enums are of strings: values as JSON text, turned back in a call",
        "[G2G] 5.4: 422",
    ),
    Rule("schema.enum_of_objects", "dropped", "enums are of strings: objects and arrays have none", "[G2G] 5.4"),
    Rule(
        "schema.properties",
        "equivalent",
        "an object must have properties, and what has them is an object",
        "[G2G] 5.4: 422",
    ),
    Rule("schema.items", "adapted", "an array without items gets strings", "[G2G]"),
    Rule("schema.type", "equivalent", "a type must be told: the one that the keywords are about", "[G2G] 5.4: 422"),
    Rule("schema.any", "adapted", "a type must be told: a string where anything goes", "[G2G] 5.4: 422"),
    Rule(
        "schema.word",
        "equivalent",
        "types in other words or letters (INTEGER, float)",
        "json-schema; Gemini's and Python's",
    ),
    Rule(
        "schema.format", "equivalent", "only dates and times are known formats: others go into the description", "[G2G]"
    ),
    Rule("schema.condition", "adapted", "functions know no conditions: what they add is optional", "[JAVA]"),
    Rule("schema.not", "dropped", "functions know no negation", "[JAVA]"),
    Rule(
        "schema.absent", "equivalent", "null as a keyword's value is a field that a program left empty", "json-schema"
    ),
    Rule("schema.invalid", "dropped", "a keyword of the wrong type is no JSON Schema", "json-schema"),
    Rule("schema.empty", "equivalent", "an empty schema is refused: any object", "[LIVE-K] [GM] 5.5: 400"),
)
RULES: dict[str, Rule] = {rule.name: rule for rule in _TABLE}

# A schema costs 2 and its texts 1 for each 64 characters. What references may add to a document's own size, and a limit
# to both: 8,000 schemas, or 1 MB of text, more than a model's context holds.
BUDGET, LIMIT = 3_000, 16_000
REQUEST_BUDGET = 12_000  # what references may add to all schemas of a request: the work is done in the loop
DEPTH = 64  # schemas in each other; each is two levels of JSON at most, and orjson writes 254
NESTED = 3  # how often a target of $ref may stand inside itself
# Depth and nesting: what grows beyond the budget is tried again with less of them, since upper levels matter most.
TRIES = ((DEPTH, NESTED), (DEPTH, 2), (DEPTH, 1), (6, 1))
VALUE_DEPTH = 32  # levels of JSON in a default, an example or an unknown keyword

TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean"})
WORDS = {
    **{name: name for name in (*TYPES, "null")},
    **dict.fromkeys(("str", "text"), "string"),
    **dict.fromkeys(("int", "long"), "integer"),
    **dict.fromkeys(("float", "double"), "number"),
    **dict.fromkeys(("dict", "map"), "object"),
    **dict.fromkeys(("list", "tuple"), "array"),
    "bool": "boolean",
    "none": "null",
}
FORMATS = frozenset({"date", "date-time", "time"})

# Keywords that hold a schema, a map of schemas, a list of schemas.
ONE = ("items", "additionalProperties", "propertyNames", "contains", "unevaluatedProperties", "unevaluatedItems")
MAPS = ("properties", "patternProperties")
UNIONS = ("anyOf", "oneOf")
REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
DEFINITIONS = ("$defs", "definitions")


def text(value: Any) -> str:
    """A value of an enum as functions carry it: a string as it is, all else as compact JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def shallow(value: Any, left: int = VALUE_DEPTH) -> bool:
    """Whether a value that is no schema nests no deeper than can be written."""
    if isinstance(value, dict):
        return left > 0 and all(shallow(one, left - 1) for one in value.values())
    if isinstance(value, list):
        return left > 0 and all(shallow(one, left - 1) for one in value)
    return True


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    return type(value) in (int, float)


def _count(value: Any) -> bool:
    return _number(value) and value >= 0


def _boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _values(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and shallow(value)


def _types(value: Any) -> bool:
    words = value if isinstance(value, list) else [value]
    return all(isinstance(word, str) and word.lower() in WORDS for word in words)


def _schema(value: Any) -> bool:
    return isinstance(value, dict | bool)


def _schemas(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_schema(one) for one in value)


def _items(value: Any) -> bool:
    return _schema(value) or (isinstance(value, list) and all(_schema(one) for one in value))


def _map(value: Any) -> bool:
    return isinstance(value, dict) and all(_schema(one) for one in value.values())


def _object(value: Any) -> bool:
    return isinstance(value, dict)


KEYWORDS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("description", "title", "pattern", "format", "$schema", "$id", "$comment", *REFERENCES), _text),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), _number),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), _count),
    **dict.fromkeys(("uniqueItems", "nullable", "deprecated", "readOnly", "writeOnly"), _boolean),
    **dict.fromkeys((*ONE, "additionalItems", "not", "if", "then", "else"), _schema),
    **dict.fromkeys((*MAPS, *DEFINITIONS, "dependentSchemas"), _map),
    **dict.fromkeys((*UNIONS, "allOf"), _schemas),
    "dependencies": _object,
    "type": _types,
    "required": _texts,
    "enum": _values,
    "items": _items,
    "prefixItems": _items,
    "const": shallow,
}


class Absent:
    """Instead of a value: there is none."""


ABSENT = Absent()


def mended(key: str, value: Any) -> tuple[Any, str | None]:
    """A keyword's value as JSON Schema wants it, or ABSENT, and the rule that made it so."""
    if value is None and key in KEYWORDS and key != "const":
        return ABSENT, "schema.absent"
    if KEYWORDS.get(key, shallow)(value):
        return value, None
    if key in (*MAPS, *DEFINITIONS) and isinstance(value, dict):
        return {name: one if _schema(one) else {} for name, one in value.items()}, "schema.invalid"
    if key in MAPS and value == []:
        return {}, "schema.absent"  # an empty map as PHP writes it
    if key == "required" and isinstance(value, str | list):
        names = [value] if isinstance(value, str) else value
        return [name for name in names if isinstance(name, str)], "schema.invalid"
    if key in (*UNIONS, "allOf", "items", "prefixItems") and isinstance(value, list):
        return [one for one in value if _schema(one)] or ABSENT, "schema.invalid"
    return ABSENT, "schema.invalid"


class Place(NamedTuple):
    """Where the work stands: how deep, inside which references' targets, and by which way."""

    depth: int
    inside: tuple[int, ...]
    way: tuple[Any, str] | None  # (the way before, the last step)
    named: bool = False  # a property, which may be left out

    def below(self, step: str, *, named: bool = False) -> Place:
        """A place one schema deeper."""
        return Place(self.depth + 1, self.inside, (self.way, step), named)


class Told:
    """The notes of one schema: each rule once, at the first place that it was needed."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._notes: dict[str, Note] = {}

    def __call__(self, rule: str, way: tuple[Any, str] | None = None) -> None:
        """Note that a rule was used."""
        if rule not in self._notes:
            steps = ""
            while way is not None:
                way, step = way
                steps = f".{step[:64]}{steps}"
            path = f"{self.path}{steps}"[:256]
            self._notes[rule] = Note(RULES[rule].kind, rule, path)

    def __contains__(self, rule: str) -> bool:
        """Whether a rule was used."""
        return rule in self._notes

    def notes(self) -> list[Note]:
        """All of them, in the order of their first use."""
        return list(self._notes.values())
