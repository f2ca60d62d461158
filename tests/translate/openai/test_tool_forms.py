"""The forms of a function and of a choice, other vendors' too; which is read where two came."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import GatewayError
from app.translate.dialogue import Choice, Note
from app.translate.openai import tools

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
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
        assert (caught.value.kind.status, caught.value.param) == (400, path)


# an entry of `tools`, where the function's name stands
FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "chat": ({"type": "function", "function": {"name": "f", "parameters": SCHEMA}}, ".function"),
    "chat, no type": ({"function": {"name": "f", "parameters": SCHEMA}}, ".function"),
    "responses": ({"type": "function", "name": "f", "parameters": SCHEMA}, ""),
    "responses, no type": ({"name": "f", "parameters": SCHEMA}, ""),
    "anthropic": ({"name": "f", "input_schema": SCHEMA}, ""),
    "anthropic, custom": ({"type": "custom", "name": "f", "input_schema": SCHEMA}, ""),
    "anthropic, custom inside": ({"type": "custom", "custom": {"name": "f", "input_schema": SCHEMA}}, ".custom"),
    "anthropic in chat": ({"type": "function", "function": {"name": "f", "input_schema": SCHEMA}}, ".function"),
    "mcp": ({"name": "f", "inputSchema": SCHEMA, "annotations": {"readOnlyHint": True}}, ""),
    "mcp in chat": ({"type": "function", "function": {"name": "f", "inputSchema": SCHEMA}}, ".function"),
    "mcp, function": ({"type": "function", "name": "f", "inputSchema": SCHEMA}, ""),
    "parameters beside": ({"type": "function", "function": {"name": "f"}, "parameters": SCHEMA}, ".function"),
    "schema beside": ({"type": "function", "function": {"name": "f"}, "input_schema": SCHEMA}, ".function"),
    "empty parameters": ({"name": "f", "parameters": {}, "input_schema": SCHEMA}, ""),
    "no parameters": ({"name": "f", "parameters": None, "inputSchema": SCHEMA}, ""),
    "gemini": ({"functionDeclarations": [{"name": "f", "parameters": SCHEMA}]}, ".functionDeclarations[0]"),
    "gemini, snake": (
        {"function_declarations": [{"name": "f", "parameters_json_schema": SCHEMA}]},
        ".function_declarations[0]",
    ),
    "an empty function": ({"type": "function", "function": [], "name": "f", "parameters": SCHEMA}, ""),
    "capitals": ({"type": "FUNCTION", "function": {"name": "f", "parameters": SCHEMA}}, ".function"),
    "ai sdk": ({"name": "f", "inputSchema": {"jsonSchema": SCHEMA}}, ""),
    "bedrock": ({"toolSpec": {"name": "f", "inputSchema": {"json": SCHEMA}}}, ".toolSpec"),
}


@pytest.mark.parametrize("field", ["tools", "functions"])
@pytest.mark.parametrize(("entry", "place"), FORMS.values(), ids=FORMS)
def test_parameters_are_never_lost(entry: dict[str, Any], place: str, field: str) -> None:
    """One function with its arguments, whoever invented the form; nothing is told as lost."""
    notes: list[Note] = []
    found, _, _ = tools.read({field: [entry]}, notes)
    assert [(tool.name, tool.parameters, tool.path) for tool in found] == [("f", SCHEMA, f"{field}[0]{place}")]
    assert {note.kind for note in notes} <= {"equivalent"}


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 5},
        {"type": "computer_20250124", "name": "computer", "display_width_px": 1024},
        {"type": "bash_20250124", "name": "bash"},
        {"type": "custom", "name": "patch", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}},
        {"type": "custom", "custom": {"name": "patch"}},
        {"type": "builtin_function", "function": {"name": "$web_search"}},
        {"type": "mcp", "server_label": "s", "server_url": "https://a.example"},
    ],
)
def test_tools_of_a_vendors_server_are_left_out(entry: dict[str, Any]) -> None:
    """They take no arguments that a model could give; it is told."""
    notes: list[Note] = []
    found, _, _ = tools.read({"tools": [entry, NESTED]}, notes)
    assert [tool.name for tool in found] == ["f"]
    assert notes == [Note("dropped", "tools.type", "tools[0]")]


@pytest.mark.parametrize(
    ("entry", "names", "lost"),
    [
        ({"functionDeclarations": []}, [], []),
        ({"googleSearch": {}}, [], ["tools[0].googleSearch"]),
        ({"functionDeclarations": [{"name": "f"}], "code_execution": {}}, ["f"], ["tools[0].code_execution"]),
    ],
)
def test_a_tool_of_geminis_may_be_its_servers(entry: dict[str, Any], names: list[str], lost: list[str]) -> None:
    """Beside functions, or alone."""
    notes: list[Note] = []
    assert [tool.name for tool in tools.read({"tools": [entry]}, notes)[0]] == names
    assert [note.path for note in notes if note.kind == "dropped"] == lost


def test_two_schemas_that_differ_are_told() -> None:
    """The first one is read; one that says the same is no loss."""
    notes: list[Note] = []
    tools.read({"tools": [{"name": "f", "parameters": SCHEMA, "input_schema": SCHEMA}]}, notes)
    tools.read({"tools": [{"name": "f", "parameters": SCHEMA, "input_schema": {"type": "object", "x": 1}}]}, notes)
    told = [(note.kind, note.rule, note.path) for note in notes if note.kind != "equivalent"]
    assert told == [("dropped", "tools.parameters", "tools[0].input_schema")]


@pytest.mark.parametrize("key", ["parameters", "input_schema"])
def test_a_schema_may_be_a_text(key: str) -> None:
    """JSON that was written twice, and told."""
    notes: list[Note] = []
    found, _, _ = tools.read(
        {"tools": [{"type": "function", "function": {"name": "f", key: '{"type": "object"}'}}]}, notes
    )
    assert found[0].parameters == {"type": "object"}
    assert [note.rule for note in notes] == ["schema=text->object"]
