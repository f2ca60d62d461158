"""Tool forms: whoever invented a form, GigaChat gets the function with its arguments, and the client gets its call."""

from __future__ import annotations

from typing import Any

import aiohttp
import openai
import pytest

from app.sandbox import server
from tests.openai_answers import parse
from tests.running import Running
from tests.watching import ask, asking, called, saying, tool

# each rule has its row in the tests of its module; this is the same over the wire
pytestmark = pytest.mark.long
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Омск", "Тула"]}, "days": {"type": "integer"}},
    "required": ["city", "days"],
}
LOOK, ACT = tool("look"), tool("act")


def sent(sandbox: server.Running) -> dict[str, Any]:
    """The only body that GigaChat got since the last look."""
    (record,) = sandbox.state.requests.of("chat")
    sandbox.state.requests.clear()
    body: dict[str, Any] = record.body
    return body


TOOLS: dict[str, dict[str, Any]] = {
    "chat": {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}},
    "chat, strict": {"type": "function", "strict": False, "function": {"name": "f", "parameters": SCHEMA}},
    "no type": {"function": {"name": "f", "parameters": SCHEMA}},
    "Responses": {"type": "function", "name": "f", "parameters": SCHEMA, "strict": None},
    "bare": {"name": "f", "parameters": SCHEMA},
    "Anthropic": {"name": "f", "description": "d", "input_schema": SCHEMA, "cache_control": {"type": "ephemeral"}},
    "Anthropic, custom": {"type": "custom", "name": "f", "input_schema": SCHEMA},
    "Anthropic inside": {"type": "function", "function": {"name": "f", "input_schema": SCHEMA}},
    "MCP": {"name": "f", "title": "F", "inputSchema": SCHEMA, "annotations": {"readOnlyHint": True}},
    "MCP inside": {"type": "function", "function": {"name": "f", "inputSchema": SCHEMA}},
    "beside": {"type": "function", "function": {"name": "f"}, "parameters": SCHEMA},
    "Gemini": {"functionDeclarations": [{"name": "f", "parameters": SCHEMA}]},
    "Gemini, snake": {"function_declarations": [{"name": "f", "parameters_json_schema": SCHEMA}]},
    "Bedrock": {"toolSpec": {"name": "f", "inputSchema": {"json": SCHEMA}}},
    "Bedrock, a reference": {
        "toolSpec": {"name": "f", "inputSchema": {"json": {"$ref": "#/$defs/A", "$defs": {"A": SCHEMA}}}}
    },
}


@both
@pytest.mark.parametrize("form", TOOLS.values(), ids=TOOLS)
async def test_parameters_are_never_lost(
    form: dict[str, Any], stream: bool, sandbox: server.Running, gateway: Running
) -> None:
    """The same function goes upstream, and its call comes back; nothing is told as lost."""
    parsed = await parse(gateway, asking("f", tools=[form], stream=stream))
    body = sent(sandbox)
    assert [(one["name"], one["parameters"]) for one in body["functions"]] == [("f", SCHEMA)]
    assert parsed.call == ("f", {"city": "Омск", "days": parsed.call[1]["days"]})
    assert type(parsed.call[1]["days"]) is int
    assert parsed.told == {}


async def test_parameters_may_be_a_text(sandbox: server.Running, gateway: Running) -> None:
    """JSON written twice is read, and told."""
    text = '{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}'
    for form in ({"name": "f", "parameters": text}, {"function": {"name": "f", "input_schema": text}}):
        parsed = await parse(gateway, asking("f", tools=[form]))
        assert sent(sandbox)["functions"][0]["parameters"]["required"] == ["a"]
        assert parsed.told == {"adapted": "schema=text->object"}


CHOICES: dict[str, tuple[Any, Any]] = {
    "auto": ("auto", "auto"),
    "none": ("none", "none"),
    "an object of auto": ({"type": "auto"}, "auto"),
    "with a hint": ({"type": "auto", "disable_parallel_tool_use": True}, "auto"),
    "an object of none": ({"type": "none"}, "none"),
    "PHP": ([], "auto"),
    "an empty object": ({}, "auto"),
    "a bare name": ("act", {"name": "act"}),
    "Anthropic": ({"type": "tool", "name": "act"}, {"name": "act"}),
    "Anthropic, hint": ({"type": "tool", "name": "act", "disable_parallel_tool_use": True}, {"name": "act"}),
    "chat": ({"type": "function", "function": {"name": "act"}}, {"name": "act"}),
    "Responses": ({"type": "function", "name": "act"}, {"name": "act"}),
    "no type": ({"function": {"name": "act"}}, {"name": "act"}),
    "only a name": ({"name": "act"}, {"name": "act"}),
}
FORCED: dict[str, Any] = {
    "required": "required",
    "any": "any",
    "Anthropic": {"type": "any"},
    "an object": {"type": "required"},
    "allowed": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "look"}]},
    "allowed, nested": {
        "type": "allowed_tools",
        "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "look"}}]},
    },
}


