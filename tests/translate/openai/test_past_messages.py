"""Messages of the past, read: nothing of them is refused, and what is left out is told."""

from __future__ import annotations

import time
from typing import Any

import pytest

from app.translate.dialogue import Call, FileId, Media, Note, Result, Text, Thought
from app.translate.openai import messages
from tests.watching import called

VIDEO = {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AA=="}}
PAST = {"role": "assistant", "content": "ok"}
ROLE = ("equivalent", "messages.role", "messages[0].role")

# a message before the assistant's last one: the turn that it is, and the notes; None: there is none
OLD: list[tuple[Any, tuple[str, list[Any]] | None, list[tuple[str, str, str]]]] = [
    ({"role": "User", "content": "a"}, ("user", [Text("a")]), [ROLE]),
    ({"role": "HUMAN", "content": "a"}, ("user", [Text("a")]), [ROLE]),
    ({"role": "human", "content": "a"}, ("user", [Text("a")]), []),
    (
        {"role": "model", "parts": [{"text": "a"}, {"text": "б", "thought": True}]},
        ("assistant", [Text("a"), Thought("б")]),
        [],
    ),
    ({"type": "ai", "content": "a"}, ("assistant", [Text("a")]), [ROLE]),
    (
        {"role": "robot", "content": "a"},
        ("user", [Text("a")]),
        [("adapted", "messages.role->user", "messages[0].role")],
    ),
    ({"content": "a"}, ("user", [Text("a")]), [("adapted", "messages.role->user", "messages[0].role")]),
    (
        {"role": 5, "tool_call_id": "1", "content": "a"},
        ("tool", [Result("1", None, [Text("a")])]),
        [("adapted", "messages.role->user", "messages[0].role")],
    ),
    ("a", None, [("dropped", "messages.unknown", "messages[0]")]),
    (None, None, [("dropped", "messages.unknown", "messages[0]")]),
    (
        {"role": "user", "content": 5},
        ("user", [Text("5")]),
        [("adapted", "messages.content->text", "messages[0].content")],
    ),
    ({"role": "user", "content": {"text": "a"}}, ("user", [Text("a")]), []),
    (
        {"role": "user", "content": [5, "a"]},
        ("user", [Text("a")]),
        [("dropped", "messages.part", "messages[0].content[0]")],
    ),
    (
        {"role": "user", "content": [{"type": "poem", "text": "a"}]},
        ("user", []),
        [("dropped", "messages.part", "messages[0].content[0].type")],
    ),
    (
        {"role": "user", "content": [VIDEO]},
        ("user", [Text("[file is no longer available]")]),
        [("adapted", "file->words", "messages[0].content[0]")],
    ),
    (
        {"role": "user", "content": "a", "refusal": 5},
        ("user", [Text("a")]),
        [("dropped", "messages.refusal", "messages[0].refusal")],
    ),
    (
        {"role": "user", "content": "a", "tool_calls": [{"id": "1"}]},
        ("user", [Text("a")]),
        [("dropped", "messages.tool_calls", "messages[0].tool_calls")],
    ),
    (
        {"role": "user", "content": "a", "attachments": ["f", 5]},
        ("user", [Text("a"), Media(None, FileId("f"), "messages[0].attachments[0]", past=True)]),
        [("dropped", "messages.attachments", "messages[0].attachments[1]")],
    ),
    ({"type": "reasoning", "summary": [], "id": "rs_1"}, ("assistant", [Thought("")]), []),
    (
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        ("assistant", [Call("c", "f", {})]),
        [],
    ),
]


@pytest.mark.parametrize(("message", "turn", "told"), OLD)
def test_nothing_of_the_past_is_refused(
    message: Any, turn: tuple[str, list[Any]] | None, told: list[tuple[str, str, str]]
) -> None:
    """It is read as far as it is clear, and what is left out is told."""
    notes: list[Note] = []
    first, *others = messages.read([message, PAST, {"role": "user", "content": "go on"}], notes)
    assert ((first.role, first.parts) if others[1:] else None) == turn
    assert [(note.kind, note.rule, note.path) for note in notes] == told


def test_the_same_call_in_two_forms() -> None:
    """Some SDKs keep another vendor's parts beside OpenAI's calls: each call counts once."""
    parts: list[Any] = [{"type": "tool_use", "id": number, "name": "f", "input": {}} for number in ("c1", "c3", "")]
    message = {"role": "assistant", "content": parts, "tool_calls": [called("c1", "f", '{"a":1}'), called("c2", "f")]}
    notes: list[Note] = []
    (turn,) = messages.read([message], notes)
    assert turn.parts == [Call("c3", "f", {}), Call("c1", "f", {"a": 1}), Call("c2", "f", {})]
    assert [note.rule for note in notes] == ["messages.tool_use"] * 2


def test_a_long_past_with_odd_keys() -> None:
    """More keys that nobody knows than are told one by one: no refusal, and the new message's are told."""
    past = [{"role": "user", "content": "a", **{f"k{number}": 1 for number in range(3)}} for _ in range(19_000)]
    notes: list[Note] = []
    messages.read([*past, PAST, {"role": "user", "content": "a", "mood": 1}], notes)
    assert notes[-1].path == "messages[19001].mood"
    assert len(notes) < 30_000


def test_many_parts_and_calls_take_linear_time() -> None:
    """Thousands of each in one message."""
    parts: list[Any] = [
        {"type": "tool_use", "id": f"p{number}", "name": "f", "input": {"n": number}} for number in range(10_000)
    ]
    given = {
        "role": "assistant",
        "content": parts,
        "tool_calls": [called(f"c{number}", "f") for number in range(10_000)],
    }
    started = time.process_time()
    (turn,) = messages.read([given], [])
    assert len(turn.parts) == 20_000
    assert time.process_time() - started < 2
