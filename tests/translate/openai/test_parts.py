"""Parts of contents, of OpenAI's and of other vendors."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import GatewayError
from app.translate.dialogue import Call, FileId, Inline, Media, Part, Result, Text, Thought, Url
from app.translate.openai import parts
from app.translate.openai.reading import Reading

AT = "messages[0].content"
WEB = "https://example.com/a.png"
IMAGE = {"type": "image", "source": {"type": "url", "url": WEB}}

# name -> a part, what it is read as
READ: dict[str, tuple[Any, list[Part]]] = {
    "a bare string": ("a", [Text("a")]),
    "a text": ({"type": "text", "text": "a"}, [Text("a")]),
    "a text in capitals": ({"type": "Text", "text": "a"}, [Text("a")]),
    "a text without a type": ({"text": "a"}, [Text("a")]),
    "a text of Assistants": ({"type": "text", "text": {"value": "a", "annotations": []}}, [Text("a")]),
    "a refusal": ({"type": "refusal", "refusal": "No."}, [Text("No.")]),
    "thinking": ({"type": "thinking", "thinking": "a", "signature": "s"}, [Thought("a")]),
    "redacted thinking": ({"type": "redacted_thinking", "data": "s"}, [Thought("")]),
    "reasoning": ({"type": "reasoning", "text": "a"}, [Thought("a")]),
    "reasoning of Responses": ({"type": "reasoning", "summary": []}, [Thought("")]),
    "reasoning of Converse": ({"reasoningContent": {"reasoningText": {"text": "a"}}}, [Thought("")]),
    "a thought of Gemini": ({"text": "a", "thought": True}, [Thought("a")]),
    "tool_use": ({"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}}, [Call("1", "f", {"a": 1})]),
    "tool_use of nothing": ({"type": "tool_use"}, [Call("", "", {})]),
    "LangChain's call": ({"type": "tool_call", "id": "1", "name": "f", "args": {"a": 1}}, [Call("1", "f", {"a": 1})]),
    "LangChain's broken call": (
        {"type": "invalid_tool_call", "id": "1", "name": "f", "args": "{cut", "error": None},
        [Call("1", "f", {"_raw": "{cut"})],
    ),
    "the AI SDK's call": (
        {"type": "tool-call", "toolCallId": "1", "toolName": "f", "input": {}},
        [Call("1", "f", {})],
    ),
    "the AI SDK's tool": (
        {"type": "tool-f", "toolCallId": "1", "input": {"a": 1}, "output": {"b": 2}, "state": "output-available"},
        [Call("1", "f", {"a": 1}), Result("1", "f", [Text('{"result":{"b":2}}')])],
    ),
    "Gemini's call": ({"functionCall": {"name": "f", "args": {"a": 1}}}, [Call("", "f", {"a": 1})]),
    "Converse's call": ({"toolUse": {"toolUseId": "1", "name": "f", "input": {}}}, [Call("1", "f", {})]),
    "tool_result": ({"type": "tool_result", "tool_use_id": "1", "content": "a"}, [Result("1", None, [Text("a")])]),
    "tool_result of nothing": ({"type": "tool_result", "tool_use_id": "1"}, [Result("1", None, [])]),
    "tool_result that failed": (
        {"type": "tool_result", "tool_use_id": "1", "content": "a", "is_error": True},
        [Result("1", None, [Text("a")], is_error=True)],
    ),
    "tool_result of blocks": (
        {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "a"}, "b"]},
        [Result("1", None, [Text("a"), Text("b")])],
    ),
    "tool_result with an image": (
        {
            "type": "tool_result",
            "tool_use_id": "1",
            "content": [{"type": "image", "source": {"type": "url", "url": WEB}}],
        },
        [Result("1", None, [Media("image", Url(WEB), f"{AT}[0].content[0].source", past=True, from_function=True)])],
    ),
    "the AI SDK's result": (
        {"type": "tool-result", "toolCallId": "1", "toolName": "f", "output": {"type": "text", "value": "a"}},
        [Result("1", "f", [Text("a")])],
    ),
    "Gemini's result": (
        {"functionResponse": {"name": "f", "response": {"a": 1}}},
        [Result("", "f", [Text('{"result":{"a":1}}')])],
    ),
    "Converse's result": (
        {"toolResult": {"toolUseId": "1", "status": "error", "content": [{"text": "a"}]}},
        [Result("1", None, [Text('[{"text":"a"}]')], is_error=True)],
    ),
    "a mark": ({"type": "step-start"}, []),
    "a mark for a cache": ({"cachePoint": {"type": "default"}}, []),
    "an image of Anthropic's": (
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        [Media("image", Inline("AAAA"), f"{AT}[0].source", past=True)],
    ),
    "a file by id": (
        {"type": "file", "file": {"file_id": "f"}},
        [Media(None, FileId("f"), f"{AT}[0].file.file_id", past=True)],
    ),
    "words of a document": (
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a"}},
        [Text("a")],
    ),
}


@pytest.mark.parametrize(("part", "found"), READ.values(), ids=READ)
def test_a_part_is_read(part: Any, found: list[Part]) -> None:
    """In a list, and by itself where it says what it is."""
    assert parts.read([part], AT, Reading([], past=True, assistant=True)) == found


def test_speech_is_its_words() -> None:
    """They are told; speech without words is nothing in the past."""
    reading = Reading([], past=True, assistant=True)
    assert parts.read([{"type": "output_audio", "transcript": "a"}, {"type": "output_audio"}], AT, reading) == [
        Text("a")
    ]
    assert [note.rule for note in reading.notes] == ["messages.audio->text", "messages.part"]


# a part that is refused where it is new: the field that is named
REFUSED: list[tuple[Any, str]] = [
    (5, "[0]"),
    ({}, "[0].type"),
    ({"type": 5}, "[0].type"),
    ({"type": "hologram"}, "[0].type"),
    ({"type": "server_tool_use"}, "[0].type"),
    ({"type": "text"}, "[0].text"),
    ({"type": "text", "text": {"value": 5}}, "[0].text"),
    ({"type": "tool_use", "name": "f"}, "[0]"),
    ({"type": "output_audio"}, "[0].transcript"),
    ({"type": "image"}, "[0]"),
    ({"type": "video", "url": WEB}, "[0]"),
]


@pytest.mark.parametrize(("part", "param"), REFUSED)
def test_a_new_part_is_refused_by_name(part: Any, param: str) -> None:
    """In the past it is left out, or told in words, and the others stay."""
    with pytest.raises(GatewayError) as caught:
        parts.read([part], AT, Reading([]))
    assert (caught.value.kind.status, caught.value.param) == (400, f"{AT}{param}")
    past = Reading([], past=True)
    (*_, last) = parts.read([part, "b"], AT, past)
    assert last == Text("b")
    assert [note.kind for note in past.notes] != []


# a result's content -> its parts
RESULTS: list[tuple[Any, list[Text | Media]]] = [
    (None, []),
    ("", [Text("")]),
    ("a", [Text("a")]),
    ([], [Text("[]")]),
    ({}, [Text('{"result":{}}')]),
    ([1, None], [Text("[1,null]")]),
    (["a", 1], [Text("a"), Text("1")]),
    ({"type": "text", "text": "a"}, [Text("a")]),
    ([{"type": "text"}], [Text('[{"type":"text"}]')]),
    ([{"type": "thinking", "thinking": "a"}, "b"], [Text('{"type":"thinking","thinking":"a"}'), Text("b")]),
    (
        [{"type": "image", "data": "AAAA", "mimeType": "image/png"}],
        [Media("image", Inline("AAAA"), f"{AT}[0]", from_function=True)],
    ),
    (
        [{"type": "image_url", "image_url": {"url": WEB}}],
        [Media("image", Url(WEB), f"{AT}[0].image_url.url", from_function=True)],
    ),
    (
        [{"type": "image", "url": WEB, "title": "a"}],
        [Text('[{"type":"image","url":"https://example.com/a.png","title":"a"}]')],
    ),
    ([{"type": "city", "name": "Тула"}], [Text('[{"type":"city","name":"Тула"}]')]),
]


@pytest.mark.parametrize(("content", "found"), RESULTS)
def test_a_result_is_never_refused(content: Any, found: list[Text | Media]) -> None:
    """New or old: what holds no parts is data, and nothing is told of it since nothing is lost."""
    reading = Reading([])
    assert parts.read_result(content, AT, reading) == found
    assert reading.notes == []


def test_where_the_results_stand() -> None:
    """Parts that are results of their own."""
    assert parts.is_result({"type": "tool-result"})
    assert not parts.is_result({"type": "text", "text": "a"})
    assert not parts.is_result("a")
