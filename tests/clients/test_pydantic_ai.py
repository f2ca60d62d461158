"""Agents of Pydantic AI: texts, streams, tools and every way to an output of a type."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai import AsyncOpenAI
from pydantic_ai import (
    Agent,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    ModelRetry,
    NativeOutput,
    PromptedOutput,
    TextPart,
    ToolCallPart,
    ToolOutput,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIChatModelSettings
from pydantic_ai.providers.openai import OpenAIProvider

from tests.clients.pictures import JSON, PICTURE, SAID, TWO_CALLS, Picture, Point
from tests.clients.sdk import KEY, Gigachat
from tests.running import Process

pytestmark = pytest.mark.long

QUOTED = 'weather → {"city":"Омск","t":20}; clock → {"result":"полдень 3"}'


@pytest.fixture
async def model(served: Process) -> AsyncIterator[OpenAIChatModel]:
    """The model as its users make it, but for retries."""
    async with AsyncOpenAI(base_url=f"{served.url}/v1", api_key=KEY, max_retries=0) as client:
        yield OpenAIChatModel("GigaChat-2", provider=OpenAIProvider(openai_client=client))


def weather(city: str) -> dict[str, Any]:
    """Погода в городе."""
    return {"city": city, "t": 20}


def clock(zone: int = 0) -> str:
    """The time."""
    return f"полдень {zone}"


def agent_with_tools(model: OpenAIChatModel) -> Agent[None, str]:
    """An agent of two functions."""
    return Agent(model, tools=[weather, clock], instructions="Кратко.")


def loop_was_whole(gigachat: Gigachat) -> None:
    """Three requests, the last with the whole history, the functions in each."""
    first, _, last = (request["body"] for request in gigachat.requests())
    assert last["messages"][:2] == first["messages"]
    made, gave, made_too, gave_too = last["messages"][2:]
    assert made["function_call"] == {"name": "weather", "arguments": {"city": "Омск"}}
    assert made_too["function_call"] == {"name": "clock", "arguments": {"zone": 3}}
    assert made["functions_state_id"] != made_too["functions_state_id"]
    assert (gave["name"], json.loads(gave["content"])) == ("weather", {"city": "Омск", "t": 20})
    assert (gave_too["name"], json.loads(gave_too["content"])) == ("clock", {"result": "полдень 3"})
    assert first["functions"] == last["functions"]
    one, other = first["functions"]
    assert (one["name"], one["description"]) == ("weather", "Погода в городе.")
    assert one["parameters"]["properties"] == {"city": {"type": "string"}}
    assert one["parameters"]["required"] == ["city"]
    assert other["parameters"]["properties"] == {"zone": {"default": 0, "type": "integer"}}


async def test_text(model: OpenAIChatModel, gigachat: Gigachat) -> None:
    """The answer, its usage and how it ended; instructions and settings are GigaChat's."""
    settings = OpenAIChatModelSettings(temperature=0.5, max_tokens=100, top_p=0.9)
    result = await Agent(model, instructions="Кратко.", model_settings=settings).run("sandbox:say Привет, мир")
    assert result.output == "Привет, мир"
    last = result.all_messages()[-1]
    assert isinstance(last, ModelResponse)
    assert (last.finish_reason, last.model_name) == ("stop", "GigaChat-2:2.0.28.2")
    assert result.usage.input_tokens > 0
    assert result.usage.output_tokens > 0
    body = gigachat.last()["body"]
    assert body["messages"] == [
        {"role": "system", "content": "Кратко."},
        {"role": "user", "content": "sandbox:say Привет, мир"},
    ]
    assert (body["temperature"], body["max_tokens"], body["top_p"]) == (0.5, 100, 0.9)


async def test_a_stream(model: OpenAIChatModel, gigachat: Gigachat) -> None:
    """The text comes piece by piece, the usage with its end."""
    agent = Agent(model)
    async with agent.run_stream("sandbox:long 4") as streamed:
        pieces = [piece async for piece in streamed.stream_text(delta=True, debounce_by=None)]
    assert [piece.split(" из ")[0] for piece in pieces] == ["Фраза 1", "Фраза 2", "Фраза 3", "Фраза 4"]
    whole = await agent.run("sandbox:long 4")
    assert whole.output == "".join(pieces)
    assert streamed.usage.output_tokens == whole.usage.output_tokens > 0
    assert streamed.usage.input_tokens == whole.usage.input_tokens > 0
    assert [request["body"].get("stream", False) for request in gigachat.requests()] == [True, False]


async def test_thoughts(model: OpenAIChatModel) -> None:
    """What GigaChat thought is a part of its own."""
    result = await Agent(model).run("sandbox:reasoning\nsandbox:say Да")
    thought, text = result.all_messages()[-1].parts
    assert thought.part_kind == "thinking"
    assert thought.content.startswith("Пользователь спрашивает")
    assert isinstance(text, TextPart)
    assert text.content == "Да"


async def test_the_loop_of_an_agent(model: OpenAIChatModel, gigachat: Gigachat) -> None:
    """Call, result, call, result, text."""
    result = await agent_with_tools(model).run(TWO_CALLS)
    assert QUOTED in result.output
    assert (result.usage.requests, result.usage.tool_calls) == (3, 2)
    loop_was_whole(gigachat)


async def test_the_streamed_loop_of_an_agent(model: OpenAIChatModel, gigachat: Gigachat) -> None:
    """The same, each answer a stream."""
    async with agent_with_tools(model).run_stream(TWO_CALLS) as streamed:
        pieces = [piece async for piece in streamed.stream_text(delta=True, debounce_by=None)]
    assert len(pieces) > 1
    assert QUOTED in "".join(pieces)
    loop_was_whole(gigachat)
    assert all(request["body"]["stream"] for request in gigachat.requests())


