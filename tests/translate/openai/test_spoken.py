"""Answers that were spoken, in a conversation that goes on in writing."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import GatewayError
from app.translate.dialogue import Note, Text
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
    (None, {"id": "a"}, [], Note("dropped", "messages.audio", PATH)),
    (None, {"id": "a", "transcript": ""}, [], Note("dropped", "messages.audio", PATH)),
]


@pytest.mark.parametrize(("content", "audio", "parts", "note"), SPOKEN)
def test_the_words_stay(content: str | None, audio: dict[str, Any], parts: list[Text], note: Note) -> None:
    """The transcript is the text where there is no other; what was only heard is lost, and told."""
    notes: list[Note] = []
    (turn,) = messages.read([{"role": "assistant", "content": content, "audio": audio}], notes)
    assert (turn.parts, notes) == (parts, [note])


@pytest.mark.parametrize(("audio", "param"), [("a", PATH), ({"transcript": 5}, f"{PATH}.transcript")])
def test_what_is_no_speech_is_refused(audio: Any, param: str) -> None:
    """With its place."""
    with pytest.raises(GatewayError) as caught:
        messages.read([{"role": "assistant", "audio": audio}], [])
    assert (caught.value.row.status, caught.value.param) == (400, param)
