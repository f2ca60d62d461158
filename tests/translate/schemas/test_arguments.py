"""Arguments turned back by the client's own schema."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given

from app.translate.schemas.arguments import has_required, restore_arguments
from app.translate.schemas.enum_values import write_enum_value
from app.translate.schemas.function_schemas import repair_function_schema
from tests.examples import examples
from tests.translate.schemas.strategies import calls

NUMBERS = {"type": "integer", "enum": [1, 2]}
PATTERNS = {"^n_": {"type": "integer"}, "^s_": {"type": "string"}, "_id$": {"type": "integer"}}
CASES: list[tuple[str, Any, Any, Any]] = [
    ("number", NUMBERS, "1", 1),
    ("float", {"enum": [0.5]}, "0.5", 0.5),
    ("boolean", {"const": True}, "true", True),
    ("null", {"enum": ["a", None]}, "null", None),
    ("null type", {"type": "null"}, "null", None),
    ("object", {"const": {"a": 1}}, '{"a":1}', {"a": 1}),
    ("mixed", {"enum": ["a", 1]}, "a", "a"),
    ("both", {"enum": ["1", 1]}, "1", "1"),
    ("none of them", NUMBERS, "3", "3"),
    ("not given as text", NUMBERS, 1, 1),
    ("a type", {"type": "integer"}, "1", 1),
    ("a negative one", {"type": "integer"}, "-1", -1),
    ("a long one", {"type": "integer"}, "40817810099910004312", 40817810099910004312),
    ("a whole float", {"type": "integer"}, "5.0", 5),
    ("no integer", {"type": "integer"}, "5.5", "5.5"),
    ("a number", {"type": "number"}, "5", 5),
    ("a fraction", {"type": "number"}, "5.5", 5.5),
    ("no number", {"type": "number"}, "5,5", "5,5"),
    ("a boolean", {"type": "boolean"}, "true", True),
    ("a boolean of Python's", {"type": "boolean"}, "False", False),
    ("no boolean", {"type": "boolean"}, "yes", "yes"),
    ("a boolean or a number", {"type": ["boolean", "integer"]}, "5", 5),
    ("null of a union", {"type": ["integer", "null"]}, "null", None),
    ("null of an older union", {"type": "integer", "nullable": True}, "null", None),
    ("no null", {"type": "integer"}, "null", "null"),
    ("words for null", {"anyOf": [{"type": "string"}, {"type": "null"}]}, "null", "null"),
    ("empty", {"type": ["integer", "null"]}, "", ""),
    ("branches of a union", {"anyOf": [{"type": "integer"}, {"type": "boolean"}]}, "7", 7),
    ("an enum beside numbers", {"anyOf": [{"enum": ["auto"]}, {"type": "integer"}]}, "7", 7),
    ("an enum's text", {"anyOf": [{"enum": ["auto", "7"]}, {"type": "integer"}]}, "7", "7"),
    ("anything", {}, "5", "5"),
    ("anything described", {"description": "5"}, "5", "5"),
    ("anything or a number", {"anyOf": [{}, {"type": "integer"}]}, "5", "5"),
    ("a type that nobody knows", {"type": "date"}, "5", "5"),
    ("a guessed number", {"minimum": 1}, "5", 5),
    ("an object as a text", {"type": "object", "properties": {"n": {"type": "integer"}}}, '{"n": "5"}', {"n": 5}),
    ("an array as a text", {"type": "array", "items": {"type": "integer"}}, '[1, "2"]', [1, 2]),
    ("another value as a text", {"type": "object"}, "[1]", "[1]"),
    ("no JSON", {"type": "object"}, "{a", "{a"),
    ("a raw line end in it", {"type": "object"}, '{"a": "x\ny"}', {"a": "x\ny"}),
    ("a text that is JSON", {"type": ["object", "string"]}, '{"a": 1}', '{"a": 1}'),
    ("a tuple", {"prefixItems": [{"type": "string"}, {"type": "integer"}]}, ["1", "1"], ["1", 1]),
    ("a draft-07 tuple", {"items": [{"type": "number"}, {"type": "string"}]}, ["1", "1", "1"], [1, "1", "1"]),
    ("a map", {"additionalProperties": {"type": "integer"}}, {"x": "1", "y": 2}, {"x": 1, "y": 2}),
    ("a map of arrays", {"additionalProperties": {"items": {"type": "number"}}}, {"x": ["1"]}, {"x": [1]}),
    (
        "patterns",
        {"patternProperties": PATTERNS},
        {"n_a": "1", "s_a": "1", "b_id": "1"},
        {"n_a": 1, "s_a": "1", "b_id": 1},
    ),
    ("a pattern that is not read", {"patternProperties": {"^[a-z]+$": {"type": "integer"}}}, {"x": "1"}, {"x": 1}),
    ("a name by $id", {"$ref": "Whole"}, "1", 1),
    ("types of all parts", {"allOf": [{"type": "number"}, {"type": ["integer", "string"]}]}, "5", 5),
    ("a recursive text", {"$ref": "#/$defs/T"}, '{"t": "{\\"n\\": \\"1\\"}"}', {"t": {"n": 1}}),
    ("text is right", {"anyOf": [NUMBERS, {"type": "string"}]}, "1", "1"),
    ("any text is right", {"anyOf": [NUMBERS, {"type": ["STRING", "null"]}]}, "1", "1"),
    ("or null", {"anyOf": [NUMBERS, {"type": "null"}]}, "2", 2),
    ("in a union of enums", {"oneOf": [{"const": 1}, {"const": "x"}]}, "1", 1),
    ("in allOf", {"allOf": [{"$ref": "#/$defs/N"}, {"type": "integer"}]}, "2", 2),
    ("by reference", {"$ref": "#/$defs/N"}, "2", 2),
    ("in items", {"items": NUMBERS}, ["1", "3", "2"], [1, "3", 2]),
    ("in a tuple", {"prefixItems": [{"type": "string"}, NUMBERS], "items": {"const": 7}}, ["1", "1", "7"], ["1", 1, 7]),
    ("in a draft-07 tuple", {"items": [NUMBERS], "additionalItems": {"const": 7}}, ["1", "7"], [1, 7]),
    ("in properties", {"properties": {"a": NUMBERS}}, {"a": "1", "b": "1"}, {"a": 1, "b": "1"}),
    ("in a record", {"additionalProperties": NUMBERS}, {"b": "1"}, {"b": 1}),
    ("by a pattern", {"patternProperties": {"^a": NUMBERS}}, {"ab": "1"}, {"ab": 1}),
    ("in a branch", {"anyOf": [{"properties": {"a": NUMBERS}}, {"type": "string"}]}, {"a": "1"}, {"a": 1}),
    ("in a dependency", {"dependentSchemas": {"b": {"properties": {"a": NUMBERS}}}}, {"a": "1"}, {"a": 1}),
    ("in an older dependency", {"dependencies": {"b": {"properties": {"a": NUMBERS}}}}, {"a": "1"}, {"a": 1}),
    ("in a condition", {"then": {"properties": {"a": NUMBERS}}}, {"a": "1"}, {"a": 1}),
    ("in a tree", {"$ref": "#/$defs/T"}, {"n": "1", "t": {"t": {"n": "2"}}}, {"n": 1, "t": {"t": {"n": 2}}}),
    ("odd schemas", {"enum": 5, "properties": [], "anyOf": 7, "items": "a", "$ref": 1, "type": [1]}, ["1"], ["1"]),
    ("loop", {"$ref": "#/$defs/L"}, "1", "1"),
]
TREE = {"properties": {"n": NUMBERS, "t": {"$ref": "#/$defs/T"}}}
DEFS: dict[str, Any] = {
    "N": NUMBERS,
    "T": TREE,
    "L": {"allOf": [{"$ref": "#/$defs/L"}]},
    "W": {"$id": "Whole", "type": "integer"},
}


@pytest.mark.parametrize(("schema", "given", "restored"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_restored(schema: Any, given: Any, restored: Any) -> None:
    """Texts that stand for an enum's values become these values; all else stays."""
    document = {"properties": {"a": schema}, "$defs": DEFS}
    outcome = restore_arguments({"a": given}, document)
    assert repr(outcome) == repr({"a": restored})


