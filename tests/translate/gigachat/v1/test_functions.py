"""Functions, the choice among them and the wanted format, as v1 has them."""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson
import pytest
from hypothesis import HealthCheck, given

from app.errors import GatewayError
from app.sandbox.rules import check
from app.sandbox.server import Running
from app.translate.dialogue import Choice, Format, Note, Request, Sampling, Tool
from app.translate.gigachat.v1 import chat_request
from app.translate.gigachat.v1.functions import MUST_CALL
from tests.examples import examples
from tests.translate.gigachat.dialogues import call, requests, result, turns, user

EMPTY = {"type": "object", "properties": {}}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
EXAMPLES = [{"request": "Погода в Омске", "params": {"city": "Омск"}}]


def write(*tools: Tool, as_function: bool = False, **more: Any) -> tuple[dict[str, Any], list[Note]]:
    """What a request with these tools has beside model and messages, and the notes."""
    request = Request("GigaChat", [user("U")], Sampling(), tools=list(tools), **more)
    payload, notes = chat_request.write(request, as_function=as_function)
    del payload["model"]
    messages = payload.pop("messages")
    if messages[0]["role"] == "system":
        payload["system"] = messages[0]["content"]
    return payload, notes


def outcome(request: Request, **more: Any) -> dict[str, Any] | GatewayError:
    """The payload, or the refusal."""
    try:
        return chat_request.write(request, **more)[0]
    except GatewayError as refused:
        return refused


def tool(name: str, parameters: dict[str, Any] | None = None, description: str | None = None, **extra: Any) -> Tool:
    """A function at the path of its kind."""
    return Tool(name, description, parameters, "tools[0]", extra)


def test_a_function_is_carried() -> None:
    """With its words, its schema repaired, and GigaChat's own fields."""
    told = {"few_shot_examples": EXAMPLES, "return_parameters": {"properties": {"t": {"type": "integer"}}}}
    payload, notes = write(tool("weather", {"properties": {"n": {"enum": [1, 2]}}}, "Погода", **told), tool("now"))
    assert payload["functions"] == [
        {
            "name": "weather",
            "description": "Погода",
            "parameters": {"type": "object", "properties": {"n": {"type": "string", "enum": ["1", "2"]}}},
            "few_shot_examples": EXAMPLES,
            "return_parameters": {"type": "object", "properties": {"t": {"type": "integer"}}},
        },
        {"name": "now", "parameters": EMPTY},
    ]
    assert payload["function_call"] == "auto"
    assert all(note.path.startswith("tools[0].") for note in notes)
    assert any(note.path.startswith("tools[0].return_parameters") for note in notes)


@pytest.mark.parametrize(
    "examples", [5, [5], [{}], [{"request": "a"}], [{"request": 1, "params": {}}], [{"request": "a", "params": "{}"}]]
)
def test_examples_of_another_shape_are_refused(examples: Any) -> None:
    """GigaChat's own field is a 400 that names it, before anything is paid."""
    with pytest.raises(GatewayError) as caught:
        write(tool("f", few_shot_examples=examples))
    assert (caught.value.kind.status, caught.value.param) == (400, "tools[0].few_shot_examples")


def test_a_schema_that_is_none_is_refused() -> None:
    """The function's field is named."""
    with pytest.raises(GatewayError) as caught:
        write(tool("f", {"type": "string"}))
    assert caught.value.param == "tools[0].parameters"


REQUIRED = Note("adapted", "choice=required->auto", "choice")
F, G = tool("f"), tool("g")

# tools, choice, function_call, system message, notes
CHOICES: list[tuple[list[Tool], Choice, Any, str | None, list[Note]]] = [
    ([F], Choice(), "auto", None, []),
    ([F, G], Choice("none"), "none", None, []),
    ([F, G], Choice("named", "g"), {"name": "g"}, None, []),
    ([F], Choice("required"), {"name": "f"}, None, []),
    ([F, G], Choice("required"), "auto", MUST_CALL, [REQUIRED]),
]


