"""LangChain: the chat model, agents with tools, structured output in each of its methods, and embeddings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.clients.langchain_models import chat, connections, one_loop, ways  # noqa: F401 - one is a fixture
from tests.clients.pictures import JSON, PICTURE, SAID, TWO_CALLS, Picture
from tests.clients.sdk import Gigachat, both
from tests.running import Process

agents: Any = pytest.importorskip("langchain.agents")
structured: Any = pytest.importorskip("langchain.agents.structured_output")
messages: Any = pytest.importorskip("langchain_core.messages")
tools: Any = pytest.importorskip("langchain_core.tools")

pytestmark = pytest.mark.heavy

QUOTED = 'weather → {"city": "Омск", "t": 20}; clock → {"result":"полдень 3"}'


def weather(city: str) -> dict[str, Any]:
    """Погода в городе."""
    return {"city": city, "t": 20}


def clock(zone: int = 0) -> str:
    """The time."""
    return f"полдень {zone}"


TOOLS = [tools.tool(weather), tools.tool(clock)]


@pytest.fixture
def model(served: Process) -> Any:
    """The chat model with nothing set."""
    return chat(served)


async def ask(runnable: Any, asking: Any, *, way: str) -> Any:
    """The answer, by each of the four ways; chunks are added up as LangChain does it."""
    if way == "invoke":
        return runnable.invoke(asking)
    if way == "ainvoke":
        return await runnable.ainvoke(asking)
    stream = runnable.stream(asking)
    chunks = [chunk async for chunk in runnable.astream(asking)] if way == "astream" else list(stream)
    assert len(chunks) > 1
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return whole


@one_loop
@ways
async def test_text(served: Process, gigachat: Gigachat, way: str) -> None:
    """The text, how it ended and what it used; roles and settings are GigaChat's."""
    settings = {"temperature": 0.5, "max_tokens": 100, "top_p": 0.9, "stream_usage": True}
    asking = [("system", "Кратко."), ("human", "Привет"), ("ai", "Да?"), ("human", "sandbox:long 3")]
    answer = await ask(chat(served, **settings), asking, way=way)
    assert answer.content == "".join(f"Фраза {n} из 3, phrase {n} of 3. " for n in (1, 2, 3))
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.response_metadata["model_name"].startswith("GigaChat-2:")
    usage = answer.usage_metadata
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > usage["output_tokens"] > 0
    body = gigachat.last()["body"]
    assert body["messages"] == [
        {"role": "system", "content": "Кратко."},
        {"role": "user", "content": "Привет"},
        {"role": "assistant", "content": "Да?"},
        {"role": "user", "content": "sandbox:long 3"},
    ]
    assert (body["temperature"], body["max_tokens"], body["top_p"]) == (0.5, 100, 0.9)
    assert body.get("stream", False) is ("stream" in way)


def test_usage_that_is_not_asked_for(model: Any) -> None:
    """A stream without `stream_usage` tells none."""
    assert all(chunk.usage_metadata is None for chunk in model.stream("sandbox:say Да"))


def loop_was_whole(gigachat: Gigachat, *, stream: bool) -> None:
    """Three requests, the last with the whole history, the functions in each."""
    first, _, last = (request["body"] for request in gigachat.requests())
    assert first["messages"] == last["messages"][:2]
    assert first["messages"][0] == {"role": "system", "content": "Кратко."}
    made, gave, made_too, gave_too = last["messages"][2:]
    assert made["function_call"] == {"name": "weather", "arguments": {"city": "Омск"}}
    assert made_too["function_call"] == {"name": "clock", "arguments": {"zone": 3}}
    assert made["functions_state_id"] != made_too["functions_state_id"]
    assert gave == {"role": "function", "name": "weather", "content": '{"city": "Омск", "t": 20}'}
    assert gave_too == {"role": "function", "name": "clock", "content": '{"result":"полдень 3"}'}
    one, other = last["functions"]
    assert (one["name"], one["description"]) == ("weather", "Погода в городе.")
    assert one["parameters"]["properties"] == {"city": {"type": "string"}}
    assert other["parameters"]["properties"] == {"zone": {"default": 0, "type": "integer"}}
    for request in gigachat.requests():
        assert (request["body"]["functions"], request["body"].get("stream", False)) == ([one, other], stream)


def test_an_agent(model: Any, gigachat: Gigachat) -> None:
    """Call, result, call, result, text."""
    agent = agents.create_agent(model, tools=TOOLS, system_prompt="Кратко.")
    state = agent.invoke({"messages": [("user", TWO_CALLS)]})
    assert [one.type for one in state["messages"]] == ["human", "ai", "tool", "ai", "tool", "ai"]
    assert QUOTED in state["messages"][-1].content
    loop_was_whole(gigachat, stream=False)


@one_loop
async def test_a_streamed_agent(model: Any, gigachat: Gigachat) -> None:
    """The same, each answer a stream."""
    agent = agents.create_agent(model, tools=TOOLS, system_prompt="Кратко.")
    asking = {"messages": [("user", TWO_CALLS)]}
    pieces = [chunk async for chunk, _ in agent.astream(asking, stream_mode="messages") if chunk.type != "tool"]
    assert QUOTED in "".join(chunk.content for chunk in pieces)
    loop_was_whole(gigachat, stream=True)


