"""Parameters of functions: the root, what passes untouched, and the bounds."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from app.errors import INVALID_VALUE, GatewayError
from app.translate.schemas.function_schemas import repair_function_schema
from app.translate.schemas.reference_inlining import share_growth
from app.translate.schemas.schema_limits import MAX_DEPTH

EMPTY: dict[str, Any] = {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (None, EMPTY),
        ([], EMPTY),
        ({}, EMPTY),
        ({"type": "object"}, EMPTY),
        ({"type": None}, EMPTY),
        ({"type": "null"}, EMPTY),
        ({"type": ["object", "null"]}, EMPTY),
        ({"enum": [1]}, EMPTY),
        ({"properties": {"a": {"type": "string"}}}, {"type": "object", "properties": {"a": {"type": "string"}}}),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "object"}}}, EMPTY),
    ],
)
def test_roots(given: Any, made: dict[str, Any]) -> None:
    """A root that says nothing else is an object."""
    assert repair_function_schema(given, "p")[0] == made


@pytest.mark.parametrize("kind", ["null", "None", "", ["object", "null"], ["string", "object"]])
def test_a_root_that_means_an_object_loses_nothing(kind: Any) -> None:
    """Null is how some programs write that there are no arguments; of several types an object's is meant."""
    notes = repair_function_schema({"type": kind}, "p")[1]
    assert [(note.kind, note.rule) for note in notes] == [("equivalent", "schema.properties")]


@pytest.mark.parametrize(
    "given", [7, "a", True, [1], {"type": "array"}, {"type": "string"}, {"type": ["string", "null"]}]
)
def test_roots_without_names(given: Any) -> None:
    """Arguments have names: a root that is no object is the client's mistake, told at its path."""
    with pytest.raises(GatewayError) as told:
        repair_function_schema(given, "tools[1].function.parameters")
    assert (told.value.kind, told.value.param) == (INVALID_VALUE, "tools[1].function.parameters")


def test_what_is_right_is_the_same_object() -> None:
    """No copy is made of what needs no repair, nor a note."""
    inner = {**EMPTY, "additionalProperties": False, "patternProperties": {"^a": True, "^b": EMPTY}}
    given = {"type": "object", "properties": {"a": inner}, "$schema": "http://json-schema.org/draft-07/schema#"}
    given |= {"required": ["a"]}
    assert repair_function_schema(given, "p") == (given, [])
    assert repair_function_schema(given, "p")[0] is given


def test_what_came_is_not_altered() -> None:
    """A repair leaves the client's body as it was."""
    given = {"properties": {"a": {"$ref": "#/$defs/A", "description": "a"}}, "$defs": {"A": {"enum": [1]}}}
    before = orjson.dumps(given)
    repair_function_schema(given, "p")
    assert orjson.dumps(given) == before


def _levels(step: Any, last: dict[str, Any], count: int = 30) -> dict[str, Any]:
    defs = {f"d{level}": step({"$ref": f"#/$defs/d{level + 1}"}) for level in range(count)}
    return {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/d0"}, "z": {}},
        "$defs": {**defs, f"d{count}": last},
    }


def _nested(wrap: Any, count: int) -> Any:
    value: Any = {"type": "string"}
    for _ in range(count):
        value = wrap(value)
    return value


ONE = {"type": "object", "properties": {"q": {"type": "string"}}}
BOMBS: dict[str, Any] = {
    "properties": _levels(lambda ref: {"properties": {f"p{index}": ref for index in range(10)}}, ONE),
    "allOf": _levels(lambda ref: {"allOf": [ref] * 10}, ONE),
    "anyOf": _levels(lambda ref: {"anyOf": [{**ref, "title": str(index)} for index in range(10)]}, ONE),
    "conditions": _levels(lambda ref: {"then": ref, "else": ref, "dependentSchemas": {"a": ref, "b": ref}}, ONE),
    "items": _levels(lambda ref: {"items": [ref] * 10, "prefixItems": [ref] * 10}, ONE),
    "chain": _levels(lambda ref: ref, ONE, 3000),
    "text": {
        "properties": {f"p{i}": {"$ref": "#/$defs/a"} for i in range(3000)},
        "$defs": {"a": {"title": "x" * 50_000}},
    },
    "required": {
        "properties": {f"p{i}": {"$ref": "#/$defs/a"} for i in range(3000)},
        "$defs": {"a": {"type": "object", "required": [f"r{i}" for i in range(5000)]}},
    },
    "mutual": {
        "properties": {"a": {"$ref": "#/$defs/n0"}},
        "$defs": {
            f"n{one}": {"properties": {f"p{two}": {"$ref": f"#/$defs/n{two}"} for two in range(10)}}
            for one in range(10)
        },
    },
    "megabyte": {"properties": {f"p{i}": {"type": ["string", "null"], "title": "x" * 20} for i in range(15_000)}},
    "deep": {"properties": {"a": _nested(lambda inner: {"type": "array", "items": inner}, 5000)}},
    "deep allOf": {"properties": {"a": _nested(lambda inner: {"allOf": [inner]}, 5000)}},
    "deep anyOf": {"properties": {"a": _nested(lambda inner: {"anyOf": [inner, {}]}, 5000)}},
    "deep value": {"properties": {"a": {"default": _nested(lambda inner: [inner], 5000)}}},
}