@pytest.mark.parametrize(("tools", "choice", "function_call", "system", "told"), CHOICES)
def test_the_choice(
    tools: list[Tool], choice: Choice, function_call: Any, system: str | None, told: list[Note]
) -> None:
    """It is always sent, and the functions stay whatever it is."""
    payload, notes = write(*tools, choice=choice)
    assert [one["name"] for one in payload["functions"]] == [one.name for one in tools]
    assert payload["function_call"] == function_call
    assert payload.get("system") == system
    assert notes == told


@pytest.mark.parametrize("choice", [Choice(), Choice("none"), Choice("required")])
def test_without_functions_no_choice_is_sent(choice: Choice) -> None:
    """`auto` without functions would let GigaChat draw pictures."""
    assert write(choice=choice) == ({}, [])


def test_names_are_renamed_and_told() -> None:
    """In the function, in the choice and in the history it is one name, told once."""
    request = Request(
        "GigaChat",
        turns("U", call("1", "text2image"), result("1")),
        Sampling(),
        tools=[F, tool("text2image")],
        choice=Choice("named", "text2image"),
    )
    payload, notes = chat_request.write(request)
    legal = payload["functions"][1]["name"]
    assert legal.startswith("text2image_")
    assert payload["function_call"] == {"name": legal}
    assert payload["messages"][1]["function_call"]["name"] == payload["messages"][2]["name"] == legal
    assert notes == [Note("equivalent", "function.renamed", "tools[0]")]


# client's name, its description, GigaChat's description
DESCRIBED = [
    ("look", "Ищет", "Ищет"),
    ("look", None, None),
    ("web_search", "Ищет", "web_search: Ищет"),
    ("web_search", None, "web_search"),
    ("web_search", "", "web_search"),
    ("web_search", "web_search ищет", "web_search ищет"),
    ("погода", "Какая она", "погода: Какая она"),
    ("x" * 129, "d", "x" * 129 + ": d"),
]


@pytest.mark.parametrize(("name", "given", "sent"), DESCRIBED)
def test_a_renamed_functions_description_begins_with_its_name(name: str, given: Any, sent: Any) -> None:
    """Prompts speak of a function by the client's name; one that kept it needs no more words."""
    (function,) = write(tool(name, description=given))[0]["functions"]
    assert function.get("description") == sent


def test_php_writes_no_arguments_as_an_empty_array() -> None:
    """An example's `params` are an object."""
    (function,) = write(tool("f", few_shot_examples=[{"request": "a", "params": []}]))[0]["functions"]
    assert function["few_shot_examples"] == [{"request": "a", "params": {}}]


OBJECT = Note("equivalent", "json_object->json_schema", "format")
NULLABLE = {
    "type": "object",
    "properties": {"a": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]}},
    "$defs": {"A": CITY},
}

# format, response_format, notes
FORMATS: list[tuple[Format, dict[str, Any], list[Note]]] = [
    (Format(CITY), {"type": "json_schema", "schema": CITY}, []),
    (Format(CITY, True), {"type": "json_schema", "schema": CITY, "strict": True}, []),
    (Format(NULLABLE, False), {"type": "json_schema", "schema": NULLABLE, "strict": False}, []),
    (Format(None), {"type": "json_schema", "schema": {"type": "object"}}, [OBJECT]),
    (
        Format({}),
        {"type": "json_schema", "schema": {"type": "object"}},
        [Note("equivalent", "schema.empty", "format.schema")],
    ),
]


@pytest.mark.parametrize(("wanted", "expected", "told"), FORMATS)
def test_a_format_is_flat(wanted: Format, expected: dict[str, Any], told: list[Note]) -> None:
    """References, unions and null stay as they are; tools stay usable beside it."""
    assert write(format=wanted) == ({"response_format": expected}, told)
    payload, _ = write(F, format=wanted)
    assert payload["response_format"] == expected
    assert payload["function_call"] == "auto"


# tools, choice, format, names of the functions, function_call
FORCED: list[tuple[list[Tool], Choice, Format, list[str], Any]] = [
    ([], Choice(), Format(CITY), ["answer"], {"name": "answer"}),
    ([], Choice(), Format(CITY, True, "city"), ["city"], {"name": "city"}),
    ([F], Choice(), Format(CITY), ["f", "answer"], {"name": "answer"}),
    ([F], Choice("none"), Format(CITY), ["f", "answer"], {"name": "answer"}),
    ([F], Choice("required"), Format(CITY), ["f"], {"name": "f"}),
    ([F, G], Choice("named", "g"), Format(CITY), ["f", "g"], {"name": "g"}),
    ([F, G], Choice("required"), Format(CITY), ["f", "g"], "auto"),
]


