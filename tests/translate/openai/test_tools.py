"""Functions and the choice among them, read: every form that clients send, what is told, what is refused."""

from __future__ import annotations

import time
from typing import Any

import pytest

from app.errors import GatewayError
from app.translate.dialogue import Choice, Note, Tool
from app.translate.openai import tools

Told = list[tuple[str, str, str]]
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


def each(*values: Any) -> tuple[Any, ...]:
    """Values of any type."""
    return values


def read(body: dict[str, Any]) -> tuple[list[Tool], Choice, bool, Told]:
    """Tools, choice, whether the client is an older one, and the notes as tuples."""
    notes: list[Note] = []
    found, choice, legacy = tools.read(body, notes)
    return found, choice, legacy, [(note.kind, note.rule, note.path) for note in notes]


def function(name: str = "f", **more: Any) -> dict[str, Any]:
    """A tool of OpenAI's chat."""
    return {"type": "function", "function": {"name": name, **more}}


def tool(name: str = "f", path: str = "tools[0].function", **more: Any) -> Tool:
    """What is read from a definition without more."""
    return Tool(name, more.get("description"), more.get("parameters"), path, more.get("extra", {}))


OWN: dict[str, Any] = {"few_shot_examples": [{"request": "а", "params": {}}], "return_parameters": {"type": "object"}}
FULL: dict[str, Any] = {"description": "Погода", "parameters": SCHEMA}

# body, tools, notes
DEFINED: list[tuple[dict[str, Any], list[Tool], Told]] = [
    ({}, [], []),
    ({"tools": [], "functions": []}, [], []),
    ({"tools": [function()]}, [tool()], []),
    ({"tools": [function(**FULL)]}, [tool(**FULL)], []),
    ({"tools": [function(description=None, parameters=None, strict=None)]}, [tool()], []),
    ({"tools": [function(parameters=[])]}, [tool()], []),
    ({"tools": [function(description="", parameters={}, strict=False)]}, [tool(description="", parameters={})], []),
    ({"tools": [function(strict=True)]}, [tool()], [("dropped", "tools.strict", "tools[0].function.strict")]),
    ({"tools": [function(**FULL, **OWN)]}, [tool(**FULL, extra=OWN)], []),
    ({"tools": [{"type": "function", "name": "f", **FULL}]}, [tool(path="tools[0]", **FULL)], []),
    (
        {"tools": [{"type": "function", "name": "f", "strict": True}]},
        [tool(path="tools[0]")],
        [("dropped", "tools.strict", "tools[0].strict")],
    ),
    ({"tools": [{"function": {"name": "f"}}]}, [tool()], []),
    ({"tools": [function("имя с пробелом")]}, [tool("имя с пробелом")], []),
    ({"tools": [function("f" * 64)]}, [tool("f" * 64)], []),
    (
        {"tools": [{"type": "web_search"}, function("g"), {"type": "custom", "custom": {"name": "p"}}]},
        [tool("g", "tools[1].function")],
        [("dropped", "tools.type", "tools[0]"), ("dropped", "tools.type", "tools[2]")],
    ),
    ({"tools": [function("f"), function("g")]}, [tool("f"), tool("g", "tools[1].function")], []),
    (
        {"tools": [function("f"), function("f", **FULL)]},
        [tool("f")],
        [("dropped", "tools.duplicate", "tools[1].function")],
    ),
    (
        {"tools": [function("f", **FULL), function("f", **FULL)]},
        [tool("f", **FULL)],
        [("equivalent", "tools.duplicate", "tools[1].function")],
    ),
    (
        {"tools": [{**function(), "cache_control": {"type": "ephemeral"}, "mood": 1, "absent": None}]},
        [tool()],
        [("equivalent", "tools.extra", "tools[0].cache_control"), ("dropped", "tools.unknown", "tools[0].mood")],
    ),
    (
        {"tools": [function(mood=1, cache_control={"type": "ephemeral"}, examples=[])]},
        [tool()],
        [
            ("dropped", "tools.unknown", "tools[0].function.mood"),
            ("equivalent", "tools.extra", "tools[0].function.cache_control"),
        ],
    ),
    ({"functions": [{"name": "f", **FULL, **OWN}]}, [tool("f", "functions[0]", **FULL, extra=OWN)], []),
    (
        {"tools": [function("f"), function("g")], "functions": [{"name": "g"}, {"name": "h"}]},
        [tool("f"), tool("g", "tools[1].function"), tool("h", "functions[1]")],
        [("equivalent", "tools.duplicate", "functions[0]")],
    ),
    (
        {"functions": [{"name": "f"}, {"name": "f", "description": "a"}]},
        [tool("f", "functions[0]")],
        [("dropped", "tools.duplicate", "functions[1]")],
    ),
]


