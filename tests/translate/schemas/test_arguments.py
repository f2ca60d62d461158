"""Arguments turned back by the client's own schema."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings

from app.translate.schemas.arguments import restore_arguments
from app.translate.schemas.functions import function_parameters
from app.translate.schemas.rules import text
from tests.translate.schemas.strategies import calls

NUMBERS = {"type": "integer", "enum": [1, 2]}
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
    ("no guess", {"type": "integer"}, "1", "1"),
    ("no guess of booleans", {"type": "boolean"}, "true", "true"),
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
DEFS: dict[str, Any] = {"N": NUMBERS, "T": TREE, "L": {"allOf": [{"$ref": "#/$defs/L"}]}}


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
    return text(value) if text(value) in schema.get("enum", ()) else value


@settings(deadline=None, max_examples=300)
@given(calls())
def test_there_and_back(call: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Arguments that fit the client's schema, carried as the function's schema says, come back as they were."""
    schema, arguments = call
    repaired, _ = function_parameters(schema, "p")
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
