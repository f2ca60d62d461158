"""OpenAI's messages, read: every form that clients send, what is told, and what is refused with the field's name."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.errors import GatewayError
from app.translate.dialogue import Call, Note, Result, Text, Turn
from app.translate.openai import messages


def each(*values: Any) -> tuple[Any, ...]:
    """Values of any type."""
    return values


VIDEO = {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AA=="}}

# message, role, parts, notes as (kind, rule, path)
READ: list[tuple[dict[str, Any], str, list[Any], list[tuple[str, str, str]]]] = [
    ({"role": "user", "content": "а"}, "user", [Text("а")], []),
    ({"content": "a", "role": "system"}, "system", [Text("a")], []),
    ({"role": "developer", "content": "a"}, "system", [Text("a")], []),
    ({"role": "assistant", "content": "a"}, "assistant", [Text("a")], []),
    ({"role": "assistant", "content": ""}, "assistant", [Text("")], []),
    ({"role": "assistant", "content": None}, "assistant", [], []),
    ({"role": "assistant"}, "assistant", [], []),
    ({"role": "assistant", "refusal": "No."}, "assistant", [Text("No.")], []),
    ({"role": "assistant", "content": None, "refusal": "No."}, "assistant", [Text("No.")], []),
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
    ({"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}, "assistant", [Text("No.")], []),
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
    (
        {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "b"}, "mood": 1}]},
        "user",
        [Text("a")],
        [
            ("equivalent", "messages.extra", "messages[0].content[0].cache_control"),
            ("dropped", "messages.unknown", "messages[0].content[0].mood"),
        ],
    ),
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
    ([], "invalid_value", "messages"),
    ("Hi", "invalid_value", "messages"),
    ({"role": "user", "content": "a"}, "invalid_value", "messages"),
    (["Hi"], "invalid_value", "messages[0]"),
    ([None], "invalid_value", "messages[0]"),
    ([{}], "invalid_value", "messages[0].role"),
    ([{"role": None, "content": "a"}], "invalid_value", "messages[0].role"),
    ([{"role": ["user"], "content": "a"}], "invalid_value", "messages[0].role"),
    ([{"role": "robot", "content": "a"}], "invalid_value", "messages[0].role"),
    ([{"role": "user", "content": "a", "tool_calls": [{"id": "1"}]}], "invalid_value", "messages[0].tool_calls"),
    ([{"role": "system", "function_call": {"name": "f"}}], "invalid_value", "messages[0].function_call"),
    ([{"role": "user", "content": 5}], "invalid_value", "messages[0].content"),
    ([{"role": "user", "content": {"a": 1}}], "invalid_value", "messages[0].content"),
    ([{"role": "user", "content": [5]}], "invalid_value", "messages[0].content[0]"),
    ([{"role": "user", "content": [None]}], "invalid_value", "messages[0].content[0]"),
    ([{"role": "user", "content": [{"name": "a"}]}], "invalid_value", "messages[0].content[0].type"),
    ([{"role": "user", "content": [{"type": "tool_use", "name": "f"}]}], "invalid_value", "messages[0].content[0]"),
    ([{"role": "user", "content": [{"type": ["text"]}]}], "invalid_value", "messages[0].content[0].type"),
    ([{"role": "user", "attachments": [5]}], "invalid_value", "messages[0].attachments[0]"),
    ([{"role": "user", "content": [{"type": "poem", "text": "a"}]}], "invalid_value", "messages[0].content[0].type"),
    ([{"role": "user", "content": [{"type": "text"}]}], "invalid_value", "messages[0].content[0].text"),
    ([{"role": "user", "content": [{"type": "text", "text": 5}]}], "invalid_value", "messages[0].content[0].text"),
    ([{"role": "user", "content": [{"type": "refusal"}]}], "invalid_value", "messages[0].content[0].refusal"),
    ([{"role": "user", "content": ["a", VIDEO]}], "unsupported_parameter", "messages[0].content[1]"),
    ([{"role": "user", "content": "a"}, {"role": "user", "content": 5}], "invalid_value", "messages[1].content"),
    ([{"role": "user", "content": "a", "refusal": 5}], "invalid_value", "messages[0].refusal"),
    (
        [{"role": "assistant", "content": "a"}, {"role": "robot", "content": "a"}],
        "invalid_value",
        "messages[1].role",
    ),
]


@pytest.mark.parametrize(("value", "code", "param"), REFUSED)
def test_a_bad_message_is_named(value: Any, code: str, param: str) -> None:
    """A 400 names the very field, and repeats no value of the client's."""
    with pytest.raises(GatewayError) as caught:
        messages.read(value, [])
    assert (caught.value.kind.status, caught.value.kind.name, caught.value.param) == (400, code, param)
    assert "robot" not in caught.value.message
    assert "poem" not in caught.value.message


def called(number: str, name: str = "f", arguments: Any = "{}") -> dict[str, Any]:
    """A call as clients send it back."""
    return {"id": number, "type": "function", "function": {"name": name, "arguments": arguments}}


