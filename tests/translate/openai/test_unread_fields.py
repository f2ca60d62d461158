"""Keys that nobody reads are told, wherever in a request they stand."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import GatewayError
from app.translate.dialogue import Note
from app.translate.models import ModelNames
from app.translate.openai import chat_request, unread_fields
from app.translate.openai.parameters import PARAMETERS

NAMES = ModelNames("GigaChat", "Embeddings")
WEB = "https://example.com/a.png"
TOOLS = [{"type": "function", "function": {"name": "f"}}]
NAMED = {"type": "function", "function": {"name": "f"}}


def tell(given: dict[str, Any], silent: frozenset[str] = frozenset()) -> list[tuple[str, str, str]]:
    """The notes of an object of which `a` is read."""
    notes: list[Note] = []
    unread_fields.tell(given, "x[0]", frozenset({"a"}), "x", notes, silent)
    return [(note.kind, note.rule, note.path) for note in notes]


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_what_asks_for_nothing_is_no_loss(value: Any) -> None:
    """Clients fill their objects up with empty fields."""
    assert tell({"a": 1, "b": value}) == []


@pytest.mark.parametrize("value", [0, False, 0.0, " ", [None], {"c": None}])
def test_anything_else_is_told(value: Any) -> None:
    """Zero and false are values."""
    assert tell({"a": 1, "b": value}) == [("dropped", "x.unknown", "x[0].b")]


def test_hints_to_others_are_equivalent() -> None:
    """Those that the object's reader names, and those for another vendor's cache anywhere."""
    assert tell({"b": 1, "cache_control": {"type": "ephemeral"}}, frozenset({"b"})) == [
        ("equivalent", "x.extra", "x[0].b"),
        ("equivalent", "x.extra", "x[0].cache_control"),
    ]


def test_a_key_is_shown_on_one_short_line() -> None:
    """It goes into a header of the answer."""
    ((_, _, path),) = tell({"b\r\nSet-Cookie: c" + "d" * 100: 1})
    assert path.startswith("x[0].b??Set-Cookie: c")
    assert len(path) < 80


def part(**item: Any) -> dict[str, Any]:
    """A body with one part."""
    return {"messages": [{"role": "user", "content": [item]}]}


def called(**call: Any) -> dict[str, Any]:
    """A body with one call that was answered."""
    return {
        "messages": [
            {"role": "assistant", "tool_calls": [{"id": "c", **call}]},
            {"role": "tool", "tool_call_id": "c", "content": "{}"},
        ]
    }


def chosen(choice: dict[str, Any]) -> dict[str, Any]:
    """A body with one tool and a choice."""
    return {"messages": [{"role": "user", "content": "a"}], "tools": TOOLS, "tool_choice": choice}


PLACE = "messages[0].content[0]"
CALL = "messages[0].tool_calls[0]"
ALLOWED = {"mode": "auto", "tools": [NAMED]}

# a body, the path of the one key that is lost
LOST: dict[str, tuple[dict[str, Any], str]] = {
    "a text's other field": (part(type="text", text="a", image_url={"url": WEB}), f"{PLACE}.image_url"),
    "a refusal's": (part(type="refusal", refusal="a", text="b"), f"{PLACE}.text"),
    "beside image_url": (part(type="image_url", image_url={"url": WEB}, min_pixels=9), f"{PLACE}.min_pixels"),
    "in image_url": (part(type="image_url", image_url={"url": WEB, "min_pixels": 9}), f"{PLACE}.image_url.min_pixels"),
    "a detail too many": (
        part(type="image_url", image_url={"url": WEB, "detail": "auto"}, detail="high"),
        f"{PLACE}.detail",
    ),
    "beside a link": (part(type="input_image", image_url=WEB, file_id="f"), f"{PLACE}.file_id"),
    "beside an image's id": (part(type="input_image", file_id="f", mood=1), f"{PLACE}.mood"),
    "beside input_audio": (
        part(type="input_audio", input_audio={"data": "aGk=", "format": "mp3"}, transcript="hi"),
        f"{PLACE}.transcript",
    ),
    "in input_audio": (part(type="input_audio", input_audio={"data": "aGk=", "rate": 9}), f"{PLACE}.input_audio.rate"),
    "beside file": (part(type="file", file={"file_id": "f"}, title="t"), f"{PLACE}.title"),
    "a second source": (part(type="file", file={"file_data": "aGk=", "file_id": "f"}), f"{PLACE}.file.file_id"),
    "a third source": (part(type="input_file", file_data="aGk=", file_url=WEB), f"{PLACE}.file_url"),
    "in a call's function": (called(function={"name": "f", "arguments": "{}", "mood": 1}), f"{CALL}.function.mood"),
    "of the other kind": (called(function={"name": "f"}, custom={"name": "g", "input": ""}), f"{CALL}.custom"),
    "a function in a function": (
        {
            "messages": [{"role": "user", "content": "a"}],
            "tools": [{"type": "function", "function": {"name": "f", "function": {"parameters": {}}}}],
        },
        "tools[0].function.function",
    ),
    "beside a chosen function": (chosen({**NAMED, "mood": 1}), "tool_choice.mood"),
    "in a chosen function": (
        chosen({"type": "function", "function": {"name": "f", "arguments": "{}"}}),
        "tool_choice.function.arguments",
    ),
    "in a flat choice": (chosen({"type": "function", "name": "f", "mood": 1}), "tool_choice.mood"),
    "beside allowed tools": (
        chosen({"type": "allowed_tools", "allowed_tools": ALLOWED, "mode": "auto"}),
        "tool_choice.mode",
    ),
    "in allowed tools": (
        chosen({"type": "allowed_tools", "allowed_tools": {**ALLOWED, "most": 1}}),
        "tool_choice.allowed_tools.most",
    ),
    "in an allowed tool": (
        chosen({"type": "allowed_tools", "mode": "auto", "tools": [{**NAMED, "mood": 1}]}),
        "tool_choice.tools[0].mood",
    ),
    "in function_call": (
        {
            "messages": [{"role": "user", "content": "a"}],
            "functions": [{"name": "f"}],
            "function_call": {"name": "f", "arguments": "{}"},
        },
        "function_call.arguments",
    ),
    "in stream_options": (
        {
            "messages": [{"role": "user", "content": "a"}],
            "stream": True,
            "stream_options": {"include_usage": True, "include_obfuscation": True},
        },
        "stream_options.include_obfuscation",
    ),
}


@pytest.mark.parametrize(("body", "path"), LOST.values(), ids=LOST)
def test_each_place(body: dict[str, Any], path: str) -> None:
    """The key has a note with its place, and nothing else has."""
    notes = chat_request.read(body, NAMES).notes
    assert [(note.kind, note.path) for note in notes if note.kind == "dropped"] == [("dropped", path)]


CUSTOM = called(type="custom", custom={"name": "g", "input": "a", "format": "text"})


def test_a_custom_call() -> None:
    """Which is adapted besides."""
    notes = chat_request.read(CUSTOM, NAMES).notes
    assert [note.path for note in notes if note.kind == "dropped"] == [f"{CALL}.custom.format"]


CLAIMS: dict[str, dict[str, Any]] = {
    "another claim of an image": part(type="image_url", image_url={"url": WEB, "mime_type": "image/png"}, id=None),
    "a detail that is the default": part(type="image_url", image_url={"url": WEB}, detail="auto"),
    "the body's own once more": {
        "messages": [{"role": "user", "content": "a"}],
        "temperature": 0.5,
        "extra_body": {"temperature": 0.5, "messages": []},
    },
    "an empty key that nobody knows": {"messages": [{"role": "user", "content": "a", "name": ""}], "options": {}},
    "a choice in both forms": {**chosen(NAMED), "function_call": {"name": "f"}},
    "a flat choice in both forms": {**chosen({"type": "function", "name": "f"}), "function_call": {"name": "f"}},
    "of an image": part(type="image_url", image_url={"url": WEB, "format": "image/png"}),
    "of a file": part(type="file", file={"file_id": "f", "filename": "a", "format": "application/pdf"}),
    "no padding": {
        "messages": [{"role": "user", "content": "a"}],
        "stream": True,
        "stream_options": {"include_obfuscation": False},
    },
}


@pytest.mark.parametrize("body", CLAIMS.values(), ids=CLAIMS)
def test_what_changes_nothing(body: dict[str, Any]) -> None:
    """A claim of what the content shows anyway, and the absence of what GigaChat has not."""
    assert chat_request.read({**body, "model": "GigaChat"}, NAMES).notes == []


# What SDKs give and get back in the next turn: openai-python's and openai-node's parse(), litellm, Ollama, OpenRouter.
SENT_BACK: dict[str, dict[str, Any]] = {
    "parsed": {"role": "assistant", "content": "{}", "parsed": {"a": 1}},
    "litellm": {"role": "assistant", "content": "a", "provider_specific_fields": {"refusal": None}},
    "thoughts": {"role": "assistant", "content": "a", "reasoning_details": [{"text": "b"}], "thinking_blocks": [1]},
}


@pytest.mark.parametrize("message", SENT_BACK.values(), ids=SENT_BACK)
def test_what_comes_back_is_no_loss(message: dict[str, Any]) -> None:
    """It says the same again, or thinks aloud: a strict client is not refused for it."""
    notes = chat_request.read(
        {"model": "GigaChat", "messages": [{"role": "user", "content": "a"}, message]}, NAMES
    ).notes
    assert {note.kind for note in notes} == {"equivalent"}


def test_a_calls_own_additions_are_no_loss() -> None:
    """`parsed_arguments` of openai-python, an index, litellm's fields."""
    function = {"name": "f", "arguments": '{"a":1}', "parsed_arguments": {"a": 1}, "index": 1}
    notes = chat_request.read(
        called(function=function, provider_specific_fields={"a": 1}) | {"model": "GigaChat"}, NAMES
    ).notes
    assert {note.kind for note in notes} == {"equivalent"}


