"""CallReader read back: the client's names, the client's values, ids that carry GigaChat's state."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given

from app.translate import big_integers
from app.translate.dialogue import Call, Failed, Format, Request, Sampling, Text, Tool
from app.translate.gigachat.call_ids import make_call_id
from app.translate.gigachat.v1 import chat_request
from app.translate.gigachat.v1.calls import UNASKED_CALLS, CallReader, find_state
from tests.examples import examples
from tests.translate.gigachat.dialogues import user
from tests.translate.schemas.strategies import calls

STATE = "7f1d2c3a-1111-4222-8333-944445555666"
ENUM = {"type": "object", "properties": {"n": {"enum": [1, 2]}, "when": {"type": "string"}}}


def asked(*tools: Tool, **more: Any) -> Request:
    """A request with these tools."""
    return Request("GigaChat", [user("Привет")], Sampling(), tools=list(tools), **more)


def tool(name: str, parameters: dict[str, Any] | None = None) -> Tool:
    """A function."""
    return Tool(name, None, parameters, "tools[0]")


# arguments as GigaChat may write them, as the client gets them; None: there is no object
ARGUMENTS: list[tuple[Any, dict[str, Any] | None]] = [
    ({"city": "Омск"}, {"city": "Омск"}),
    ('{"city": "Омск"}', {"city": "Омск"}),
    ('"{\\"city\\": \\"Омск\\"}"', {"city": "Омск"}),
    ('{"city": "две\nстроки"}', {"city": "две\nстроки"}),
    ('{"city": "\\ud83d"}', {"city": "\ufffd"}),
    ({"city": "\ud83d\ude80 \ud83d"}, {"city": "🚀 \ufffd"}),
    ({"n": 2**70}, {"n": 2**70}),
    (f'{{"account": {2**70}}}', {"account": 2**70}),
    (None, {}),
    ("", {}),
    (" ", {}),
    ("null", {}),
    ({}, {}),
    ('{"city": "Ом', None),
    ("Омск", None),
    ("[1]", None),
    ("[" * 100_000, None),
    ([1], None),
    (5, None),
    (True, None),
    ({"n": [float("nan"), 2**70]}, None),
]


@pytest.mark.parametrize(("given_", "expected"), ARGUMENTS)
def test_arguments_are_an_object(given_: Any, expected: dict[str, Any] | None) -> None:
    """An object or one in a string; what is broken is a failed generation. They can always be sent on."""
    call = CallReader(asked(tool("f")), "s").read({"name": "f", "arguments": given_}, STATE, 0)
    if expected is None:
        assert call == Failed("generation", "")
    else:
        assert call == Call(make_call_id(STATE, 0, "s"), "f", expected, STATE)
        assert isinstance(call, Call)
        assert orjson.loads(big_integers.dumps(call.arguments)) is not None


def test_values_are_turned_back_by_the_clients_schema() -> None:
    """GigaChat's enums are of strings; a tool that is unknown has no schema."""
    read = CallReader(asked(tool("f", ENUM), tool("g")), "s").read
    arguments = {"n": "2", "when": "2"}
    turned = {name: read({"name": name, "arguments": arguments}, None, 0) for name in ("f", "g", "h")}
    assert [call.arguments for call in turned.values() if isinstance(call, Call)] == [
        {"n": 2, "when": "2"},
        arguments,
        arguments,
    ]


@examples(max_examples=60)
@given(calls())
def test_arguments_that_fit_come_back_as_they_are(given_: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """What the client's schema allows is not altered, object or string."""
    schema, arguments = given_
    read = CallReader(asked(tool("f", schema)), "s").read
    for form in (arguments, orjson.dumps(arguments).decode()):
        call = read({"name": "f", "arguments": form}, None, 0)
        assert isinstance(call, Call)
        assert call.arguments == arguments


@pytest.mark.parametrize("name", ["1st", "погода", "text2image", "a b"])
def test_names_are_mapped_back(name: str) -> None:
    """The client hears the name that it gave."""
    request = asked(tool(name), tool("other"))
    payload, _ = chat_request.write(request)
    call = CallReader(request, "s").read({"name": payload["functions"][0]["name"], "arguments": {}}, STATE, 0)
    assert isinstance(call, Call)
    assert call.name == name != payload["functions"][0]["name"]


@pytest.mark.parametrize("name", ["stranger", "\ud83d"])
def test_a_strangers_call_is_handed_on(name: str) -> None:
    """The client decides about a function that it did not give; its name can be sent."""
    call = CallReader(asked(tool("f")), "s").read({"name": name}, None, 0)
    assert isinstance(call, Call)
    call.name.encode()


@pytest.mark.parametrize("call", [{}, {"name": ""}, {"name": None}, {"name": {}, "arguments": {}}])
def test_a_call_of_nothing_is_a_failed_generation(call: dict[str, Any]) -> None:
    """There is nothing that the client could run."""
    assert UNASKED_CALLS.read(call, STATE, 0) == Failed("generation", "")


@pytest.mark.parametrize("state", [None, "", "abc", 5, {}, STATE + "1"])
def test_without_a_state_the_id_is_the_requests(state: Any) -> None:
    """The same in every rendering, another one for another request."""
    first, again = (CallReader(asked(tool("f")), "s").read({"name": "f"}, state, 1) for _ in range(2))
    assert first == again == Call(make_call_id(None, 1, "s"), "f", {}, None)


@pytest.mark.parametrize(
    ("message", "state"),
    [
        ({"functions_state_id": STATE}, STATE),
        ({"tools_state_id": STATE}, STATE),
        ({"functions_state_id": None, "tool_state_id": STATE}, STATE),
        ({}, None),
    ],
)
def test_the_states_key_has_three_spellings(message: dict[str, Any], state: str | None) -> None:
    """Whichever GigaChat uses."""
    assert find_state(message) == state


# the client's schema, the function's arguments, the answer's text
FORMATS: list[tuple[dict[str, Any] | None, dict[str, Any], str]] = [
    (ENUM, {"n": "2", "when": "да"}, '{"n":2,"when":"да"}'),
    (None, {"a": [1]}, '{"a":[1]}'),
    ({"type": "array", "items": {"enum": [1, 2]}}, {"answer": ["1"]}, "[1]"),
    ({"type": "array", "items": {"$ref": "#/$defs/A"}, "$defs": {"A": {"enum": [1]}}}, {"answer": ["1"]}, "[1]"),
    ({"type": "string"}, {"answer": "да"}, '"да"'),
    ({"type": "string"}, {"other": "да"}, '{"other":"да"}'),
]


@pytest.mark.parametrize(("schema", "arguments", "text"), FORMATS)
def test_the_formats_call_is_the_answers_text(
    schema: dict[str, Any] | None, arguments: dict[str, Any], text: str
) -> None:
    """Compact JSON of the client's own schema, also where that is no object's; a tool's call stays a call."""
    request = asked(tool("answer"), format=Format(schema))
    payload, _ = chat_request.write(request, as_function=True)
    name = payload["function_call"]["name"]
    assert name != "answer"
    read = CallReader(request, "s", as_function=True)
    assert read.as_function
    assert read.read({"name": name, "arguments": arguments}, STATE, 0) == Text(text)
    assert isinstance(read.read({"name": "answer", "arguments": arguments}, STATE, 0), Call)
    assert isinstance(CallReader(request, "s").read({"name": name}, STATE, 0), Call)


def test_without_a_format_there_is_no_function_of_it() -> None:
    """The flag alone changes nothing."""
    assert not CallReader(asked(tool("f")), "s", as_function=True).as_function