# message, role, parts, notes: a message of calls or of a result
CALLED: list[tuple[dict[str, Any], str, list[Any], list[tuple[str, str, str]]]] = [
    ({"role": "assistant", "tool_calls": [called("1")]}, "assistant", [Call("1", "f", {})], []),
    ({"role": "assistant", "content": None, "tool_calls": [called("1")]}, "assistant", [Call("1", "f", {})], []),
    (
        {"role": "assistant", "content": "", "tool_calls": [called("1")], "refusal": None},
        "assistant",
        [Text(""), Call("1", "f", {})],
        [],
    ),
    (
        {"role": "assistant", "tool_calls": [called("1", "f", '{"a": 1}'), called("2", "g")], "content": ["a", "b"]},
        "assistant",
        [Text("a"), Text("b"), Call("1", "f", {"a": 1}), Call("2", "g", {})],
        [],
    ),
    (
        {"role": "assistant", "tool_calls": [called("1")], "refusal": "No.", "name": "Ann"},
        "assistant",
        [Text("No."), Call("1", "f", {})],
        [("dropped", "messages.name", "messages[0].name")],
    ),
    ({"role": "user", "content": "a", "tool_calls": [], "function_call": None}, "user", [Text("a")], []),
    ({"role": "tool", "tool_call_id": "1", "content": "a"}, "tool", [Result("1", None, [Text("a")])], []),
    *(
        ({"role": "tool", "tool_call_id": number, "content": ""}, "tool", [Result("", None, [Text("")])], [])
        for number in each("", None, False, [], {})
    ),
    ({"role": "tool", "content": ""}, "tool", [Result("", None, [Text("")])], []),
    ({"role": "tool", "tool_call_id": 7, "content": ""}, "tool", [Result("7", None, [Text("")])], []),
    ({"role": "tool", "tool_call_id": "1", "name": ["f"]}, "tool", [Result("1", None, [])], []),
    ({"role": "function", "content": "a"}, "tool", [Result("", None, [Text("a")])], []),
    (
        {"role": "tool", "tool_call_id": "1", "content": {"a": 1}},
        "tool",
        [Result("1", None, [Text('{"result":{"a":1}}')])],
        [],
    ),
    ({"role": "tool", "tool_call_id": "1", "content": 42}, "tool", [Result("1", None, [Text("42")])], []),
    (
        {"role": "tool", "tool_call_id": "1", "content": [{"a": "б"}]},
        "tool",
        [Result("1", None, [Text('[{"a":"б"}]')])],
        [],
    ),
    (
        {"role": "tool", "tool_call_id": "1", "content": ["a", VIDEO, {"b": 1}]},
        "tool",
        [Result("1", None, [Text("a"), Text(orjson.dumps(VIDEO).decode()), Text('{"b":1}')])],
        [],
    ),
    (
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "file", "name": "a.txt"}]},
        "tool",
        [Result("1", None, [Text('[{"type":"file","name":"a.txt"}]')])],
        [],
    ),
    (
        {
            "role": "tool",
            "tool_call_id": "1",
            "content": [{"type": "image", "url": "https://a.b/c.png", "title": "Кот"}],
        },
        "tool",
        [Result("1", None, [Text('[{"type":"image","url":"https://a.b/c.png","title":"Кот"}]')])],
        [],
    ),
    ({"type": "function_call_output", "call_id": "1", "output": "a"}, "tool", [Result("1", None, [Text("a")])], []),
    (
        {
            "role": "tool",
            "content": [
                {
                    "type": "tool-result",
                    "toolCallId": "1",
                    "toolName": "f",
                    "output": {"type": "json", "value": {"a": 1}},
                }
            ],
        },
        "tool",
        [Result("1", "f", [Text('{"result":{"a":1}}')])],
        [],
    ),
    ({"role": "tool", "tool_call_id": "1", "name": "f"}, "tool", [Result("1", "f", [])], []),
    ({"role": "tool", "tool_call_id": "1", "content": None}, "tool", [Result("1", None, [])], []),
    (
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "a"}, "b"]},
        "tool",
        [Result("1", None, [Text("a"), Text("b")])],
        [],
    ),
    (
        {"role": "tool", "tool_call_id": "1", "content": "a", "is_error": True, "id": "m", "mood": 1},
        "tool",
        [Result("1", None, [Text("a")], is_error=True)],
        [
            ("equivalent", "messages.extra", "messages[0].id"),
            ("dropped", "messages.unknown", "messages[0].mood"),
        ],
    ),
    (
        {"role": "function", "tool_call_id": "1", "name": "f", "content": "a"},
        "tool",
        [Result("1", "f", [Text("a")])],
        [],
    ),
]


@pytest.mark.parametrize(("message", "role", "parts", "told"), CALLED)
def test_calls_and_results_are_read(
    message: dict[str, Any], role: str, parts: list[Any], told: list[tuple[str, str, str]]
) -> None:
    """Calls follow the text in their order; a result keeps its call's id, in every form of its content."""
    test_a_message_is_read(message, role, parts, told)


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


def test_more_messages_or_parts_than_any_context_holds() -> None:
    """Millions of tiny ones would cost seconds and gigabytes: a 400 before they are gone through."""
    with pytest.raises(GatewayError) as caught:
        messages.read([{"role": "user", "content": "x"}] * (messages.MAX_MESSAGES + 1), [])
    assert caught.value.param == "messages"
    with pytest.raises(GatewayError) as caught:
        messages.read([{"role": "user", "content": ["x"] * (messages.MAX_MESSAGES + 1)}], [])
    assert caught.value.param == "messages[0].content"
