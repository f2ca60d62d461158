"""OpenAI's Agents SDK on chat completions: runs, streamed runs, tools, typed outputs and handoffs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from agents import (
    Agent,
    ModelBehaviorError,
    ModelSettings,
    OpenAIChatCompletionsModel,
    RunConfig,
    Runner,
    RunResult,
    RunResultStreaming,
    ToolCallItem,
    ToolCallOutputItem,
    function_tool,
)
from openai import AsyncOpenAI
from openai.types.responses import ResponseTextDeltaEvent

from tests.clients.pictures import SAID, TWO_CALLS, Picture
from tests.clients.sdk import KEY, Gigachat, both
from tests.running import Process

pytestmark = pytest.mark.long

QUIET = RunConfig(tracing_disabled=True)


def weather(city: str) -> str:
    """Погода в городе.

    Args:
        city: Название города.
    """
    return json.dumps({"city": city, "t": 20}, ensure_ascii=False)


def clock(zone: int = 0) -> str:
    """The time."""
    return f"полдень {zone}"


WEATHER, CLOCK = function_tool(weather), function_tool(clock)


@pytest.fixture
async def model(served: Process) -> AsyncIterator[OpenAIChatCompletionsModel]:
    """The model as its users make it, but for retries."""
    async with AsyncOpenAI(base_url=f"{served.url}/v1", api_key=KEY, max_retries=0) as client:
        yield OpenAIChatCompletionsModel("GigaChat-2", client)


async def run(agent: Agent[Any], asking: Any, *, stream: bool) -> RunResult | RunResultStreaming:
    """A run to its end; of a streamed one, the text is that of the events, too."""
    if not stream:
        return await Runner.run(agent, asking, run_config=QUIET)
    result = Runner.run_streamed(agent, asking, run_config=QUIET)
    events = [event async for event in result.stream_events()]
    raw = [event.data for event in events if event.type == "raw_response_event"]
    said = "".join(event.delta for event in raw if isinstance(event, ResponseTextDeltaEvent))
    if isinstance(result.final_output, str):
        assert said == result.final_output
    assert [event.type for event in raw].count("response.completed") == len(result.raw_responses)
    return result


@both
async def test_text(model: OpenAIChatCompletionsModel, gigachat: Gigachat, stream: bool) -> None:
    """The answer and its usage; instructions and settings are GigaChat's."""
    settings = ModelSettings(temperature=0.5, top_p=0.9, max_tokens=100, include_usage=True)
    agent = Agent(name="a", instructions="Кратко.", model=model, model_settings=settings)
    result = await run(agent, "sandbox:long 3", stream=stream)
    assert result.final_output.count("Фраза") == 3
    (answer,) = result.raw_responses
    assert answer.usage.input_tokens > 0
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    body = gigachat.last()["body"]
    assert body["messages"] == [
        {"role": "system", "content": "Кратко."},
        {"role": "user", "content": "sandbox:long 3"},
    ]
    assert (body["temperature"], body["max_tokens"], body["top_p"]) == (0.5, 100, 0.9)
    assert body.get("stream", False) is stream
    assert len(gigachat.requests()) == 1