@pytest.mark.parametrize("field", ["tool_choice", "function_call"])
@pytest.mark.parametrize(("choice", "carried"), CHOICES.values(), ids=CHOICES)
async def test_a_choice_is_what_it_says(
    choice: Any, carried: Any, field: str, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """In the older field as well."""
    tools = (
        {"tools": [LOOK, ACT]} if field == "tool_choice" else {"functions": [one["function"] for one in (LOOK, ACT)]}
    )
    reply = await ask(http, gateway, asking("hello", **tools, **{field: choice}))
    assert (reply.status, "x-gateway-adapted" in reply.headers) == (200, False), reply.text
    body = sent(sandbox)
    assert body["function_call"] == carried
    assert [one["name"] for one in body["functions"]] == ["look", "act"]


@both
@pytest.mark.parametrize("choice", FORCED.values(), ids=FORCED)
async def test_a_demanded_call_is_made(choice: Any, stream: bool, sandbox: server.Running, gateway: Running) -> None:
    """Of one function: it is forced, and the SDK has its call."""
    parsed = await parse(gateway, asking("hello", tools=[LOOK], tool_choice=choice, stream=stream))
    assert sent(sandbox)["function_call"] == {"name": "look"}
    assert parsed.call[0] == "look"
    assert parsed.completion.choices[0].finish_reason == "tool_calls"


UNCLEAR: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown name": ({"tool_choice": "jump"}, "tool_choice"),
    "an unknown tool": ({"tool_choice": {"type": "tool", "name": "jump"}}, "tool_choice"),
    "an unknown type": ({"tool_choice": {"type": "sometimes"}}, "tool_choice.type"),
    "a tool without a name": ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
    "free text": ({"tool_choice": {"type": "custom", "custom": {"name": "p"}}}, "tool_choice.type"),
    "no JSON": ({"tools": [{"name": "f", "parameters": "{"}]}, "tools[0].parameters"),
    "a list": ({"tools": [{"name": "f", "input_schema": [1]}]}, "tools[0].input_schema"),
    "nothing": ({"tools": [{}]}, "tools[0].type"),
    "no object": ({"tools": [{"functionDeclarations": ["f"]}]}, "tools[0].functionDeclarations[0]"),
    "any of nothing": ({"tools": [], "tool_choice": {"type": "any"}}, "tool_choice"),
    "a negative limit": ({"max_tokens": -2}, "max_tokens"),
    "a broken limit": ({"max_tokens": 1.5}, "max_tokens"),
    "17 stops": ({"stop": [f"s{number}" for number in range(17)]}, "stop"),
    "a name without end": ({"tools": [tool("x" * 1025)]}, "tools[0].function.name"),
}


@pytest.mark.parametrize(("change", "param"), UNCLEAR.values(), ids=UNCLEAR)
async def test_what_is_unclear_is_named_and_not_paid(
    change: dict[str, Any], param: str, sandbox: server.Running, gateway: Running
) -> None:
    """A 400 says which field."""
    with pytest.raises(openai.BadRequestError) as caught:
        await parse(gateway, asking("hello", **{"tools": [LOOK, ACT], **change}))
    assert caught.value.param == param
    assert not sandbox.state.requests.of("chat")


