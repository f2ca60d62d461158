"""Tools: every call and every result arrives, in histories and in answers, and no part of a schema is lost."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from app import sse
from app.sandbox import server
from tests.running import GatewayStarter, Running
from tests.watching import ask, asking, called, tool

LOOK, ACT = tool("look", {"where": {"type": "string"}}), tool("act", {"what": {"type": "string"}})
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def sent(sandbox: server.Running, index: int = -1) -> dict[str, Any]:
    """The body that GigaChat got."""
    body: dict[str, Any] = sandbox.state.requests.of("chat")[index].body
    return body


def history(calls: list[dict[str, Any]], *results: tuple[str, Any], **more: Any) -> dict[str, Any]:
    """A question, some calls side by side, their results in some order."""
    return {
        "model": "GigaChat-2",
        "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": None, "tool_calls": calls},
            *({"role": "tool", "tool_call_id": number, "content": content} for number, content in results),
        ],
        "tools": [LOOK, ACT],
        **more,
    }


def of_functions(messages: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    """Each call and its result, as GigaChat got them."""
    pairs = itertools.pairwise(messages)
    return [
        (f"{one['function_call']['name']} {orjson.dumps(one['function_call']['arguments']).decode()}", other["content"])
        for one, other in pairs
        if "function_call" in one and other["role"] == "function"
    ]


@both
async def test_two_results_are_two_valid_messages(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Each result is JSON of its own behind its own call, and the answer quotes them both: no glue, no 422."""
    calls = [called("1", "look", '{"where":"up"}'), called("2", "act", '{"what":"jump"}')]
    body = history(calls, ("2", "high"), ("1", '{"sky": "blue"}'), stream=stream)
    reply = await ask(http, gateway, body)
    assert reply.status == 200, reply.text
    pairs = of_functions(sent(sandbox)["messages"])
    assert pairs == [('look {"where":"up"}', '{"sky": "blue"}'), ('act {"what":"jump"}', '{"result":"high"}')]
    assert "blue" in reply.content
    assert "high" in reply.content