@both
async def test_the_loop_of_an_agent(model: OpenAIChatCompletionsModel, gigachat: Gigachat, stream: bool) -> None:
    """Call, result, call, result, text; the last request has the whole history, each has the functions."""
    result = await run(Agent(name="a", model=model, tools=[WEATHER, CLOCK]), TWO_CALLS, stream=stream)
    assert 'weather → {"city": "Омск", "t": 20}; clock → {"result":"полдень 3"}' in result.final_output
    kinds = [type(item) for item in result.new_items]
    assert (kinds.count(ToolCallItem), kinds.count(ToolCallOutputItem)) == (2, 2)
    first, second, last = (request["body"] for request in gigachat.requests())
    assert second["messages"] == last["messages"][:3]
    assert first["messages"] == second["messages"][:1] == [{"role": "user", "content": TWO_CALLS}]
    made, gave, made_too, gave_too = last["messages"][1:]
    assert made["function_call"] == {"name": "weather", "arguments": {"city": "Омск"}}
    assert made_too["function_call"] == {"name": "clock", "arguments": {"zone": 3}}
    assert made["functions_state_id"] != made_too["functions_state_id"]
    assert gave == {"role": "function", "name": "weather", "content": '{"city": "Омск", "t": 20}'}
    assert gave_too == {"role": "function", "name": "clock", "content": '{"result":"полдень 3"}'}
    assert first["functions"] == second["functions"] == last["functions"]
    one, other = first["functions"]
    assert (one["name"], one["description"]) == ("weather", "Погода в городе.")
    city = one["parameters"]["properties"]["city"]
    assert (city["type"], city["description"]) == ("string", "Название города.")
    assert other["parameters"]["properties"]["zone"]["type"] == "integer"
    assert other["parameters"]["required"] == ["zone"]


@both
async def test_a_talk_goes_on(model: OpenAIChatCompletionsModel, gigachat: Gigachat, stream: bool) -> None:
    """What a run gives as its input list is what the next one begins with, calls and all."""
    agent = Agent(name="a", model=model, tools=[WEATHER, CLOCK])
    past = (await run(agent, TWO_CALLS, stream=stream)).to_input_list()
    result = await run(agent, [*past, {"role": "user", "content": "sandbox:say Да"}], stream=stream)
    assert result.final_output == "Да"
    sent = gigachat.last()["body"]["messages"]
    before = gigachat.requests()[-2]["body"]["messages"]
    assert sent[:5] == before
    assert [one["role"] for one in sent[5:]] == ["assistant", "user"]
    assert "полдень 3" in sent[5]["content"]


@both
async def test_calls_side_by_side(model: OpenAIChatCompletionsModel, gigachat: Gigachat, stream: bool) -> None:
    """Several calls of one turn of another model's are asked as pairs, each with its own result."""
    past = [
        {"role": "user", "content": "Погода и время?"},
        {"type": "function_call", "call_id": "a", "name": "weather", "arguments": '{"city": "Омск"}'},
        {"type": "function_call", "call_id": "b", "name": "clock", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "b", "output": "полдень"},
        {"type": "function_call_output", "call_id": "a", "output": '{"t": 20}'},
    ]
    result = await run(Agent(name="a", model=model, tools=[WEATHER, CLOCK]), past, stream=stream)
    assert 'weather → {"t": 20}; clock → {"result":"полдень"}' in result.final_output
    assert gigachat.last()["body"]["messages"][1:] == [
        {"role": "assistant", "content": "", "function_call": {"name": "weather", "arguments": {"city": "Омск"}}},
        {"role": "function", "name": "weather", "content": '{"t": 20}'},
        {"role": "assistant", "content": "", "function_call": {"name": "clock", "arguments": {}}},
        {"role": "function", "name": "clock", "content": '{"result":"полдень"}'},
    ]


@pytest.mark.parametrize(
    ("choice", "sent", "called"),
    [("auto", "auto", "weather"), ("required", "auto", "weather"), ("clock", {"name": "clock"}, "clock")],
)
async def test_the_choice_of_a_tool(
    model: OpenAIChatCompletionsModel, gigachat: Gigachat, choice: str, sent: Any, called: str
) -> None:
    """A function that is chosen is forced; after its call the SDK leaves GigaChat the choice."""
    settings = ModelSettings(tool_choice=choice, parallel_tool_calls=False)
    agent = Agent(name="a", model=model, tools=[WEATHER, CLOCK], model_settings=settings)
    result = await run(agent, "weather", stream=False)
    assert f"the functions returned: {called} → " in result.final_output
    assert [request["body"]["function_call"] for request in gigachat.requests()] == [sent, "auto"]


