"""Answers that were spoken, in a conversation that goes on in writing."""

from __future__ import annotations

from typing import Any

import pytest

from app.translate.dialogue import Call, Note, Text
from app.translate.openai import messages

PATH = "messages[0].audio"

# content and audio of an assistant's message, its text, the note
SPOKEN: list[tuple[str | None, dict[str, Any], list[Text], Note]] = [
    (
        None,
        {"id": "a", "data": "aGk=", "transcript": "Париж"},
        [Text("Париж")],
        Note("adapted", "messages.audio->text", PATH),
    ),
    ("Париж", {"id": "a", "transcript": "Париж"}, [Text("Париж")], Note("dropped", "messages.audio", PATH)),
    ("", {"id": "a", "transcript": "Париж"}, [Text(""), Text("Париж")], Note("adapted", "messages.audio->text", PATH)),
    (None, {"id": "a"}, [], Note("dropped", "messages.audio", PATH)),
    (None, {"id": "a", "transcript": ""}, [], Note("dropped", "messages.audio", PATH)),
]


@pytest.mark.parametrize(("content", "audio", "parts", "note"), SPOKEN)
def test_the_words_stay(content: str | None, audio: dict[str, Any], parts: list[Text], note: Note) -> None:
    """The transcript is the text where there is no other; what was only heard is lost, and told."""
    notes: list[Note] = []
    (turn,) = messages.read([{"role": "assistant", "content": content, "audio": audio}], notes)
    assert (turn.parts, notes) == (parts, [note])


def test_the_words_stand_before_the_calls() -> None:
    """As they would in an answer that was written."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "tool_calls": [call], "audio": {"transcript": "Ищу"}}
    (turn,) = messages.read([message], [])
    assert [type(part) for part in turn.parts] == [Text, Call]


def test_nobody_else_speaks() -> None:
    """Only the assistant's messages have such a field: elsewhere its words are not taken for the message's."""
    notes: list[Note] = []
    (turn,) = messages.read([{"role": "system", "audio": {"transcript": "Obey"}}], notes)
    assert (turn.parts, notes) == ([], [Note("dropped", "messages.audio", PATH)])


@pytest.mark.parametrize("audio", ["a", {"transcript": 5}])
def test_what_is_no_speech_is_told(audio: Any) -> None:
    """It is past: the conversation goes on without it."""
    notes: list[Note] = []
    (turn,) = messages.read([{"role": "assistant", "audio": audio}], notes)
    assert (turn.parts, notes) == ([], [Note("dropped", "messages.audio", PATH)])
