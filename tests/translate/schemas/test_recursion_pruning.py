"""Schemas that contain themselves: what is cut, and that what is left can be filled."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from app.translate.schemas.arguments import restore_arguments
from app.translate.schemas.function_schemas import repair_function_schema
from tests.translate.schemas.strategies import properties


def test_recursion_is_cut_at_a_depth() -> None:
    """A tree has three levels of itself; what would be the fourth may be left out, and is."""
    tree = {"type": "object", "properties": {"name": {"type": "string"}, "next": {"$ref": "#/$defs/T"}}}
    schema, notes = repair_function_schema({"properties": {"t": {"$ref": "#/$defs/T"}}, "$defs": {"T": tree}}, "p")
    node, levels = schema["properties"]["t"], 1
    while "next" in node["properties"]:
        node, levels = node["properties"]["next"], levels + 1
    assert levels == 3
    assert node["properties"] == {"name": {"type": "string"}}
    assert "schema.cycle" in {note.rule for note in notes}


class Node(BaseModel):
    """A model that contains itself in all ways that can end."""

    name: str
    children: list[Node] = []
    parent: Node | None
    named: dict[str, Node]
    more: list[Node] | None = None
    pair: Pair | None = None


class Pair(BaseModel):
    """A model that needs the one that it is part of."""

    model_config = ConfigDict(extra="forbid")
    left: Node


class Sum(BaseModel):
    """A model or a number."""

    left: Sum | int
    right: bool | Sum


class Some(BaseModel):
    """A model whose lists and maps are absent or have something in them."""

    name: str
    items: Annotated[list[Some], Field(min_length=1)] | None = None
    both: tuple[Some, Some] | None = None
    named: Annotated[dict[str, Some], Field(min_length=1)] | None = None


class Outer(BaseModel):
    """A model whose parts hold it again, and come after its list of itself."""

    children: list[Outer] = []
    inner: Inner


class Inner(BaseModel):
    """A part."""

    label: str
    outer: Outer | None = None


class Page(BaseModel):
    """A model that a map of patterns holds again."""

    title: str
    pages: dict[Annotated[str, Field(pattern="^[a-z]+$")], Page] = {}


@pytest.mark.parametrize("model", [Pair, Sum, Some, Outer, Page])
def test_what_fits_a_cut_schema_fits_the_model(model: type[BaseModel]) -> None:
    """The smallest and the largest value of a recursive model's function are values of the model."""
    given = model.model_json_schema()
    schema, notes = repair_function_schema(given, "p")
    for most in (False, True):
        model.model_validate(restore_arguments(_value(schema, most=most), given))
    assert {note.rule for note in notes}.isdisjoint({"schema.size", "schema.depth"})
    assert {*properties(given)} == {*properties(schema)}


def test_a_cut_schema_keeps_its_levels() -> None:
    """What can be given is there as often as it may stand in itself."""
    schema, _ = repair_function_schema(Pair.model_json_schema(), "p")
    assert schema["properties"]["left"]["properties"]["children"]["items"]["properties"]["children"]


def _value(schema: dict[str, Any], *, most: bool) -> Any:
    """A value with all that a schema lets in, or with only what it demands."""
    if schema["type"] == "object":
        named = {
            name: _value(one, most=most)
            for name, one in schema["properties"].items()
            if most or name in schema.get("required", ())
        }
        rest = schema.get("additionalProperties")
        patterns = [*schema.get("patternProperties", {}).values()]
        some = [one for one in (*patterns, rest) if isinstance(one, dict)]
        return {**named, "other": _value(some[0], most=most)} if most and some else named
    if schema["type"] == "array":
        count = schema.get("minItems", 1) if schema.get("maxItems") != 0 else 0
        return [_value(schema["items"], most=most)] * (count if most else schema.get("minItems", 0))
    return {"string": "text", "integer": 1, "boolean": True}[schema["type"]]


def test_a_tree_that_can_not_end_keeps_its_levels() -> None:
    """Where a schema demands itself without end, its levels stay as far as they go."""
    tree = {"type": "object", "properties": {"next": {"$ref": "#/$defs/T"}}, "required": ["next"]}
    schema, _ = repair_function_schema({"properties": {"t": {"$ref": "#/$defs/T"}}, "$defs": {"T": tree}}, "p")
    assert schema["properties"]["t"]["properties"]["next"]["properties"]["next"]["properties"]["next"]


def test_a_property_that_is_the_root_again_and_needs_itself_stays() -> None:
    """The first level of what can't end is kept, though it may be left out."""
    schema, _ = repair_function_schema({"properties": {"a": {"$ref": "#", "required": ["a"]}}}, "p")
    assert "a" in schema["properties"]


def test_a_property_that_is_first_met_where_it_is_cut_stays() -> None:
    """What needs the root inside itself is cut at once; its name is there nevertheless."""
    inner = {"properties": {"c": {"$ref": "#"}, "b": {"$ref": "#", "required": ["a"]}}}
    schema, _ = repair_function_schema({"properties": {"a": {"$ref": "#", **inner}, "c": {"allOf": [inner]}}}, "p")
    assert {*properties(schema)} == {"a", "b", "c"}


def test_what_can_be_given_stays_at_every_level() -> None:
    """A map with a pattern that demands an entry can have one, though it takes no other names."""
    kids = {"patternProperties": {"^a": {"type": "string"}}, "additionalProperties": False, "minProperties": 1}
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/N"}, "kids": {"type": "object", **kids}}}
    schema, _ = repair_function_schema({"properties": {"n": {"$ref": "#/$defs/N"}}, "$defs": {"N": node}}, "p")
    level = schema["properties"]["n"]
    for _ in range(2):
        assert level["properties"]["kids"]["patternProperties"] == kids["patternProperties"]
        level = level["properties"]["next"]
    assert level["properties"] == {"kids": {"type": "object", "properties": {}, **kids}}