EMPTY: dict[str, dict[str, Any]] = {
    "parameters": {"tool_choice": [], "metadata": [], "logit_bias": [], "stream_options": [], "extra_body": []},
    "formats": {"response_format": [], "function_call": [], "prediction": None, "function_ranker": []},
    "a tool": {"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]},
    "a schema": {"tools": [{"name": "f", "parameters": {"type": "object", "properties": [], "required": {}}}]},
    "a property": {"tools": [{"name": "f", "parameters": {"type": "object", "properties": {"a": []}}}]},
    "examples": {
        "tools": [{"name": "f", "return_parameters": [], "few_shot_examples": [{"request": "a", "params": []}]}]
    },
    "a format": {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": []}}},
}


@both
@pytest.mark.parametrize("given", EMPTY.values(), ids=EMPTY)
async def test_phps_empty_array_means_nothing(
    given: dict[str, Any], stream: bool, sandbox: server.Running, gateway: Running
) -> None:
    """GigaChat takes what becomes of it, and nothing is told as lost."""
    parsed = await parse(gateway, asking("hello", **given, stream=stream))
    assert "dropped" not in parsed.told
    assert sandbox.state.requests.of("chat")[-1].unknown == []


@pytest.mark.parametrize("given", [{"metadata": []}, {"extra_body": []}, {"headers": {}}], ids=str)
async def test_phps_empty_array_beside_texts(
    given: dict[str, Any], gateway: Running, http: aiohttp.ClientSession
) -> None:
    """A request for embeddings is no stricter than a chat's."""
    body = {"model": "text-embedding-3-small", "input": ["a"], **given}
    async with http.post(f"{gateway.url}/v1/embeddings", json=body) as response:
        assert response.status == 200, await response.text()
        assert "x-gateway-dropped" not in response.headers


@both
async def test_sixteen_stops(stream: bool, sandbox: server.Running, gateway: Running) -> None:
    """Twelve of an editor's, and as many again that are the same; the first that comes ends the answer."""
    for stops in ([f"s{number}" for number in range(15)] + ["END"], ["a1", "END"] * 40, ["END", "", "END"]):
        parsed = await parse(gateway, saying("one two END three", stop=stops, stream=stream))
        assert (parsed.message.content, parsed.completion.choices[0].finish_reason) == ("one two ", "stop")


NO_LIMIT = [{"max_tokens": -1}, {"max_completion_tokens": 0}, {"max_output_tokens": -1.0}]


@both
@pytest.mark.parametrize("given", NO_LIMIT, ids=str)
async def test_no_limit(given: dict[str, Any], stream: bool, sandbox: server.Running, gateway: Running) -> None:
    """Not sent, and told."""
    ((name, value),) = given.items()
    parsed = await parse(gateway, saying("hi", **given, stream=stream))
    assert "max_tokens" not in sent(sandbox)
    assert parsed.told == {"adapted": f"{name}={int(value)}->unlimited"}
    await parse(gateway, saying("hi", max_tokens=4096.0, stream=stream))
    assert sent(sandbox)["max_tokens"] == 4096


RENAMED = [
    *("text2image", "text2model3d", "web_search", "code_interpreter", "image_generate", "model_3d_generate"),
    *("url_content_extraction", "get_datetime", "memory", "погода", "1st", "get weather"),
    *(f"mcp__server__{'x' * length}" for length in (52, 117, 900)),
]


@both
@pytest.mark.parametrize("name", RENAMED, ids=lambda name: name[:20] + str(len(name)))
async def test_a_renamed_function_is_named_back(
    name: str, stream: bool, sandbox: server.Running, gateway: Running
) -> None:
    """In definition, choice and history GigaChat has one name that is legal; the client has its own."""
    first = {"role": "user", "content": "hello"}
    choice = {"type": "function", "function": {"name": name}}
    body = {"messages": [first], "tools": [ACT, {"name": name, "description": "d", "input_schema": SCHEMA}]}
    parsed = await parse(gateway, {**body, "tool_choice": choice, "stream": stream})
    upstream = sent(sandbox)
    function = upstream["functions"][1]
    assert function["name"] != name
    assert len(function["name"]) <= 64
    assert function["description"] == f"{name}: d"
    assert upstream["function_call"] == {"name": function["name"]}
    assert parsed.call[0] == name
    assert parsed.told == {}
    call = called("call_1", name, '{"city": "Омск", "days": 1}')
    past = [first, {"role": "assistant", "content": None, "tool_calls": [call]}]
    past.append({"role": "tool", "tool_call_id": "call_1", "content": "{}"})
    await parse(gateway, {**body, "messages": past, "stream": stream})
    messages = sent(sandbox)["messages"]
    assert messages[1]["function_call"]["name"] == messages[2]["name"] == function["name"]


async def test_one_function_that_keeps_its_name_keeps_its_words(sandbox: server.Running, gateway: Running) -> None:
    """Only a renamed one needs more."""
    await parse(gateway, asking("hello", tools=[{"name": "look", "description": "d", "input_schema": SCHEMA}]))
    assert sent(sandbox)["functions"][0]["description"] == "d"