@pytest.mark.parametrize("strict", [True, False])
def test_strict_stands_in_two_places(strict: bool) -> None:
    """Beside the function, where some clients put it, it is the same wish."""
    tools = [{"type": "function", "strict": strict, "function": {"name": "f"}}]
    notes = chat_request.read({"messages": [{"role": "user", "content": "a"}], "tools": tools}, NAMES).notes
    told = [(note.rule, note.path) for note in notes if note.kind == "dropped"]
    assert told == ([("tools.strict", "tools[0].strict")] if strict else [])


def test_an_id_has_its_detail_told() -> None:
    """As a link has."""
    notes = chat_request.read(part(type="input_image", file_id="f", detail="high"), NAMES).notes
    assert [note.rule for note in notes if note.kind == "dropped"] == ["image_url.detail"]


def test_there_is_an_end_to_it() -> None:
    """Hundreds of thousands of unknown keys are refused before they hold up everybody."""
    message = {"role": "user", "content": "a", **{f"key{number}": 1 for number in range(200)}}
    with pytest.raises(GatewayError) as caught:
        chat_request.read({"messages": [message] * 300}, NAMES)
    assert caught.value.kind.status == 400
    assert str(caught.value.param).startswith("messages[249].key")
    with pytest.raises(GatewayError, match="too many keys"):
        chat_request.read({"messages": [], **{f"key{number}": 1 for number in range(50_001)}}, NAMES)
    silent = {"role": "user", "content": "a", **{f"key{number}": None for number in range(60_000)}}
    assert chat_request.read({"model": "GigaChat", "messages": [silent]}, NAMES).notes == []


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("temprature", "temperature"),
        ("max_token", "max_tokens"),
        ("maxTokens", "max_tokens"),
        ("TopP", "top_p"),
        ("response-format", "response_format"),
        ("top_k", ""),
        ("min_p", ""),
        ("min_tokens", ""),
        ("num_ctx", ""),
        ("thinking", ""),
        ("chat_template_kwargs", ""),
        ("t" * 41, ""),
        ("темп", ""),
    ],
)
def test_a_slip_is_known_by_what_was_meant(key: str, near: str) -> None:
    """Only a name that is very near: another vendor's parameter is no slip."""
    notes: list[Note] = []
    unread_fields.drop("unknown", key, notes, key, frozenset(PARAMETERS))
    assert notes == [Note("dropped", "unknown", key, near)]


def test_few_names_are_compared() -> None:
    """However many keys a body has, comparing them costs little."""
    notes: list[Note] = []
    for number in range(100):
        unread_fields.drop("unknown", "temprature", notes, f"temprature{number % 10}", frozenset(PARAMETERS))
    assert sum(bool(note.near) for note in notes) == 32