@pytest.mark.parametrize(("body", "found", "told"), DEFINED)
def test_definitions_are_read(body: dict[str, Any], found: list[Tool], told: Told) -> None:
    """Each function once, in order, with its place; what is left out is told."""
    got, choice, _, notes = read(body)
    assert (got, notes) == (found, told)
    assert choice == Choice()


# body -> whether the client reads `function_call`
OLDER: list[tuple[dict[str, Any], bool]] = [
    ({}, False),
    ({"tools": [function()]}, False),
    ({"functions": []}, False),
    ({"functions": [{"name": "f"}]}, True),
    ({"functions": [{"name": "f"}], "tools": []}, True),
    ({"functions": [{"name": "f"}], "tools": [function("g")]}, False),
]


@pytest.mark.parametrize(("body", "legacy"), OLDER)
def test_an_older_client_is_known_by_its_functions(body: dict[str, Any], legacy: bool) -> None:
    """Who sends only `functions` is answered in that form."""
    assert read(body)[2] is legacy


TWO = [function("f"), function("g")]
F, G = tool("f"), tool("g", "tools[1].function")
NAMED = {"type": "function", "function": {"name": "g"}}
ALLOWED = ("equivalent", "tool_choice=allowed_tools", "tool_choice")


def allowed(*items: dict[str, Any], mode: Any = "auto") -> dict[str, Any]:
    """A choice of some tools."""
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": list(items)}}


