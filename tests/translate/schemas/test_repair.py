"""Each repair of a schema, one by one."""

from __future__ import annotations

from typing import Any

import pytest

from app.translate.schemas.function_schemas import repair_function_schema
from app.translate.schemas.repair_rules import RULES

TEXT = {"type": "string"}
OBJECT = {"type": "object", "properties": {}}
CASES: list[tuple[str, Any, Any]] = [
    ("schema.ref", {"$ref": "#/$defs/A", "description": "d"}, {**TEXT, "description": "d"}),
    ("schema.unresolved", {"$ref": "#/$defs/B"}, OBJECT),
    ("schema.allof", {"allOf": [{"type": "string"}, {"minLength": 1}]}, {**TEXT, "minLength": 1}),
    (
        "schema.allof",
        {"type": "object", "allOf": [{"properties": {"b": one}} for one in ({"minLength": 1}, {"maxLength": 2})]},
        {"type": "object", "properties": {"b": {**TEXT, "minLength": 1, "maxLength": 2}}},
    ),
    ("schema.union", {"anyOf": [{"type": "integer"}, TEXT]}, {**TEXT, "description": "(integer | string)"}),
    ("schema.union", {"oneOf": [{"const": "a", "title": "A"}, {"const": "b"}]}, {**TEXT, "enum": ["a", "b"]}),
    ("schema.types", {"type": ["integer", "string"]}, {**TEXT, "description": "(integer | string)"}),
    ("schema.types", {"type": ["array", "string"]}, {**TEXT, "description": "(array | string)"}),
    (
        "schema.types",
        {"type": ["string", "array"], "items": TEXT, "description": "a"},
        {"type": "array", "items": TEXT, "description": "a (string | array)"},
    ),
    ("schema.optional", {"type": ["string", "null"]}, TEXT),
    ("schema.optional", {"type": ["integer", "number", "null"]}, {"type": "number"}),
    ("schema.optional", {"anyOf": [{"type": "null"}]}, {**TEXT, "enum": ["null"]}),
    (
        "schema.optional",
        {"anyOf": [{"type": "null"}, {"type": "integer", "minimum": 0}]},
        {"type": "integer", "minimum": 0},
    ),
    ("schema.optional", {"type": "string", "nullable": True}, TEXT),
    ("schema.null", {"type": "array", "items": {"type": ["string", "null"]}}, {"type": "array", "items": TEXT}),
    ("schema.tuple", {"type": "array", "prefixItems": [TEXT, TEXT]}, {"type": "array", "items": TEXT}),
    (
        "schema.tuple",
        {"type": "array", "items": [TEXT, {"type": "integer"}], "additionalItems": False},
        {"type": "array", "items": {**TEXT, "description": "(string, integer)"}},
    ),
    ("schema.const", {"const": "a"}, {**TEXT, "enum": ["a"]}),
    ("schema.const", {"type": ["integer", "string"], "const": "a"}, {**TEXT, "enum": ["a"]}),
    ("schema.enum", {"type": ["integer", "string"], "enum": ["a", 1]}, {**TEXT, "enum": ["a", "1"]}),
    (
        "schema.const",
        {**OBJECT, "additionalProperties": {"const": "a"}},
        {**OBJECT, "additionalProperties": {**TEXT, "enum": ["a"]}},
    ),
    (
        "schema.const",
        {"type": "object", "patternProperties": {"^a": {"const": "a"}, "^b": True}},
        {**OBJECT, "patternProperties": {"^a": {**TEXT, "enum": ["a"]}, "^b": True}},
    ),
    ("schema.enum", {"type": "integer", "enum": [1, 2], "default": 1}, {**TEXT, "enum": ["1", "2"], "default": "1"}),
    ("schema.enum", {"enum": ["a", 1, True, None]}, {**TEXT, "enum": ["a", "1", "true", "null"]}),
    ("schema.enum", {"type": "null"}, {**TEXT, "enum": ["null"]}),
    ("schema.enum_of_objects", {"type": "object", "enum": [{}]}, OBJECT),
    ("schema.properties", {"type": "object"}, OBJECT),
    (
        "schema.properties",
        {"type": "string", "properties": {"a": TEXT}},
        {"type": "object", "properties": {"a": TEXT}},
    ),
    ("schema.properties", {"type": "object", "additionalProperties": {}}, {**OBJECT, "additionalProperties": True}),
    ("schema.items", {"type": "array"}, {"type": "array", "items": TEXT}),
    ("schema.type", {"properties": {"a": TEXT}}, {"type": "object", "properties": {"a": TEXT}}),
    ("schema.type", {"items": TEXT}, {"type": "array", "items": TEXT}),
    ("schema.type", {"pattern": "a"}, {**TEXT, "pattern": "a"}),
    ("schema.type", {"minimum": 1}, {"type": "number", "minimum": 1}),
    ("schema.any", {}, TEXT),
    ("schema.any", True, TEXT),
    ("schema.any", False, TEXT),
    ("schema.word", {"type": "INTEGER"}, {"type": "integer"}),
    ("schema.word", {"type": "dict"}, OBJECT),
    (
        "schema.format",
        {"type": "string", "format": "uri", "description": "a"},
        {**TEXT, "description": "a (format: uri)"},
    ),
    ("schema.format", {"type": "integer", "format": "int32"}, {"type": "integer"}),
    (
        "schema.condition",
        {"type": "object", "if": {}, "then": {"properties": {"a": {}}, "required": ["a"]}},
        {"type": "object", "properties": {"a": TEXT}},
    ),
    ("schema.not", {"type": "string", "not": {"enum": ["a"]}}, TEXT),
    ("schema.absent", {"type": "string", "description": None}, TEXT),
    ("schema.invalid", {"type": "string", "enum": 5, "minLength": "a"}, TEXT),
    ("schema.union", {"anyOf": [{"enum": [1, 2]}, {"type": "integer"}]}, {"type": "integer"}),
]


