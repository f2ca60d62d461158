"""The rules of repair: one row for each, with its reason and its source.

Sources: numbers are sections of docs/gigachat-api.md (5.4 functions, 5.5 structured output), and tags in brackets are
the evidence that its section 0 lists: [LC], [G2G] and [JAVA] are the vendor's own clients, which repair or refuse the
same things before they ask; [LIVE-K] is real calls. `json-schema` is draft 2020-12 with draft-07; `openai` is OpenAI's
guide to structured outputs, "Supported schemas".
"""

from __future__ import annotations

from dataclasses import dataclass

from app.translate.dialogue import NoteKind


@dataclass(frozen=True, slots=True)
class Rule:
    """A repair: what it does to the meaning of a schema, why it is made, and which source demands it."""

    name: str
    kind: NoteKind
    reason: str
    source: str


_TABLE = (
    Rule("schema.ref", "equivalent", "functions know no $ref: the target is put in its place", "[G2G] [LC] 5.4"),
    Rule(
        "schema.cycle",
        "adapted",
        "a recursive $ref has no end: below MAX_NESTING levels arrays are empty, optional properties are left out",
        "as schema.ref",
    ),
    Rule(
        "schema.size",
        "dropped",
        "references multiply: beyond MAX_GROWTH schemas become plain types and objects",
        "openai limits properties as well",
    ),
    Rule(
        "schema.depth",
        "dropped",
        "JSON writers end at 254 levels: below MAX_DEPTH schemas become plain objects",
        "orjson",
    ),
    Rule(
        "schema.unresolved",
        "dropped",
        "a $ref to nowhere or to a URL says nothing: it becomes a plain object",
        "json-schema",
    ),
    Rule(
        "schema.pointer",
        "equivalent",
        "formats keep local pointers: a $ref by $id, $anchor or name becomes one, and the names are left out",
        "[LIVE-K] 5.5",
    ),
    Rule("schema.allof", "equivalent", "functions know no allOf: its branches are merged", "[G2G] 5.4: 422"),
    Rule(
        "schema.union",
        "adapted",
        "functions know no anyOf and oneOf: one schema gets the properties of all branches",
        "[LC] [G2G]",
    ),
    Rule(
        "schema.types",
        "adapted",
        "a property has one type: it gets the widest of the list, and its description the others",
        "[JAVA]",
    ),
    Rule("schema.null", "adapted", "a value has one type: null can't be given in an array's items", "[G2G] 5.4"),
    Rule(
        "schema.optional",
        "equivalent",
        "a property that takes null may be left out instead; null is put back where the property was required",
        "[G2G] 5.4",
    ),
    Rule("schema.tuple", "adapted", "arrays have one schema of items: it stands for all places of a tuple", "[JAVA]"),
    Rule("schema.const", "equivalent", "a const is an enum of one value", "json-schema"),
    Rule(
        "schema.enum",
        "equivalent",
        "enums are of strings: other values are written as JSON, and restored in a call",
        "[G2G] 5.4: 422",
    ),
    Rule(
        "schema.enum_of_objects",
        "dropped",
        "enums are of strings: the enum of an object or array is left out",
        "[G2G] 5.4",
    ),
    Rule(
        "schema.properties",
        "equivalent",
        "an object must have properties, and a schema with properties is an object",
        "[G2G] 5.4: 422",
    ),
    Rule("schema.items", "adapted", "an array without items gets strings", "[G2G]"),
    Rule(
        "schema.type",
        "equivalent",
        "a schema must have a type: it gets the one that its keywords are about",
        "[G2G] 5.4: 422",
    ),
    Rule(
        "schema.any", "adapted", "a schema must have a type: one that takes anything becomes a string", "[G2G] 5.4: 422"
    ),
    Rule(
        "schema.word",
        "equivalent",
        "types by other names (INTEGER, float) get JSON Schema's names",
        "json-schema; Gemini's and Python's",
    ),
    Rule(
        "schema.format",
        "equivalent",
        "only formats of dates and times are known: others go into the description",
        "[G2G]",
    ),
    Rule(
        "schema.condition", "adapted", "functions know no conditions: what a condition adds becomes optional", "[JAVA]"
    ),
    Rule("schema.not", "dropped", "functions know no negation", "[JAVA]"),
    Rule(
        "schema.absent",
        "equivalent",
        "a keyword whose value is null is a field that a program left empty",
        "json-schema",
    ),
    Rule("schema.invalid", "dropped", "a keyword of the wrong type is no JSON Schema", "json-schema"),
    Rule(
        "schema.empty",
        "equivalent",
        "an empty schema is refused: it becomes one of any object",
        "[LIVE-K] [GM] 5.5: 400",
    ),
)
RULES: dict[str, Rule] = {rule.name: rule for rule in _TABLE}
