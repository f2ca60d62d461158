"""A function and a choice have two forms, the chat's and the flat one: which is read where both came."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import GatewayError
from app.translate.dialogue import Choice, Note
from app.translate.openai import tools

NESTED: dict[str, Any] = {"type": "function", "function": {"name": "f"}}


def test_a_nested_definition_goes_before_a_flat_name() -> None:
    """What stands beside `function` is told, not read."""
    notes: list[Note] = []
    found, _, _ = tools.read({"tools": [{**NESTED, "name": "g"}]}, notes)
    assert [(tool.name, tool.path) for tool in found] == [("f", "tools[0].function")]
    assert [(note.kind, note.rule, note.path) for note in notes] == [("dropped", "tools.unknown", "tools[0].name")]


def test_a_nested_choice_goes_before_a_flat_name() -> None:
    """`function.name` is the name."""
    body = {"tools": [NESTED, {"type": "function", "name": "g"}], "tool_choice": {**NESTED, "name": "g"}}
    assert tools.read(body, [])[1] == Choice("named", "f")


@pytest.mark.parametrize("entry", [7, "f", None])
def test_what_is_allowed_is_an_object(entry: Any) -> None:
    """An entry that is none is named, in both forms of `allowed_tools`."""
    allowed = {"mode": "auto", "tools": [NESTED, entry]}
    for choice, path in (
        ({"type": "allowed_tools", **allowed}, "tool_choice.tools[1]"),
        ({"type": "allowed_tools", "allowed_tools": allowed}, "tool_choice.allowed_tools.tools[1]"),
    ):
        with pytest.raises(GatewayError) as caught:
            tools.read({"tools": [NESTED], "tool_choice": choice}, [])
        assert (caught.value.row.status, caught.value.param) == (400, path)
