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
    ({"tools": [function(**FULL, strict=False)]}, [tool(**FULL)], []),
    (
        {"tools": [function(**FULL, strict=True)]},
        [tool(**FULL)],
        [("dropped", "tools.strict", "tools[0].function.strict")],
    ),
    ({"tools": [function(**FULL, mood=1)]}, [tool(**FULL)], [("dropped", "tools.unknown", "tools[0].function.mood")]),
    ({"tools": [{**function(**FULL), "mood": 1}]}, [tool(**FULL)], [("dropped", "tools.unknown", "tools[0].mood")]),
    ({"tools": [function(**FULL, **OWN)]}, [tool(**FULL, extra=OWN)], []),
    ({"tools": [{"type": "function", "name": "f", **FULL}]}, [tool(path="tools[0]", **FULL)], []),
    (
        {"tools": [{"type": "function", "name": "f", "strict": True}]},
        [tool(path="tools[0]")],
        [("dropped", "tools.strict", "tools[0].strict")],
    ),
    ({"tools": [{"function": {"name": "f"}}]}, [tool()], []),
    ({"tools": [function("имя с пробелом")]}, [tool("имя с пробелом")], []),
    *(({"tools": [function("f" * length)]}, [tool("f" * length)], []) for length in (64, 65, 129, 1024)),
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
FUNCTION = "tools[1].function"

BAD_FIELDS: dict[str, list[Any]] = {
    "description": [5, ["a"], {}],
    "parameters": ["{", "[]", "5", True, 5],
    "strict": ["true", 1],
    "few_shot_examples": [{}, "a"],
    "return_parameters": [[1], "a"],
}

# body beside two tools, code, the field that is named
BAD: list[tuple[dict[str, Any], str, str]] = [
    *(({"tools": value}, "invalid_value", "tools") for value in each({}, "f", 5, True)),
    *(({"tools": [function(), value]}, "invalid_value", "tools[1]") for value in each(None, "f", [], 5)),
    *(({"tools": [function(), {"type": value}]}, "invalid_value", "tools[1].type") for value in each(5, ["f"])),
    ({"tools": [function(), {"type": None}]}, "missing_required_parameter", "tools[1].type"),
    ({"tools": [function(), {"description": "f"}]}, "missing_required_parameter", "tools[1].type"),
    ({"tools": [function(), {"type": "function"}]}, "missing_required_parameter", FUNCTION),
    ({"tools": [function(), {"type": "function", "function": None}]}, "missing_required_parameter", FUNCTION),
    ({"tools": [function(), {"type": "function", "function": "f"}]}, "invalid_value", FUNCTION),
    ({"tools": [function(), {"type": "function", "function": {}}]}, "missing_required_parameter", f"{FUNCTION}.name"),
    ({"tools": [function(), {"type": "function", "name": None}]}, "missing_required_parameter", "tools[1].name"),
    *(
        ({"tools": [function(), {"type": "function", "function": {"name": name}}]}, "invalid_value", f"{FUNCTION}.name")
        for name in each("", 5, ["f"], {}, True, "secret" * 171)
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
    ({"functions": [{}]}, "missing_required_parameter", "functions[0].name"),
    ({"functions": [{"name": "f"}, {"name": "g", "parameters": "{"}]}, "invalid_value", "functions[1].parameters"),
    *(({"parallel_tool_calls": value}, "invalid_value", "parallel_tool_calls") for value in each("yes", 1, [])),
]


@pytest.mark.parametrize(("body", "code", "param"), BAD)
def test_a_bad_tool_or_choice_is_named(body: dict[str, Any], code: str, param: str) -> None:
    """A 400 names the very field, and repeats no value of the client's."""
    with pytest.raises(GatewayError) as caught:
        read({"tools": TWO, **body})
    assert (caught.value.kind.status, caught.value.kind.name, caught.value.param) == (400, code, param)
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
    found, _, _, notes = read(
        {"tools": many * 2, "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": many}}
    )
    assert (len(found), len(notes)) == (20_000, 20_001)
    assert time.process_time() - started < 5