@both
async def test_an_output(model: OpenAIChatCompletionsModel, gigachat: Gigachat, stream: bool) -> None:
    """A strict format with all of the type's schema, and an object of the type; tools come before it."""
    asking = f"sandbox:say {json.dumps(SAID, ensure_ascii=False)}"
    agent = Agent(name="a", model=model, output_type=Picture)
    assert (await run(agent, asking, stream=stream)).final_output == Picture.model_validate(SAID)
    form = gigachat.last()["body"]["response_format"]
    assert (form["type"], form["strict"]) == ("json_schema", True)
    schema = form["schema"]
    assert set(schema["required"]) == schema["properties"].keys() == Picture.model_fields.keys()
    assert schema["properties"]["note"]["anyOf"] == [{"type": "string"}, {"type": "null"}]
    assert schema["$defs"]["Point"]["properties"]["x"]["type"] == "number"
    with_tool = Agent(name="a", model=model, output_type=Picture, tools=[WEATHER])
    result = await run(with_tool, 'sandbox:call weather {"city": "Омск"}', stream=stream)
    assert isinstance(result.final_output, Picture)
    body = gigachat.last()["body"]
    assert [one["role"] for one in body["messages"]] == ["user", "assistant", "function"]
    assert body["response_format"] == form


async def test_an_output_that_does_not_fit(model: OpenAIChatCompletionsModel) -> None:
    """What is not of the type is the SDK's error; it keeps to itself what is wrong."""
    asking = f"sandbox:say {json.dumps(SAID | {'level': 3})}"
    with pytest.raises(ModelBehaviorError, match="Invalid JSON"):
        await run(Agent(name="a", model=model, output_type=Picture), asking, stream=False)


@both
async def test_a_handoff(model: OpenAIChatCompletionsModel, gigachat: Gigachat, stream: bool) -> None:
    """A handoff is a call: the next agent answers, with its own instructions and tools and the history."""
    expert = Agent(
        name="Weather expert", handoff_description="О погоде.", instructions="Погода.", model=model, tools=[WEATHER]
    )
    door = Agent(name="Door", instructions="Дверь.", model=model, handoffs=[expert])
    # The sandbox counts calls that were made among those that can be: the expert's are one less.
    asking = 'sandbox:call transfer_to_weather_expert; call weather; call weather {"city": "Омск"}'
    result = await run(door, asking, stream=stream)
    assert result.last_agent is expert
    assert 'weather → {"city": "Омск", "t": 20}' in result.final_output
    first, *_, last = (request["body"] for request in gigachat.requests())
    (offered,) = first["functions"]
    assert offered["name"] == "transfer_to_weather_expert"
    assert "О погоде." in offered["description"]
    assert [one["name"] for one in last["functions"]] == ["weather"]
    assert [first["messages"][0], last["messages"][0]] == [
        {"role": "system", "content": "Дверь."},
        {"role": "system", "content": "Погода."},
    ]
    made, gave = last["messages"][2:4]
    assert made["function_call"] == {"name": "transfer_to_weather_expert", "arguments": {}}
    assert json.loads(gave["content"]) == {"assistant": "Weather expert"}


@both
async def test_a_wrong_key(served: Process, gigachat: Gigachat, stream: bool) -> None:
    """OpenAI's own error."""
    async with AsyncOpenAI(base_url=f"{served.url}/v1", api_key="sk-wrong", max_retries=0) as client:
        agent = Agent(name="a", model=OpenAIChatCompletionsModel("GigaChat-2", client))
        with pytest.raises(openai.AuthenticationError):
            await run(agent, "x", stream=stream)
    assert gigachat.requests() == []


@both
async def test_a_parameter_that_can_not_be(model: OpenAIChatCompletionsModel, gigachat: Gigachat, stream: bool) -> None:
    """OpenAI's own error, which names the field."""
    agent = Agent(name="a", model=model, model_settings=ModelSettings(temperature=-1))
    with pytest.raises(openai.BadRequestError) as caught:
        await run(agent, "x", stream=stream)
    assert caught.value.param == "temperature"
    assert gigachat.requests() == []