@pytest.mark.parametrize(("arguments", "schema"), [({"a": "1"}, None), ("{}", {}), (None, {}), ({"a": ["1"]}, {})])
def test_untouched(arguments: Any, schema: Any) -> None:
    """Where nothing is to be done the same object comes back."""
    assert restore_arguments(arguments, schema) is arguments


REQUIRED: list[tuple[Any, dict[str, Any], bool]] = [
    ({"required": ["a"]}, {"a": 1}, True),
    ({"required": ["a"]}, {}, False),
    ({"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"a": "x"}, False),
    ({"properties": {"a": {"type": "integer"}}}, {"a": "x"}, True),
    ({"properties": {"a": {"enum": [1, 2]}}, "required": ["a"]}, {"a": 3}, False),
    ({"$ref": "#/$defs/A", "$defs": {"A": {"required": ["a"]}}}, {}, False),
    ({"allOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a": 1}, False),
    ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a": 1}, True),
    ({"required": "a"}, {}, True),
    ({"$ref": "#"}, {}, True),
    (None, {}, True),
]


@pytest.mark.parametrize(("schema", "arguments", "has"), REQUIRED)
def test_what_is_required(schema: Any, arguments: dict[str, Any], has: bool) -> None:
    """By the schema and what it refers to, not by one of several alternatives."""
    assert has_required(arguments, schema) is has


@pytest.mark.long
def test_bounded() -> None:
    """References that multiply and arguments that nest take bounded time."""
    defs: dict[str, Any] = {f"d{i}": {"anyOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 10} for i in range(3000)}
    defs["d3000"] = NUMBERS
    deep: Any = "1"
    for _ in range(5000):
        deep = {"t": deep}
    document = {"properties": {"a": {"$ref": "#/$defs/d0"}, "t": {"$ref": "#/$defs/T"}}, "$defs": {**defs, "T": TREE}}
    begun = time.perf_counter()
    restore_arguments({"a": "1", **deep}, document)
    restore_arguments({"a": ["1"] * 20_000}, {"properties": {"a": {"items": NUMBERS}}})
    assert time.perf_counter() - begun < 2


def test_long_arrays_are_restored_whole() -> None:
    """The bound is on schemas, not on values."""
    arguments = {"a": ["1"] * 20_000}
    assert restore_arguments(arguments, {"properties": {"a": {"items": NUMBERS}}}) == {"a": [1] * 20_000}


def _carried(value: Any, schema: Any) -> Any:
    """A value as a function's schema carries it."""
    if not isinstance(schema, dict):
        return value
    if isinstance(value, dict):
        rest = schema.get("additionalProperties")
        return {name: _carried(one, schema.get("properties", {}).get(name, rest)) for name, one in value.items()}
    if isinstance(value, list):
        return [_carried(one, schema.get("items")) for one in value]
    return write_enum_value(value) if write_enum_value(value) in schema.get("enum", ()) else value


@examples(max_examples=300)
@given(calls())
def test_there_and_back(call: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Arguments that fit the client's schema, carried as the function's schema says, come back as they were."""
    schema, arguments = call
    repaired, _ = repair_function_schema(schema, "p")
    assert repr(restore_arguments(_carried(arguments, repaired), schema)) == repr(arguments)


@pytest.mark.parametrize(
    ("note", "restored"),
    [
        ({"type": ["string", "null"]}, {"a": "x", "note": None}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"a": "x", "note": None}),
        ({"type": "string", "nullable": True}, {"a": "x", "note": None}),
        ({"enum": ["y", None]}, {"a": "x", "note": None}),
        ({"type": "string"}, {"a": "x"}),
    ],
)
def test_null_is_put_back_where_it_was_demanded(note: dict[str, object], restored: dict[str, object]) -> None:
    """What a model left out because null had no type is null for the client; no other value is made up."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "note": note}, "required": ["a", "note"]}
    assert restore_arguments({"a": "x"}, schema) == restored
    assert restore_arguments({"a": "x", "note": "y"}, schema) == {"a": "x", "note": "y"}
    nested = {"type": "object", "properties": {"list": {"type": "array", "items": schema}}}
    assert restore_arguments({"list": [{"a": "x"}]}, nested) == {"list": [restored]}
    assert restore_arguments({"a": "x"}, {**schema, "required": ["a"]}) == {"a": "x"}


def test_a_named_property_goes_before_the_rest_of_another_branch() -> None:
    """The function has the name's own schema: what another branch says of unnamed properties is not about it."""
    branches = [{"properties": {"y": {"enum": [None, 1]}}}, {"additionalProperties": {"type": "string"}}]
    schema = {"type": "object", "properties": {"x": {"anyOf": branches}}}
    assert restore_arguments({"x": {"y": "1", "z": "1"}}, schema) == {"x": {"y": 1, "z": "1"}}


def _action(kind: str, name: str, *, tag: dict[str, Any]) -> dict[str, Any]:
    """A model with a tag and a field that must be there and may be null."""
    properties = {"kind": tag, name: {"type": ["string", "null"]}}
    return {"type": "object", "properties": properties, "required": ["kind", name], "title": kind}


CLICK, TYPE = _action("click", "target", tag={"const": "click"}), _action("type", "text", tag={"$ref": "#/$defs/T"})


@pytest.mark.parametrize(
    ("given", "restored"),
    [
        ({"kind": "click"}, {"kind": "click", "target": None}),
        ({"kind": "type"}, {"kind": "type", "text": None}),
        ({"kind": "click", "target": "a"}, {"kind": "click", "target": "a"}),
        ({"kind": "wait"}, {"kind": "wait"}),  # of none of them
        ({}, {}),  # of either
    ],
)
def test_null_is_put_back_by_the_alternative_that_the_value_is_of(given: Any, restored: Any) -> None:
    """Only one of them demands the field: its tag tells."""
    tags = {"type": "string", "enum": ["type", "write"]}
    document = {"properties": {"steps": {"items": {"anyOf": [CLICK, TYPE]}}}, "$defs": {"T": tags}}
    assert restore_arguments({"steps": [given]}, document) == {"steps": [restored]}


def test_a_tag_that_may_be_anything_tells_nothing() -> None:
    """Both alternatives stay, so a field of one of them is not made up."""
    free = _action("type", "text", tag={"anyOf": [{"const": "type"}, {"type": "string"}]})
    assert restore_arguments({"a": {"kind": "click"}}, {"properties": {"a": {"anyOf": [CLICK, free]}}}) == {
        "a": {"kind": "click"}
    }