@pytest.mark.parametrize(("rule", "given", "made"), CASES)
def test_repair(rule: str, given: Any, made: Any) -> None:
    """A property that breaks a rule is repaired, and the rule is noted."""
    document = {"type": "object", "properties": {"a": given}, "$defs": {"A": TEXT}}
    schema, notes = repair_function_schema(document, "p")
    made_of = {key: value for key, value in schema["properties"]["a"].items() if value != []}
    assert made_of == made
    assert (RULES[rule].kind, rule) in [(note.kind, note.rule) for note in notes]


@pytest.mark.parametrize(("rule", "given", "made"), [case for case in CASES if case[0] != "schema.ref"])
def test_a_single_fault_is_seen(rule: str, given: Any, made: Any) -> None:
    """A property is repaired also where nothing else in the schema needs it."""
    schema, notes = repair_function_schema({"type": "object", "properties": {"a": given}}, "p")
    assert {key: value for key, value in schema["properties"]["a"].items() if value != []} == made
    assert rule in [note.rule for note in notes]


KEPT: list[dict[str, Any]] = [
    {
        "type": "string",
        "enum": ["a"],
        "default": "a",
        "description": "d",
        "pattern": "^a$",
        "title": "A",
        "format": "date",
    },
    {"type": "integer", "minimum": 1, "maximum": 2, "exclusiveMinimum": 0, "multipleOf": 1, "default": None},
    {"type": "object", "properties": {"b": {"type": "boolean"}}, "required": ["b"], "additionalProperties": False},
    {
        "type": "object",
        "properties": {},
        "propertyNames": TEXT,
        "additionalProperties": {"type": "array", "items": TEXT},
    },
    {"type": "array", "items": TEXT, "minItems": 1, "uniqueItems": True, "examples": [["a"]], "x-order": {"a": [1]}},
]


@pytest.mark.parametrize("kept", KEPT)
def test_what_is_right_stays(kept: dict[str, Any]) -> None:
    """All that is JSON Schema and harms nothing stays, also beside a repair."""
    schema, notes = repair_function_schema({"type": "object", "properties": {"a": kept, "b": {"const": "x"}}}, "p")
    assert schema["properties"]["a"] == kept
    assert [note.rule for note in notes] == ["schema.type", "schema.const"]


def test_what_takes_null_may_be_left_out() -> None:
    """A property's null becomes its absence, required or not: a model must not invent a value."""
    schema = {"type": "object", "properties": {"a": {"type": ["string", "null"]}, "b": TEXT}}
    for required, left in ([], []), (["a", "b"], ["b"]), (["a"], []):
        repaired, notes = repair_function_schema({**schema, "required": required}, "p")
        assert repaired.get("required", []) == left
        assert repaired.get("required") != []
        assert [(note.kind, note.rule) for note in notes if note.rule != "schema.absent"] == [
            ("equivalent", "schema.optional")
        ]


def test_some_numbers_or_any_number_is_a_number() -> None:
    """An enum of numbers, of any depth, stands as strings only where nothing else may be given."""
    some = {"anyOf": [{"const": 1}, {"enum": [2, 3]}]}
    for given, kind in (some, "string"), ({"anyOf": [some, {"type": "integer"}]}, "integer"):
        schema, _ = repair_function_schema({"type": "object", "properties": {"a": given}}, "p")
        assert schema["properties"]["a"]["type"] == kind


def test_one_alternative_does_not_bind_the_others() -> None:
    """What only one branch says of a property that the base leaves open is not demanded."""
    branches = [{"properties": {"a": {"enum": ["x"]}, "b": TEXT}}, {"properties": {"b": {"enum": ["y"]}}}]
    base = {"type": "object", "properties": {"a": TEXT, "b": TEXT}}
    schema, _ = repair_function_schema({**base, "anyOf": branches}, "p")
    assert schema["properties"]["a"] == TEXT


def test_names_are_only_names() -> None:
    """Properties that are called as keywords or as Python's innards are properties."""
    names = ["$ref", "$defs", "allOf", "type", "properties", "enum", "const", "__proto__", "__class__", "items"]
    schema, _ = repair_function_schema({"properties": {name: {"const": "a"} for name in names}}, "p")
    assert list(schema["properties"]) == names


def test_a_closed_object_is_open_for_its_other_part() -> None:
    """Two closed parts of one object do not close it for each other's properties."""
    parts = [{"properties": {name: TEXT}, "additionalProperties": False} for name in "ab"]
    schema, _ = repair_function_schema({"allOf": parts}, "p")
    assert set(schema["properties"]) == {"a", "b"}


def test_each_rule_has_a_case() -> None:
    """No row of the table is untested; sizes and formats have tests of their own."""
    elsewhere = {"schema.cycle", "schema.size", "schema.depth", "schema.empty", "schema.pointer"}
    assert {case[0] for case in CASES} | elsewhere == set(RULES)
