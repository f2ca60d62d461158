"""OpenAI's messages, read: every form that clients send, what is told, and what is refused with the field's name."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import GatewayError
from app.translate.dialogue import Note, Refusal, Text, Turn
from app.translate.openai import messages

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}

# message, role, parts, notes as (kind, rule, path)
READ: list[tuple[dict[str, Any], str, list[Any], list[tuple[str, str, str]]]] = [
    ({"role": "user", "content": "а"}, "user", [Text("а")], []),
    ({"content": "a", "role": "system"}, "system", [Text("a")], []),
    ({"role": "developer", "content": "a"}, "system", [Text("a")], []),
    ({"role": "assistant", "content": "a"}, "assistant", [Text("a")], []),
    ({"role": "assistant", "content": ""}, "assistant", [Text("")], []),
    ({"role": "assistant", "content": None}, "assistant", [], []),
    ({"role": "assistant"}, "assistant", [], []),
    ({"role": "assistant", "refusal": "No."}, "assistant", [Refusal("No.")], []),
    ({"role": "assistant", "content": None, "refusal": "No."}, "assistant", [Refusal("No.")], []),
    ({"role": "assistant", "content": "a", "refusal": None}, "assistant", [Text("a")], []),
    ({"role": "assistant", "content": "a", "tool_calls": [], "function_call": None}, "assistant", [Text("a")], []),
    ({"role": "user", "content": []}, "user", [], []),
    (
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": ""}]},
        "user",
        [Text("a"), Text("")],
        [],
    ),
    ({"role": "user", "content": [{"type": "input_text", "text": "a"}]}, "user", [Text("a")], []),
    ({"role": "assistant", "content": [{"type": "output_text", "text": "a"}]}, "assistant", [Text("a")], []),
    ({"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}, "assistant", [Refusal("No.")], []),
    ({"role": "system", "content": ["a", "b"]}, "system", [Text("a"), Text("b")], []),
    (
        {"role": "user", "content": "a", "name": "Иван"},
        "user",
        [Text("a")],
        [("dropped", "messages.name", "messages[0].name")],
    ),
    ({"role": "user", "name": "Ann"}, "user", [], [("dropped", "messages.name", "messages[0].name")]),
    ({"role": "user", "content": "a", "name": None}, "user", [Text("a")], []),
    (
        {"role": "user", "content": "a", "mood": 1},
        "user",
        [Text("a")],
        [("dropped", "messages.unknown", "messages[0].mood")],
    ),
    ({"role": "user", "content": "a", "mood": None}, "user", [Text("a")], []),
    (
        {"role": "assistant", "content": "a", "reasoning_content": "b"},
        "assistant",
        [Text("a")],
        [("equivalent", "messages.extra", "messages[0].reasoning_content")],
    ),
    ({"role": "assistant", "content": "a", "annotations": []}, "assistant", [Text("a")], []),
]


@pytest.mark.parametrize(("message", "role", "parts", "told"), READ)
def test_a_message_is_read(
    message: dict[str, Any], role: str, parts: list[Any], told: list[tuple[str, str, str]]
) -> None:
    """Role and parts in order; what is lost is told with its path."""
    notes: list[Note] = []
    (turn,) = messages.read([message], notes)
    assert (turn.role, turn.parts, turn.path) == (role, parts, "messages[0]")
    assert [(note.kind, note.rule, note.path) for note in notes] == told


# messages, code, param
REFUSED: list[tuple[Any, str, str]] = [
    (None, "missing_required_parameter", "messages"),
    ([], "invalid_value", "messages"),
    ("Hi", "invalid_value", "messages"),
    ({"role": "user", "content": "a"}, "invalid_value", "messages"),
    (["Hi"], "invalid_value", "messages[0]"),
    ([None], "invalid_value", "messages[0]"),
    ([{}], "invalid_value", "messages[0].role"),
    ([{"role": None, "content": "a"}], "invalid_value", "messages[0].role"),
    ([{"role": ["user"], "content": "a"}], "invalid_value", "messages[0].role"),
    ([{"role": "robot", "content": "a"}], "invalid_value", "messages[0].role"),
    ([{"role": "User", "content": "a"}], "invalid_value", "messages[0].role"),
    ([{"role": "tool", "tool_call_id": "1", "content": "a"}], "unsupported_parameter", "messages[0].role"),
    ([{"role": "function", "name": "f", "content": "a"}], "unsupported_parameter", "messages[0].role"),
    ([{"role": "assistant", "tool_calls": [{}]}], "unsupported_parameter", "messages[0].tool_calls"),
    ([{"role": "assistant", "function_call": {"name": "f"}}], "unsupported_parameter", "messages[0].function_call"),
    ([{"role": "user", "content": 5}], "invalid_value", "messages[0].content"),
    ([{"role": "user", "content": {"type": "text", "text": "a"}}], "invalid_value", "messages[0].content"),
    ([{"role": "user", "content": [5]}], "invalid_value", "messages[0].content[0]"),
    ([{"role": "user", "content": [None]}], "invalid_value", "messages[0].content[0]"),
    ([{"role": "user", "content": [{"text": "a"}]}], "invalid_value", "messages[0].content[0].type"),
    ([{"role": "user", "content": [{"type": "poem", "text": "a"}]}], "invalid_value", "messages[0].content[0].type"),
    ([{"role": "user", "content": [{"type": "text"}]}], "invalid_value", "messages[0].content[0].text"),
    ([{"role": "user", "content": [{"type": "text", "text": 5}]}], "invalid_value", "messages[0].content[0].text"),
    ([{"role": "user", "content": [{"type": "refusal"}]}], "invalid_value", "messages[0].content[0].refusal"),
    ([{"role": "user", "content": ["a", PICTURE]}], "unsupported_parameter", "messages[0].content[1]"),
    ([{"role": "user", "content": "a"}, {"role": "user", "content": 5}], "invalid_value", "messages[1].content"),
    ([{"role": "assistant", "content": "a", "refusal": 5}], "invalid_value", "messages[0].refusal"),
]


@pytest.mark.parametrize(("value", "code", "param"), REFUSED)
def test_a_bad_message_is_named(value: Any, code: str, param: str) -> None:
    """A 400 names the very field, and repeats no value of the client's."""
    with pytest.raises(GatewayError) as caught:
        messages.read(value, [])
    assert (caught.value.row.status, caught.value.row.code, caught.value.param) == (400, code, param)
    assert "robot" not in caught.value.message
    assert "poem" not in caught.value.message


def test_order_and_places_are_kept() -> None:
    """Turns stand in the client's order, each with its index."""
    roles = ["user", "system", "assistant", "user", "developer"]
    turns = messages.read([{"role": role, "content": f"{index}"} for index, role in enumerate(roles)], [])
    assert turns == [
        Turn("user", [Text("0")], "messages[0]"),
        Turn("system", [Text("1")], "messages[1]"),
        Turn("assistant", [Text("2")], "messages[2]"),
        Turn("user", [Text("3")], "messages[3]"),
        Turn("system", [Text("4")], "messages[4]"),
    ]


@pytest.mark.parametrize("key", ["", "\r\nSet-Cookie: a=b", "\x00", "k" * 10_000, "ключ", "a, b;n=2"])
def test_weird_keys_are_told_in_one_short_line(key: str) -> None:
    """A client's key comes back in a path only: printable, short, never in a rule."""
    notes: list[Note] = []
    messages.read([{"role": "user", "content": "a", key: 1}], notes)
    (note,) = notes
    assert note.rule == "messages.unknown"
    assert note.path.isprintable()
    assert len(note.path) < 100
