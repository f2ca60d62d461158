"""Misspelt keys: what was meant by them is named where it is missing."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import GatewayError
from app.translate.models import ModelNames
from app.translate.openai import chat_request, embeddings, slips

NAMES = ModelNames("GigaChat", "Embeddings")


def message(**keys: Any) -> dict[str, Any]:
    """A body with one message."""
    return {"messages": [keys]}


def tool(**keys: Any) -> dict[str, Any]:
    """A body with one tool."""
    return {"messages": [{"role": "user", "content": "a"}], "tools": [keys]}


FORMAT = {"type": "json_schema", "json_schema": {"name": "n", "shema": {"type": "object"}}}

# a body -> the field that the error names, and the key that stands in its place
MISSING: dict[str, tuple[dict[str, Any], str, str]] = {
    "a slip": ({"mesages": [{"role": "user", "content": "a"}]}, "messages", "mesages"),
    "one letter": ({"message": "a"}, "messages", "message"),
    "another case": ({"Messages": []}, "messages", "Messages"),
    "beside null": ({"messages": None, "mesages": []}, "messages", "mesages"),
    "the Responses API's": ({"input": "a"}, "messages", "input"),
    "a bare completion's": ({"prompt": "a"}, "messages", "prompt"),
    "Gemini's": ({"contents": []}, "messages", "contents"),
    "a slip counts first": ({"prompt": "a", "mesages": []}, "messages", "mesages"),
    "nothing like it": ({"temperature": 1, "мессаги": [], "m" * 41: 1}, "messages", ""),
    "nothing": ({}, "messages", ""),
    "a role": (message(rol="user", content="a"), "messages[0].role", "rol"),
    "a content": (message(role="user", contnet="a"), "messages[0].content", "contnet"),
    "a function": (tool(type="function", functon={"name": "a"}), "tools[0].function", "functon"),
    "a function's name": (tool(type="function", function={"nam": "a"}), "tools[0].function.name", "nam"),
    "a schema": (
        {"messages": [{"role": "user", "content": "a"}], "response_format": FORMAT},
        "response_format.json_schema.schema",
        "shema",
    ),
}


@pytest.mark.parametrize(("body", "field", "found"), MISSING.values(), ids=MISSING)
def test_what_stands_in_its_place_is_named(body: dict[str, Any], field: str, found: str) -> None:
    """The error says that the field is required, and which key was probably meant as it."""
    with pytest.raises(GatewayError) as caught:
        chat_request.read(body, NAMES)
    assert (caught.value.kind.name, caught.value.param) == ("missing_required_parameter", field)
    told = str(caught.value.message)
    assert told.startswith(f"'{field}' is required: ")
    name = field.rpartition(".")[2]
    assert told.endswith(f" '{found}' is not read: did you mean '{name}' by it?" if found else "content}.")


@pytest.mark.parametrize(
    ("body", "found"), [({"inputs": ["a"]}, "inputs"), ({"text": "a"}, "text"), ({"model": "Embeddings"}, "")]
)
def test_the_texts_of_embeddings(body: dict[str, Any], found: str) -> None:
    """The same for `input`."""
    with pytest.raises(GatewayError, match="'input' is required: send a string or an array of strings") as caught:
        embeddings.read(body, NAMES, {})
    assert (f"'{found}' is not read: did you mean 'input' by it?" in caught.value.message) is bool(found)


def test_an_old_message_ends_no_conversation() -> None:
    """A slip in the past is told, not refused."""
    turns = [{"role": "user", "contnet": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    found = chat_request.read({"model": "GigaChat", "messages": turns}, NAMES)
    assert [(note.path, note.near) for note in found.notes] == [("messages[0].contnet", "content")]


def test_few_keys_are_looked_at() -> None:
    """However many keys an object has."""
    many = {f"k{number}": 1 for number in range(slips.MOST_COMPARED)}
    assert slips.find_in_place({**many, "mesages": 1}, "messages") == ""
    assert slips.find_in_place({"mesages": 1, **many}, "messages") == "mesages"
