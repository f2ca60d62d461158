"""What repaired schemas were before."""

from __future__ import annotations

from typing import Any

import pytest

from app.translate.schemas.schema_origins import SchemaOrigins, describes_content


def enum(*values: str) -> dict[str, Any]:
    """A schema with an enum."""
    return {"type": "string", "enum": list(values)}


def test_a_dropped_enum_gives_the_type_back() -> None:
    """Values that were numbers are numbers again; a schema without an enum stays."""
    origins = SchemaOrigins()
    numbers, words, plain = enum("1"), enum("a"), {"type": "string"}
    origins.remember_enum_type(numbers, "integer")
    for schema in (numbers, words, plain):
        origins.drop_enum(schema)
    assert (numbers, words, plain) == ({"type": "integer"}, {"type": "string"}, {"type": "string"})


@pytest.mark.parametrize(
    ("kinds", "inherited"),
    [(["integer", "integer"], "integer"), (["integer", "number"], "string"), (["integer", None], "string")],
)
def test_inherited_types(kinds: list[str | None], inherited: str) -> None:
    """An enum of several enums has their type where they have one."""
    origins = SchemaOrigins()
    others = [enum("1") for _ in kinds]
    for other, kind in zip(others, kinds, strict=True):
        if kind is not None:
            origins.remember_enum_type(other, kind)
    joined = enum("1", "2")
    origins.inherit_enum_type(joined, *others)
    origins.drop_enum(joined)
    assert joined == {"type": inherited}


def test_what_was_cut_off_is_no_alternative() -> None:
    """A plain schema in place of a cut reference is left out, unless there is nothing else, or it got content."""
    origins = SchemaOrigins()
    empty: dict[str, Any] = {"type": "object", "properties": {}}
    named: dict[str, Any] = {"type": "object", "properties": {"a": {}}}
    for schema in (empty, named):
        origins.mark_cut_off(schema)
    assert origins.is_cut_off(empty)
    assert not origins.is_cut_off({"type": "object", "properties": {}})
    assert origins.select_fillable([empty, named]) == [named]
    assert origins.select_fillable([empty]) == [empty]


@pytest.mark.parametrize(
    ("schema", "described"),
    [
        ({"properties": {"a": {}}}, True),
        ({"patternProperties": {"a": {}}}, True),
        ({"additionalProperties": {}}, True),
        ({"additionalProperties": True, "properties": {}}, False),
    ],
)
def test_described_content(schema: dict[str, Any], described: bool) -> None:
    """Named and unnamed properties are content; a boolean describes none."""
    assert describes_content(schema) is described
