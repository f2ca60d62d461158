"""A call that GigaChat gives in several deltas reaches the client once, whole; its id leads back to its state."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from app.sandbox import server
from app.sandbox.call_deltas import STATES, WAYS
from tests.running import GatewayStarter, Running
from tests.stream_readers import READERS
from tests.watching import ask, asking, tool

ARGUMENTS: dict[str, Any] = {"city": "Омск {1}", "days": [1, {"a": "}"}], "note": 'a "b" \\ c', "deep": {"a": {"a": 1}}}
CALL = f"sandbox:call weather {json.dumps(ARGUMENTS, ensure_ascii=False)}"
TOOLS = [tool("weather"), tool("weather_map")]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("how", WAYS)
async def test_one_call_whole(
    how: str, state: str, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """As the answer without a stream has it, for new and old clients; the state goes back with the result."""
    for size in (3, 20):
        sandbox.state.faults.add("call_pieces", how=how, size=size, state=state)
        reply = await ask(http, gateway, asking(CALL, stream=True, tools=TOOLS))
        (choice,) = reply.choices
        (call,) = choice["message"]["tool_calls"]
        assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == ("weather", ARGUMENTS)
        assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", None)
    history = asking(CALL, stream=True, tools=TOOLS)
    history["messages"] += [choice["message"], {"role": "tool", "tool_call_id": call["id"], "content": "{}"}]
    assert (await ask(http, gateway, history)).choices[0]["finish_reason"] == "stop"
    called = sandbox.state.requests.of("chat")[-1].body["messages"][1]
    assert called["function_call"] == {"name": "weather", "arguments": ARGUMENTS}
    assert called["functions_state_id"].replace("-", "") == call["id"].partition("-")[0]


@pytest.mark.parametrize("how", ["string", "repeated", "growing"])
async def test_for_clients_of_functions(how: str, sandbox: server.Running, gateway: Running) -> None:
    """The older form has room for one call, and gets it."""
    sandbox.state.faults.add("call_pieces", how=how)
    body = asking(CALL, stream=True, functions=[one["function"] for one in TOOLS])
    chunks = await READERS["openai"](gateway.url, body)
    pieces = [chunk["choices"][0]["delta"].get("function_call") for chunk in chunks]
    assert [piece["name"] for piece in pieces if piece and piece.get("name")] == ["weather"]
    assert json.loads("".join(piece["arguments"] for piece in pieces if piece)) == ARGUMENTS


@pytest.mark.parametrize("how", ["string", "name_first", "growing_string"])
async def test_a_format_as_a_function(
    how: str, sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """The wanted JSON is the text, however its call was cut."""
    gateway = await start_gateway(GPT2GIGA_STRUCTURED_OUTPUT="function")
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}
    sandbox.state.faults.add("call_pieces", how=how, size=4)
    reply = await ask(http, gateway, asking("Где?", stream=True, response_format=form))
    assert set(json.loads(reply.content)) == {"city"}
    assert reply.choices[0]["finish_reason"] == "stop"


@pytest.mark.parametrize("fault", ["call_after_text", "call_apart", "call_text"])
async def test_beside_other_oddities(
    fault: str, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """A phrase before it, the finish in a chunk of its own, arguments in a string."""
    sandbox.state.faults.add(fault, where="chat")
    sandbox.state.faults.add("call_pieces", how="string", size=5, state="apart")
    (choice,) = (await ask(http, gateway, asking(CALL, stream=True, tools=TOOLS))).choices
    (call,) = choice["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == ARGUMENTS
    assert choice["message"]["content"] == ("Сейчас посмотрю. " if fault == "call_after_text" else None)


@pytest.mark.parametrize("after", [0, 1, 2])
async def test_half_a_call_never_looks_whole(
    after: int, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """A stream that breaks inside a call is an error, and none of the call has gone out."""
    sandbox.state.faults.add("call_pieces", how="repeated")
    sandbox.state.faults.add("end", where="chat", after=after)
    reply = await ask(http, gateway, asking(CALL, stream=True, tools=TOOLS))
    assert "tool_calls" not in reply.text
    assert "[DONE]" not in reply.text
    assert "error" in (reply.events[-1] if reply.streamed else reply.json)