async def test_every_call_of_a_history_survives(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Five calls in one message, two of the same function, are five pairs in their order."""
    calls = [called(str(number), "look" if number % 2 else "act", f'{{"n":{number}}}') for number in range(5)]
    results = [(str(number), f'{{"r":{number}}}') for number in reversed(range(5))]
    assert (await ask(http, gateway, history(calls, *results))).status == 200
    pairs = of_functions(sent(sandbox)["messages"])
    assert [result for _, result in pairs] == [f'{{"r":{number}}}' for number in range(5)]
    assert [call.partition(" ")[2] for call, _ in pairs] == [f'{{"n":{number}}}' for number in range(5)]


@both
async def test_every_call_of_an_agents_loop_is_answered(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Calls that come one after another all reach the client, and all of them GigaChat when they go back."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": "sandbox:call look; call act; call look"}]
    names: list[str] = []
    while len(names) < 5:
        body = {"model": "GigaChat-2", "messages": messages, "tools": [LOOK, ACT], "stream": stream}
        message = (await ask(http, gateway, body)).choices[0]["message"]
        if not (calls := message.get("tool_calls")):
            break
        names += [call["function"]["name"] for call in calls]
        messages = [*messages, message]
        messages += [{"role": "tool", "tool_call_id": call["id"], "content": "ok"} for call in calls]
    assert names == ["look", "act", "look"]
    assert [call.partition(" ")[0] for call, _ in of_functions(sent(sandbox)["messages"])] == names


@pytest.fixture
async def talkative() -> AsyncIterator[str]:
    """A GigaChat whose stream holds two calls, which the contract's v1 does not promise not to."""

    async def chat(request: web.Request) -> web.Response:
        events = [
            {"role": "assistant", "content": "", "function_call": {"name": name, "arguments": {"n": number}}}
            for number, name in enumerate(("look", "act"))
        ]
        chunks = [{"choices": [{"delta": delta, "index": 0}], "created": 1, "model": "M:1"} for delta in events]
        chunks.append({"choices": [{"delta": {}, "index": 0, "finish_reason": "function_call"}], "model": "M:1"})
        text = b"".join(sse.encode(orjson.dumps(chunk)) for chunk in chunks) + sse.encode(sse.DONE)
        return web.Response(body=text, content_type=sse.CONTENT_TYPE)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_every_call_of_one_answer_survives(
    talkative: str, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Two calls in one stream are two entries of `tool_calls`, numbered, with ids of their own."""
    gateway = await start_gateway(ready=False, GIGACHAT_BASE_URL=talkative)
    reply = await ask(http, gateway, asking("q", tools=[LOOK, ACT], stream=True))
    (choice,) = reply.choices
    calls = choice["message"]["tool_calls"]
    assert [one["function"] for one in calls] == [
        {"name": "look", "arguments": '{"n":0}'},
        {"name": "act", "arguments": '{"n":1}'},
    ]
    assert len({one["id"] for one in calls}) == 2
    assert choice["finish_reason"] == "tool_calls"


async def test_a_streamed_call_is_a_tool_call(gateway: Running, http: aiohttp.ClientSession) -> None:
    """A client that sent `tools` gets `tool_calls` deltas, each with its index, and `function_call` nowhere."""
    reply = await ask(http, gateway, asking("sandbox:call look", tools=[LOOK, ACT], stream=True))
    assert "function_call" not in reply.text
    deltas = [chunk["choices"][0]["delta"] for chunk in reply.events[:-1]]
    parts = [part for delta in deltas for part in delta.get("tool_calls", [])]
    assert [part["index"] for part in parts] == [0, 0]
    assert parts[0]["function"] == {"name": "look", "arguments": ""}
    assert reply.choices[0]["finish_reason"] == "tool_calls"


REQUIRED: dict[str, tuple[dict[str, Any], Any]] = {
    "one function": ({"tools": [LOOK], "tool_choice": "required"}, {"name": "look"}),
    "by name": (
        {"tools": [LOOK, ACT], "tool_choice": {"type": "function", "function": {"name": "act"}}},
        {"name": "act"},
    ),
    "several": ({"tools": [LOOK, ACT], "tool_choice": "required"}, "auto"),
}


@both
@pytest.mark.parametrize(("change", "choice"), REQUIRED.values(), ids=REQUIRED)
async def test_a_required_call_is_made(
    change: dict[str, Any],
    choice: Any,
    stream: bool,
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
) -> None:
    """One function is forced; of several one is demanded in words, then chosen and forced, and the client is told."""
    reply = await ask(http, gateway, asking("hello", **change, stream=stream))
    (call,) = reply.choices[0]["message"]["tool_calls"]
    assert sent(sandbox, 0)["function_call"] == choice
    if choice == "auto":
        assert sent(sandbox, 0)["messages"][0]["role"] == "system"
        assert "must call one of the functions" in sent(sandbox, 0)["messages"][0]["content"]
        assert reply.headers["x-gateway-adapted"] == "tool_choice=required->auto"
        assert len(sandbox.state.requests.of("chat")) == 3
        assert sent(sandbox)["function_call"] == {"name": call["function"]["name"]}
    else:
        assert call["function"]["name"] == choice["name"]


BARE = {"type": "function", "function": {"name": "ping"}}


@pytest.mark.parametrize("tools", [[BARE, LOOK], [LOOK, BARE], [BARE]], ids=["before", "after", "alone"])
async def test_a_tool_without_parameters_is_not_dropped(
    tools: list[dict[str, Any]], sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """It is sent with an empty object of parameters, wherever it stands, and can be called."""
    reply = await ask(http, gateway, asking("sandbox:call ping", tools=tools))
    functions = sent(sandbox)["functions"]
    assert [one["name"] for one in functions] == [one["function"]["name"] for one in tools]
    assert {"name": "ping", "parameters": {"type": "object", "properties": {}}} in functions
    assert reply.choices[0]["message"]["tool_calls"][0]["function"] == {"name": "ping", "arguments": "{}"}


ITEM = {
    "type": "object",
    "properties": {
        "size": {"type": "integer", "enum": [1, 2, 3], "default": 2},
        "colour": {"type": "string", "default": "red"},
    },
    "required": ["size"],
}
ORDER = tool("order", {"items": {"type": "array", "items": ITEM}, "gift": {"type": "boolean", "default": False}})


@both
async def test_nothing_of_a_schema_is_lost(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Nested `required`, defaults, the values of an integer enum go to GigaChat, and numbers come back as numbers."""
    arguments = '{"items":[{"size":"3","colour":"red"},{"size":"1"}]}'
    reply = await ask(http, gateway, asking(f"sandbox:call order {arguments}", tools=[ORDER], stream=stream))
    parameters = sent(sandbox)["functions"][0]["parameters"]
    item = parameters["properties"]["items"]["items"]
    assert item["required"] == ["size"]
    assert item["properties"]["size"]["enum"] == ["1", "2", "3"]
    assert str(item["properties"]["size"]["default"]) == "2"
    assert item["properties"]["colour"]["default"] == "red"
    assert parameters["properties"]["gift"]["default"] is False
    (call,) = reply.choices[0]["message"]["tool_calls"]
    assert orjson.loads(call["function"]["arguments"]) == {"items": [{"size": 3, "colour": "red"}, {"size": 1}]}


async def test_the_state_is_the_same_in_stream_and_whole(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One state of GigaChat's gives one id of the call in either rendering, and goes back as GigaChat wrote it."""
    state = "7f1d2c3a-1111-4222-8333-944445555666"
    monkeypatch.setattr("app.sandbox.stateids.uuid4", lambda: state)
    ids = []
    for stream in (False, True):
        body = asking("sandbox:call look", tools=[LOOK], stream=stream)
        (call,) = (await ask(http, gateway, body)).choices[0]["message"]["tool_calls"]
        ids.append(call["id"])
        assert (await ask(http, gateway, history([call], (call["id"], "ok"), stream=stream))).status == 200
        assert sent(sandbox)["messages"][1]["functions_state_id"] == state
    assert ids[0] == ids[1]
    assert len(ids[0]) <= 40


async def test_the_id_is_the_same_in_every_choice(
    gateway: Running, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several choices too: the id is the state, the contract, the call's index, in either rendering."""
    states = [f"7f1d2c3a-1111-4222-8333-94444555566{number}" for number in range(2)]
    ids = []
    for stream in (False, True):
        given = iter(states)
        monkeypatch.setattr("app.sandbox.stateids.uuid4", lambda given=given: next(given))
        reply = await ask(http, gateway, asking("sandbox:call look", tools=[LOOK], n=2, stream=stream))
        ids.append([choice["message"]["tool_calls"][0]["id"] for choice in reply.choices])
    assert ids[0] == ids[1]
