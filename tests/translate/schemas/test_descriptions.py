"""Descriptions of schemas."""

from __future__ import annotations

from typing import Any

from app.translate.schemas.descriptions import add_remark, join_descriptions


def test_joined_once() -> None:
    """Each text stands once, in a line of its own; empty ones are left out."""
    schema: dict[str, Any] = {}
    join_descriptions(schema, [None, ""])
    assert schema == {}
    join_descriptions(schema, ["a", None, "b", "a"])
    assert schema == {"description": "a\nb"}


def test_remarks_follow() -> None:
    """A remark follows what is said already."""
    schema: dict[str, Any] = {}
    add_remark(schema, "x")
    add_remark(schema, "y")
    assert schema == {"description": "(x) (y)"}
