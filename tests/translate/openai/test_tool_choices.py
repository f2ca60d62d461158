"""The choice among functions, read: every form that clients send, what is told, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import GatewayError
from app.translate.dialogue import Choice, Note, Tool
from app.translate.openai import tool_choices

Told = list[tuple[str, str, str]]
F, G = Tool("f", None, None, "tools[0].function"), Tool("g", None, None, "tools[1].function")


def each(*values: Any) -> tuple[Any, ...]:
    """Values of any type."""
    return values


def read(body: dict[str, Any]) -> tuple[list[Tool], Choice, Told]:
    """The functions that stay of two, the choice, and the notes as tuples."""
    notes: list[Note] = []
    found, choice = tool_choices.read(body, body.get("functions", [F, G]), notes)
    return found, choice, [(note.kind, note.rule, note.path) for note in notes]


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
    *(({"functions": [], "tool_choice": word}, [], Choice(), []) for word in ("auto", "none")),
    *(({"tool_choice": value, "function_call": value}, [F, G], Choice(), []) for value in each([], {})),
]


@pytest.mark.parametrize(("body", "found", "choice", "told"), CHOSEN)
def test_a_choice_is_read(body: dict[str, Any], found: list[Tool], choice: Choice, told: Told) -> None:
    """One choice whatever its form; only the allowed tools stay."""
    assert read(body) == (found, choice, told)


REQUIRED, ANY_G = Choice("required"), Choice("named", "g")
# one form for both fields, the choice
FORMS: list[tuple[Any, Choice]] = [
    ("any", REQUIRED),
    ("ANY", REQUIRED),
    ("Auto", Choice("auto")),
    ("g", ANY_G),
    ({"type": "auto"}, Choice("auto")),
    ({"type": "none"}, Choice("none")),
    ({"type": "any"}, REQUIRED),
    ({"type": "required"}, REQUIRED),
    ({"type": "tool", "name": "g"}, ANY_G),
    ({"type": "tool", "function": {"name": "g"}}, ANY_G),
    ({"type": "tool", "tool": {"name": "g"}}, ANY_G),
    ({"type": "custom", "name": "g"}, ANY_G),
    ({"type": "custom", "custom": {"name": "g"}}, ANY_G),
    ({"type": "function", "function": {"name": "g"}}, ANY_G),
    ({"type": "function", "function": "g"}, ANY_G),
    ({"type": "function", "name": "g"}, ANY_G),
    ({"function": {"name": "g"}}, ANY_G),
    ({"name": "g"}, ANY_G),
    ({"type": None, "name": "g"}, ANY_G),
    ({"tool": {"name": "g"}}, ANY_G),
    ({"type": "function", "function": {}, "name": "g"}, ANY_G),
]


@pytest.mark.parametrize("field", ["tool_choice", "function_call"])
@pytest.mark.parametrize(("value", "choice"), FORMS)
def test_a_clear_form_is_read_whoever_invented_it(value: Any, choice: Choice, field: str) -> None:
    """The same in the older field, and with what other vendors put beside."""
    assert read({field: value}) == ([F, G], choice, [])
    if isinstance(value, dict):
        (silent,) = read({field: {**value, "disable_parallel_tool_use": True}})[2]
        assert silent == ("equivalent", f"{field}.extra", f"{field}.disable_parallel_tool_use")
        assert read({field: {**value, "x": 1}})[2] == [("dropped", f"{field}.unknown", f"{field}.x")]


@pytest.mark.parametrize(("value", "mode"), [({"auto": {}}, "auto"), ({"any": {}}, "required"), (" auto ", "auto")])
def test_a_word_may_be_a_key(value: Any, mode: Any) -> None:
    """Bedrock writes it so."""
    assert read({"tool_choice": value}) == ([F, G], Choice(mode), [])


def test_both_fields_may_say_the_same_in_two_forms() -> None:
    """What is the same is no loss."""
    assert read({"tool_choice": {"type": "tool", "name": "g"}, "function_call": {"name": "g"}})[2] == []
    assert read({"tool_choice": {"type": "any"}, "function_call": "required"})[2] == []


def test_an_allowed_tool_may_have_any_form() -> None:
    """One that is a function stays, in whatever words."""
    for item in ({"name": "g"}, {"function": {"name": "g"}}, {"type": "custom", "name": "g"}):
        assert read({"tool_choice": {"allowed_tools": {"mode": "any", "tools": [item]}}})[:2] == ([G], REQUIRED)


ENTRY = "tool_choice.allowed_tools.tools[0]"
# body beside two functions, code, the field that is named
BAD: list[tuple[dict[str, Any], str, str]] = [
    *(({"tool_choice": value}, "invalid_value", "tool_choice") for value in each(5, True, [1], "", "F", "secret")),
    ({"tool_choice": {"x": 1}}, "invalid_value", "tool_choice.type"),
    ({"tool_choice": {"type": "secret"}}, "invalid_value", "tool_choice.type"),
    ({"tool_choice": {"type": "tool"}}, "missing_required_parameter", "tool_choice.name"),
    ({"tool_choice": {"type": "tool", "name": "secret"}}, "invalid_value", "tool_choice"),
    ({"tool_choice": {"type": ["function"]}}, "invalid_value", "tool_choice.type"),
    ({"tool_choice": {"type": "custom", "custom": {"name": "p"}}}, "unsupported_parameter", "tool_choice.type"),
    ({"tool_choice": {"type": "function"}}, "missing_required_parameter", "tool_choice.function"),
    ({"tool_choice": {"type": "function", "function": 5}}, "invalid_value", "tool_choice.function"),
    ({"tool_choice": {"type": "function", "function": {}}}, "missing_required_parameter", "tool_choice.function.name"),
    ({"tool_choice": {"type": "function", "function": {"name": 5}}}, "invalid_value", "tool_choice.function.name"),
    ({"tool_choice": {"type": "function", "function": {"name": "secret"}}}, "invalid_value", "tool_choice"),
    ({"tool_choice": {"type": "function", "name": ""}}, "invalid_value", "tool_choice.name"),
    ({"tool_choice": {"name": "n" * 1025}}, "invalid_value", "tool_choice.name"),
    ({"tool_choice": {"type": "function", "name": "secret"}}, "invalid_value", "tool_choice"),
    ({"functions": [], "tool_choice": "required"}, "invalid_value", "tool_choice"),
    ({"functions": [], "tool_choice": {"type": "any"}}, "invalid_value", "tool_choice"),
    ({"functions": [], "tool_choice": NAMED}, "invalid_value", "tool_choice"),
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
    *(({"function_call": value}, "invalid_value", "function_call") for value in each(5, [1], "secret")),
    ({"function_call": {"x": 1}}, "missing_required_parameter", "function_call.name"),
    ({"function_call": {"name": 5}}, "invalid_value", "function_call.name"),
    ({"function_call": {"name": "secret"}}, "invalid_value", "function_call"),
    ({"function_call": 5, "tool_choice": "auto"}, "invalid_value", "function_call"),
]


@pytest.mark.parametrize(("body", "code", "param"), BAD)
def test_a_bad_choice_is_named(body: dict[str, Any], code: str, param: str) -> None:
    """A 400 names the very field, and repeats no value of the client's."""
    with pytest.raises(GatewayError) as caught:
        read(body)
    assert (caught.value.kind.status, caught.value.kind.name, caught.value.param) == (400, code, param)
    assert f"'{param}'" in caught.value.message
    assert "secret" not in caught.value.message