@pytest.mark.samples("required", "mutual", "deep", "items")
@pytest.mark.parametrize("name", BOMBS)
def test_bounded(name: str) -> None:
    """Whatever multiplies or nests, time and size stay bounded, the upper names stand, and what was cut is told."""
    given = BOMBS[name]
    begun = time.perf_counter()
    schema, _ = repair_function_schema(given, "p")
    assert time.perf_counter() - begun < 5
    assert len(orjson.dumps(schema)) < 6_000_000
    assert set(schema["properties"]) == set(given["properties"])


@pytest.mark.parametrize(
    ("name", "rule"),
    [("properties", "schema.size"), ("text", "schema.size"), ("deep", "schema.depth"), ("mutual", "schema.cycle")],
)
def test_what_is_cut_is_told(name: str, rule: str) -> None:
    """A bound that was reached has its note."""
    assert rule in [note.rule for note in repair_function_schema(BOMBS[name], "p")[1]]


def test_what_does_not_multiply_is_not_cut() -> None:
    """A document's own size is granted: 3,000 optional properties all stay whole."""
    given = {"properties": {f"p{index}": {"type": ["string", "null"], "description": "d"} for index in range(3000)}}
    schema, notes = repair_function_schema(given, "p")
    assert all(one == {"type": "string", "description": "d"} for one in schema["properties"].values())
    assert [note.rule for note in notes] == ["schema.type", "schema.optional"]


def test_the_deepest_that_passes() -> None:
    """What is cut at the bound passes a second time untouched."""
    given = {
        "type": "object",
        "properties": {"a": _nested(lambda inner: {"type": "array", "items": inner}, MAX_DEPTH + 9)},
    }
    schema, notes = repair_function_schema(given, "p")
    assert [note.rule for note in notes] == ["schema.depth"]
    assert repair_function_schema(schema, "p")[0] is schema


def _tree(kinds: int, **more: Any) -> dict[str, Any]:
    """The parameters of a function with an expression, as pydantic writes a union of models, and more after it."""
    both = {"left": {"$ref": "#/$defs/E"}, "right": {"$ref": "#/$defs/E"}, **more}
    defs: dict[str, Any] = {
        f"N{number}": {
            "type": "object",
            "properties": {"kind": {"const": f"n{number}", "type": "string"}, **both},
            "required": ["kind", "left", "right"],
        }
        for number in range(kinds)
    }
    number = {"type": "object", "properties": {"kind": {"const": "num"}, "value": {"type": "number"}}}
    defs |= {"Num": number, "E": {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in defs] + [{"$ref": "#/$defs/Num"}]}}
    address = {"type": "object", "properties": {"city": {"type": "string"}, "zip": {"type": "integer"}}}
    return {
        "type": "object",
        "properties": {"expr": {"$ref": "#/$defs/E"}, "title": {"type": "string"}, "address": address},
        "$defs": defs,
    }


@pytest.mark.parametrize("kinds", [4, 5, 9])
def test_what_multiplies_is_nested_less(kinds: int) -> None:
    """A tree of many kinds of nodes loses levels, and neither a kind nor what stands after it."""
    given = _tree(kinds)
    schema, notes = repair_function_schema(given, "p")
    assert {note.rule for note in notes}.isdisjoint({"schema.size", "schema.depth"})
    expression = schema["properties"]["expr"]["properties"]
    assert expression["kind"]["enum"] == [*(f"n{number}" for number in range(kinds)), "num"]
    assert schema["properties"]["title"] == {"type": "string"}
    assert schema["properties"]["address"] == given["properties"]["address"]


def test_what_is_cut_binds_nothing() -> None:
    """Where the budget is spent inside a union, the branches that were seen do not forbid the others."""
    names = {f"x{number}": {"$ref": f"#/$defs/N{number}"} for number in range(12)}
    schema, notes = repair_function_schema(_tree(12, **names), "p")
    assert "schema.size" in {note.rule for note in notes}
    expression = schema["properties"]["expr"]
    assert "enum" not in expression["properties"]["kind"]
    assert "required" not in expression
    assert schema["properties"]["title"] == {"type": "string"}


@pytest.mark.samples("1")
@pytest.mark.parametrize("count", [1, 4, 30])
def test_many_schemas_share_what_references_may_add(count: int) -> None:
    """However many functions a request has, what they grow to is bounded; one alone has it all."""
    sizes = [
        len(orjson.dumps(repair_function_schema(BOMBS["mutual"], f"p{one}", share_growth(count))[0]))
        for one in range(count)
    ]
    assert sum(sizes) < 2_000_000
    assert (min(sizes) > 100_000) is (count <= 4)
    schema, notes = repair_function_schema(_tree(3), "p", share_growth(count))
    assert "schema.size" not in {note.rule for note in notes}
    assert schema["properties"]["expr"]["properties"]["kind"]["enum"] == ["n0", "n1", "n2", "num"]