@pytest.mark.parametrize(("tools", "choice", "wanted", "names", "function_call"), FORCED)
def test_a_format_as_a_function(
    tools: list[Tool], choice: Choice, wanted: Format, names: list[str], function_call: Any
) -> None:
    """One forced function of the schema, and no format; a call that is demanded anyway comes first."""
    payload, notes = write(*tools, choice=choice, format=wanted, as_function=True)
    assert "response_format" not in payload
    assert [one["name"] for one in payload["functions"]] == names
    assert payload["function_call"] == function_call
    unused = Note("equivalent", "format.unused", "format")
    assert (unused in notes) is (len(names) == len(tools))
    if unused not in notes:
        assert payload["functions"][-1]["parameters"] == CITY


def test_a_formats_function_is_no_tool() -> None:
    """Its name is legal, and its own."""
    payload, _ = write(tool("answer"), format=Format(CITY), as_function=True)
    first, second = (one["name"] for one in payload["functions"])
    assert (first, payload["function_call"]) == ("answer", {"name": second})
    assert "whole answer" in payload["functions"][1]["description"]
    assert second != first
    payload, _ = write(format=Format(CITY, None, "мой ответ"), as_function=True)
    assert payload["function_call"]["name"].startswith("moy_otvet_")


@pytest.mark.parametrize(
    ("schema", "parameters"),
    [
        (None, EMPTY),
        ({"type": "string"}, {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}),
        (
            {"type": "array", "items": {"$ref": "#/$defs/A"}, "$defs": {"A": {"type": "string"}}},
            {
                "type": "object",
                "properties": {"answer": {"type": "array", "items": {"type": "string"}}},
                "required": ["answer"],
            },
        ),
    ],
)
def test_a_formats_function_takes_an_object(schema: dict[str, Any] | None, parameters: dict[str, Any]) -> None:
    """Arguments are always one: another schema is wrapped."""
    payload, _ = write(format=Format(schema), as_function=True)
    assert payload["functions"][0]["parameters"] == parameters


@examples(max_examples=80, suppress=[HealthCheck.too_slow])
@given(requests())
def test_any_request_is_accepted(request: Request) -> None:
    """What GigaChat would refuse is refused here, with the field's name; writing alters no request."""
    before = repr(request)
    variants: list[dict[str, Any]] = [{}, {"as_function": True}, {"state_echo": False}]
    for more in variants:
        payload = outcome(request, **more)
        if isinstance(payload, GatewayError):
            assert payload.kind.status == 400
            assert payload.param
            continue
        check(orjson.loads(orjson.dumps(payload)))
        assert payload == chat_request.write(request, **more)[0]
        if "functions" in payload:
            assert len({one["name"] for one in payload["functions"]}) == len(payload["functions"])
    assert repr(request) == before


async def test_a_strict_gigachat_takes_any_request(sandbox: Running, http: aiohttp.ClientSession) -> None:
    """The same over the wire, where the sandbox answers with calls and formats, whole and streamed."""
    payloads: list[dict[str, Any]] = []

    @examples(max_examples=60, suppress=[HealthCheck.too_slow])
    @given(requests())
    def collect(request: Request) -> None:
        payload = outcome(request, as_function=len(payloads) % 2 == 1)
        if not isinstance(payload, GatewayError):
            payloads.append(payload)

    collect()
    headers = {"Authorization": f"Bearer {sandbox.state.tokens.issue(60)}", "Content-Type": "application/json"}
    assert len(payloads) > 0
    for payload in payloads:
        data = orjson.dumps(payload)
        async with http.post(f"{sandbox.url}/v1/chat/completions", data=data, headers=headers) as response:
            assert response.status == 200, (await response.text(), payload)
            await response.read()
        assert sandbox.state.requests.of("chat")[-1].unknown == []