@one_loop
@ways
async def test_calls_side_by_side(model: Any, gigachat: Gigachat, way: str) -> None:
    """Several calls of one turn go on as pairs, each with its own result, whatever came from where."""
    calls = [
        {"name": "weather", "args": {"city": "Омск"}, "id": "a"},
        {"name": "clock", "args": {}, "id": "b"},
        {"name": "weather", "args": {"city": "Тула"}, "id": "c"},
    ]
    asking = [
        messages.HumanMessage("Погода и время?"),
        messages.AIMessage("", tool_calls=calls),
        messages.ToolMessage("полдень", tool_call_id="b"),
        messages.ToolMessage('{"t": 10}', tool_call_id="c"),
        messages.ToolMessage('{"t": 20}', tool_call_id="a"),
    ]
    answer = await ask(model.bind_tools(TOOLS), asking, way=way)
    assert 'weather → {"t": 20}; clock → {"result":"полдень"}; weather → {"t": 10}' in answer.content
    sent = gigachat.last()["body"]["messages"][1:]
    assert [one.get("function_call") for one in sent[::2]] == [
        {"name": "weather", "arguments": {"city": "Омск"}},
        {"name": "clock", "arguments": {}},
        {"name": "weather", "arguments": {"city": "Тула"}},
    ]
    assert [one["content"] for one in sent[1::2]] == ['{"t": 20}', '{"result":"полдень"}', '{"t": 10}']


@one_loop
@ways
@pytest.mark.parametrize(
    ("choice", "sent", "called"),
    [
        (None, "auto", "weather"),
        ("any", "auto", "weather"),
        ("clock", {"name": "clock"}, "clock"),
        ("none", "none", ""),
    ],
)
async def test_bound_tools(model: Any, gigachat: Gigachat, choice: Any, sent: Any, called: str, way: str) -> None:
    """A call as LangChain knows it, and the choice as GigaChat does; strict schemas lose nothing."""
    bound = model.bind_tools(TOOLS, tool_choice=choice, parallel_tool_calls=False, strict=True)
    answer = await ask(bound, "weather", way=way)
    assert [call["name"] for call in answer.tool_calls] == ([called] if called else [])
    assert answer.invalid_tool_calls == []
    body = gigachat.last()["body"]
    assert body["function_call"] == sent
    assert [one["name"] for one in body["functions"]] == ["weather", "clock"]
    assert body["functions"][1]["parameters"]["required"] == ["zone"]


METHODS = {
    "json_schema": f"sandbox:say {JSON}",
    "function_calling": f"sandbox:call Picture {JSON}",
    "json_mode": f"sandbox:say {JSON}",
}


@one_loop
@ways
@pytest.mark.parametrize("method", METHODS)
async def test_structured_output(model: Any, gigachat: Gigachat, method: str, way: str) -> None:
    """An object of the type by every method, and all of its schema at GigaChat's."""
    runnable = model.with_structured_output(Picture, method=method)
    if way == "astream":
        assert [part async for part in runnable.astream(METHODS[method])][-1] == PICTURE
    elif way == "stream":
        assert list(runnable.stream(METHODS[method]))[-1] == PICTURE
    else:
        assert await ask(runnable, METHODS[method], way=way) == PICTURE
    body = gigachat.last()["body"]
    if method == "json_mode":
        assert body["response_format"] == {"type": "json_schema", "schema": {"type": "object"}}
        return
    if method == "json_schema":
        schema = body["response_format"]["schema"]
        assert body["response_format"]["strict"] is True
        assert schema["properties"]["note"]["anyOf"] == [{"type": "string"}, {"type": "null"}]
        assert schema["$defs"]["Point"]["properties"]["x"]["type"] == "number"
    else:
        (function,) = body["functions"]
        assert (function["name"], function["description"]) == ("Picture", "Картина.")
        assert body["function_call"] == {"name": "Picture"}
        schema = function["parameters"]
        assert schema["properties"]["points"]["items"]["properties"] == {"x": {"type": "number"}}
    assert schema["properties"].keys() == Picture.model_fields.keys()
    assert len(gigachat.requests()) == 1


def test_structured_output_with_what_it_came_from(model: Any) -> None:
    """`include_raw` has the answer and its usage beside the object."""
    answer = model.with_structured_output(Picture, include_raw=True).invoke(METHODS["json_schema"])
    assert (answer["parsed"], answer["parsing_error"]) == (PICTURE, None)
    assert json.loads(answer["raw"].content) == SAID
    assert answer["raw"].usage_metadata["output_tokens"] > 0


@both
@pytest.mark.parametrize("strategy", ["ToolStrategy", "ProviderStrategy"])
def test_an_agent_with_an_output(model: Any, gigachat: Gigachat, strategy: str, stream: bool) -> None:
    """First a tool, then the object: by one more function, or by a format beside the tools."""
    agent = agents.create_agent(model, tools=TOOLS[:1], response_format=getattr(structured, strategy)(Picture))
    asking = {"messages": [("user", f'sandbox:call weather {{"city": "Омск"}}; call Picture {JSON}')]}
    state = list(agent.stream(asking, stream_mode="values"))[-1] if stream else agent.invoke(asking)
    body = gigachat.last()["body"]
    assert 'weather", "content": "{\\"city\\": \\"Омск\\"' in json.dumps(body["messages"], ensure_ascii=False)
    if strategy == "ToolStrategy":
        assert state["structured_response"] == PICTURE
        assert [one["name"] for one in body["functions"]] == ["weather", "Picture"]
        return
    assert isinstance(state["structured_response"], Picture)
    assert body["response_format"]["schema"]["properties"].keys() == Picture.model_fields.keys()
    assert [one["name"] for one in body["functions"]] == ["weather"]