# body beside two tools, tools, choice, notes
CHOSEN: list[tuple[dict[str, Any], list[Tool], Choice, Told]] = [
    ({"tool_choice": None, "function_call": None}, [F, G], Choice(), []),
    ({"tool_choice": "none"}, [F, G], Choice("none"), []),
    ({"tool_choice": "required"}, [F, G], Choice("required"), []),
    ({"tool_choice": NAMED}, [F, G], Choice("named", "g"), []),
    ({"tool_choice": {"type": "function", "name": "g"}}, [F, G], Choice("named", "g"), []),
    ({"tool_choice": allowed(NAMED)}, [G], Choice("auto"), [ALLOWED]),
    ({"tool_choice": allowed(NAMED, mode="required")}, [G], Choice("required"), [ALLOWED]),
    ({"tool_choice": allowed(NAMED, {"type": "function", "name": "f"})}, [F, G], Choice("auto"), [ALLOWED]),
    (
        {"tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]}},
        [F],
        Choice("required"),
        [ALLOWED],
    ),
    (
        {"tool_choice": allowed({"type": "web_search"}, NAMED)},
        [G],
        Choice("auto"),
        [("dropped", "tools.type", "tool_choice.allowed_tools.tools[0]"), ALLOWED],
    ),
    (
        {"tool_choice": allowed({"type": "web_search"})},
        [],
        Choice("auto"),
        [("dropped", "tools.type", "tool_choice.allowed_tools.tools[0]"), ALLOWED],
    ),
    ({"function_call": "auto"}, [F, G], Choice("auto"), []),
    ({"function_call": {"name": "g"}}, [F, G], Choice("named", "g"), []),
    ({"tool_choice": "auto", "function_call": "auto"}, [F, G], Choice("auto"), []),
    (
        {"tool_choice": "required", "function_call": {"name": "g"}},
        [F, G],
        Choice("required"),
        [("dropped", "function_call", "function_call")],
    ),
    ({"parallel_tool_calls": True}, [F, G], Choice(), []),
    ({"parallel_tool_calls": False}, [F, G], Choice(), []),
    ({"tools": [], "tool_choice": "auto"}, [], Choice(), []),
    ({"tools": None, "tool_choice": "none"}, [], Choice(), []),
    ({"tools": [], "parallel_tool_calls": False}, [], Choice(), []),
]


@pytest.mark.parametrize(("body", "found", "choice", "told"), CHOSEN)
def test_a_choice_is_read(body: dict[str, Any], found: list[Tool], choice: Choice, told: Told) -> None:
    """One choice whatever its form; only the allowed tools stay."""
    got, chosen, _, notes = read({"tools": TWO, **body})
    assert (got, chosen, notes) == (found, choice, told)


FUNCTION = "tools[1].function"
ENTRY = "tool_choice.allowed_tools.tools[0]"

BAD_FIELDS: dict[str, list[Any]] = {
    "description": [5, ["a"], {}],
    "parameters": ["{}", True, 5],
    "strict": ["true", 1],
    "few_shot_examples": [{}, "a"],
    "return_parameters": [[], "a"],
}

# body beside two tools, code, the field that is named
BAD: list[tuple[dict[str, Any], str, str]] = [
    *(({"tools": value}, "invalid_value", "tools") for value in each({}, "f", 5, True)),
    *(({"tools": [function(), value]}, "invalid_value", "tools[1]") for value in each(None, "f", [], 5)),
    *(({"tools": [function(), {"type": value}]}, "invalid_value", "tools[1].type") for value in each(5, ["f"])),
    ({"tools": [function(), {"type": None}]}, "missing_required_parameter", "tools[1].type"),
    ({"tools": [function(), {"name": "f"}]}, "missing_required_parameter", "tools[1].type"),
    ({"tools": [function(), {"type": "function"}]}, "missing_required_parameter", FUNCTION),
    ({"tools": [function(), {"type": "function", "function": None}]}, "missing_required_parameter", FUNCTION),
    ({"tools": [function(), {"type": "function", "function": "f"}]}, "invalid_value", FUNCTION),
    ({"tools": [function(), {"type": "function", "function": {}}]}, "missing_required_parameter", f"{FUNCTION}.name"),
    ({"tools": [function(), {"type": "function", "name": None}]}, "missing_required_parameter", "tools[1].name"),
    *(
        ({"tools": [function(), {"type": "function", "function": {"name": name}}]}, "invalid_value", f"{FUNCTION}.name")
        for name in each("", 5, ["f"], {}, True, "secret" * 11)
    ),
    *(
        (
            {"tools": [function(), {"type": "function", "function": {"name": "g", key: value}}]},
            "invalid_value",
            f"{FUNCTION}.{key}",
        )
        for key, values in BAD_FIELDS.items()
        for value in values
    ),
    ({"tools": [{"type": "function", "name": "f", "parameters": [1]}]}, "invalid_value", "tools[0].parameters"),
    ({"functions": {}}, "invalid_value", "functions"),
    ({"functions": ["f"]}, "invalid_value", "functions[0]"),
    ({"functions": [function()]}, "missing_required_parameter", "functions[0].name"),
    ({"functions": [{"name": "f"}, {"name": "g", "parameters": "{}"}]}, "invalid_value", "functions[1].parameters"),
    *(
        ({"tool_choice": value}, "invalid_value", "tool_choice")
        for value in each(5, True, [], "any", "", "f", "secret")
    ),
    ({"tool_choice": {}}, "invalid_value", "tool_choice.type"),
    ({"tool_choice": {"type": "tool", "name": "f"}}, "invalid_value", "tool_choice.type"),
    ({"tool_choice": {"type": ["function"]}}, "invalid_value", "tool_choice.type"),
    ({"tool_choice": {"type": "custom", "custom": {"name": "p"}}}, "unsupported_parameter", "tool_choice.type"),
    ({"tool_choice": {"type": "function"}}, "missing_required_parameter", "tool_choice.function"),
    ({"tool_choice": {"type": "function", "function": "f"}}, "invalid_value", "tool_choice.function"),
    ({"tool_choice": {"type": "function", "function": {}}}, "missing_required_parameter", "tool_choice.function.name"),
    ({"tool_choice": {"type": "function", "function": {"name": 5}}}, "invalid_value", "tool_choice.function.name"),
    ({"tool_choice": {"type": "function", "function": {"name": "secret"}}}, "invalid_value", "tool_choice"),
    ({"tool_choice": {"type": "function", "name": ""}}, "invalid_value", "tool_choice.name"),
    ({"tool_choice": {"type": "function", "name": "secret"}}, "invalid_value", "tool_choice"),
    ({"tools": [], "tool_choice": "required"}, "invalid_value", "tool_choice"),
    ({"tools": [{"type": "web_search"}], "tool_choice": "required"}, "invalid_value", "tool_choice"),
    ({"tools": None, "tool_choice": NAMED}, "invalid_value", "tool_choice"),
    ({"tool_choice": {"type": "allowed_tools"}}, "invalid_value", "tool_choice.mode"),
    ({"tool_choice": {"type": "allowed_tools", "mode": "auto"}}, "invalid_value", "tool_choice.tools"),
    ({"tool_choice": {"type": "allowed_tools", "allowed_tools": []}}, "invalid_value", "tool_choice.allowed_tools"),
    *(
        ({"tool_choice": allowed(NAMED, mode=mode)}, "invalid_value", "tool_choice.allowed_tools.mode")
        for mode in each(None, "none", 5)
    ),
    ({"tool_choice": allowed()}, "invalid_value", "tool_choice.allowed_tools.tools"),
    ({"tool_choice": allowed({})}, "invalid_value", f"{ENTRY}.type"),
    ({"tool_choice": allowed({"type": "function"})}, "missing_required_parameter", f"{ENTRY}.function"),
    ({"tool_choice": allowed({"type": "function", "name": 5})}, "invalid_value", f"{ENTRY}.name"),
    ({"tool_choice": allowed({"type": "function", "name": "secret"})}, "invalid_value", "tool_choice"),
    ({"tool_choice": allowed({"type": "web_search"}, mode="required")}, "invalid_value", "tool_choice"),
    *(({"function_call": value}, "invalid_value", "function_call") for value in each(5, [], "required", "f")),
    ({"function_call": {}}, "missing_required_parameter", "function_call.name"),
    ({"function_call": {"name": 5}}, "invalid_value", "function_call.name"),
    ({"function_call": {"name": "secret"}}, "invalid_value", "function_call"),
    ({"function_call": 5, "tool_choice": "auto"}, "invalid_value", "function_call"),
    *(({"parallel_tool_calls": value}, "invalid_value", "parallel_tool_calls") for value in each("yes", 1, [])),
]


@pytest.mark.parametrize(("body", "code", "param"), BAD)
def test_a_bad_tool_or_choice_is_named(body: dict[str, Any], code: str, param: str) -> None:
    """A 400 names the very field, and repeats no value of the client's."""
    with pytest.raises(GatewayError) as caught:
        read({"tools": TWO, **body})
    assert (caught.value.row.status, caught.value.row.code, caught.value.param) == (400, code, param)
    assert f"'{param}'" in caught.value.message
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("key", ["", "\r\nSet-Cookie: a=b", "k" * 10_000, "ключ"])
def test_weird_keys_are_told_in_one_short_line(key: str) -> None:
    """A client's key comes back in a path only: printable and short."""
    ((_, rule, path),) = read({"tools": [{"type": "function", "function": {"name": "f", key: 1}}]})[3]
    assert rule == "tools.unknown"
    assert path.isprintable()
    assert len(path) < 100


def test_many_tools_take_linear_time() -> None:
    """20,000 functions, each twice and each allowed, cost what their number costs."""
    many = [function(f"f{number}") for number in range(20_000)]
    started = time.process_time()
    found, _, _, notes = read({"tools": many * 2, "tool_choice": allowed(*many)})
    assert (len(found), len(notes)) == (20_000, 20_001)
    assert time.process_time() - started < 5