async def test_a_tool_that_asks_again(model: OpenAIChatModel, gigachat: Gigachat) -> None:
    """What a function says of its arguments goes to GigaChat as its result."""

    def weather(city: str) -> str:
        if city != "Омск":
            raise ModelRetry("нет такого города")
        return "тепло"

    agent = Agent(model, tools=[weather])
    result = await agent.run('sandbox:call weather {"city": "Омкс"}; call weather {"city": "Омск"}')
    assert 'weather → {"result":"тепло"}' in result.output
    assert "нет такого города" in gigachat.last()["body"]["messages"][2]["content"]


async def test_calls_side_by_side(model: OpenAIChatModel, gigachat: Gigachat) -> None:
    """Several calls of one turn of another model's go on as pairs, each with its own result, and a talk goes on."""
    past: list[ModelMessage] = [
        ModelRequest(parts=[UserPromptPart("Погода и время?")]),
        ModelResponse(parts=[ToolCallPart("weather", {"city": "Омск"}, "a"), ToolCallPart("clock", "{}", "b")]),
        ModelRequest(parts=[ToolReturnPart("clock", "полдень", "b"), ToolReturnPart("weather", {"t": 20}, "a")]),
        ModelResponse(parts=[TextPart("Тепло.")]),
    ]
    result = await agent_with_tools(model).run("sandbox:say Да", message_history=past)
    assert result.output == "Да"
    assert gigachat.last()["body"]["messages"][1:] == [
        {"role": "user", "content": "Погода и время?"},
        {"role": "assistant", "content": "", "function_call": {"name": "weather", "arguments": {"city": "Омск"}}},
        {"role": "function", "name": "weather", "content": '{"t":20}'},
        {"role": "assistant", "content": "", "function_call": {"name": "clock", "arguments": {}}},
        {"role": "function", "name": "clock", "content": '{"result":"полдень"}'},
        {"role": "assistant", "content": "Тепло."},
        {"role": "user", "content": "sandbox:say Да"},
    ]


OUTPUTS: dict[str, tuple[Any, str]] = {
    "tool": (Picture, f"sandbox:call final_result {JSON}"),
    "named tool": (ToolOutput(Picture, name="picture"), f"sandbox:call picture {JSON}"),
    "one of two tools": ([Picture, Point], f"sandbox:call final_result_Picture {JSON}"),
    "native": (NativeOutput(Picture), f"sandbox:say {JSON}"),
    "prompted": (PromptedOutput(Picture), f"sandbox:say {JSON}"),
}


@pytest.mark.parametrize(("kind", "asking"), OUTPUTS.values(), ids=OUTPUTS)
async def test_outputs(model: OpenAIChatModel, gigachat: Gigachat, kind: Any, asking: str) -> None:
    """However an output is asked for, it comes, whole and streamed, with one request each."""
    agent: Agent[None, Any] = Agent(model, output_type=kind)
    assert (await agent.run(asking)).output == PICTURE
    async with agent.run_stream(asking) as streamed:
        outputs = [output async for output in streamed.stream_output(debounce_by=None)]
    assert outputs[-1] == PICTURE
    assert len(gigachat.requests()) == 2


async def test_what_an_output_is_asked_with(model: OpenAIChatModel, gigachat: Gigachat) -> None:
    """A function that is forced, a format with all of its schema, or any object: as the output's kind has it."""

    async def sent(name: str) -> Any:
        kind, asking = OUTPUTS[name]
        agent: Agent[None, Any] = Agent(model, output_type=kind)
        await agent.run(asking)
        return gigachat.last()["body"]

    body = await sent("tool")
    (function,) = body["functions"]
    assert body["function_call"] == {"name": "final_result"}
    assert function["parameters"]["properties"].keys() == Picture.model_fields.keys()
    assert function["parameters"]["properties"]["points"]["items"]["properties"] == {"x": {"type": "number"}}
    body = await sent("one of two tools")
    assert [one["name"] for one in body["functions"]] == ["final_result_Picture", "final_result_Point"]
    assert body["function_call"] == "auto"
    form = (await sent("native"))["response_format"]
    assert (form["type"], form["strict"]) == ("json_schema", True)
    assert form["schema"]["properties"].keys() == Picture.model_fields.keys()
    assert form["schema"]["properties"]["note"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert form["schema"]["$defs"]["Point"]["properties"] == {"x": {"type": "number"}}
    body = await sent("prompted")
    assert body["response_format"] == {"type": "json_schema", "schema": {"type": "object"}}
    assert '"$defs"' in body["messages"][0]["content"]


async def test_tools_before_an_output(model: OpenAIChatModel, gigachat: Gigachat) -> None:
    """First a function, then the output, which is a function too."""
    agent = Agent(model, output_type=Picture, tools=[weather])
    result = await agent.run(f'sandbox:call weather {{"city": "Омск"}}; call final_result {JSON}')
    assert result.output == PICTURE
    body = gigachat.last()["body"]
    assert [one["name"] for one in body["functions"]] == ["weather", "final_result"]
    assert json.loads(body["messages"][-1]["content"]) == {"city": "Омск", "t": 20}


async def test_an_output_that_does_not_fit(model: OpenAIChatModel, gigachat: Gigachat) -> None:
    """What is wrong with it goes back to GigaChat as the result of its call, and the next one is right."""
    gigachat.fault("call_unfit", arguments=SAID | {"level": 3})
    result = await Agent(model, output_type=Picture).run(f"sandbox:call final_result {JSON}")
    assert result.output == PICTURE
    made, gave = gigachat.last()["body"]["messages"][1:3]
    assert made["function_call"]["arguments"]["level"] == 3
    assert "level" in gave["content"]
