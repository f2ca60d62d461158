"""Variants of a request over the wire: formats, required calls, state ids, stop sequences, several choices."""

from __future__ import annotations

import gc
import json
from types import TracebackType
from typing import Any

import aiohttp
import pytest
from prometheus_client import REGISTRY

from app.sandbox import server
from tests.running import GatewayStarter, Running, eventually
from tests.watching import Reply, ask

SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "reply", "schema": SCHEMA, "strict": True}}
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in ("look", "act")]


def saying(text: str, **fields: Any) -> dict[str, Any]:
    """A chat request with one user message."""
    return {"model": "GigaChat", "messages": [{"role": "user", "content": text}], **fields}


def text_of(reply: Reply, stream: bool) -> str:
    """The words of a reply, whole or streamed."""
    if not stream:
        return str(reply.json["choices"][0]["message"]["content"])
    chunks = [event for event in reply.events if event != "[DONE]"]
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_model_that_ignores_the_format(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession, stream: bool
) -> None:
    """Prose instead of JSON: the schema becomes a forced function, told; twice in a row, the next begins with it."""
    body = saying("hello", model="GigaChat-Plus", response_format=FORMAT, stream=stream)
    for asked in (2, 4, 5):
        reply = await ask(http, gateway, body)
        assert reply.status == 200, reply.text
        assert set(json.loads(text_of(reply, stream))) == {"answer"}
        assert len(sandbox.state.requests.of("chat")) == asked
    assert "response_format->function" in reply.headers["x-gateway-adapted"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_format_that_is_refused(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession, stream: bool
) -> None:
    """GigaChat's refusal of the format is tried as a function; in strict mode it is the answer."""
    sandbox.state.faults.add("format_refused", times=None)
    body = saying("hello", response_format=FORMAT, stream=stream)
    assert set(json.loads(text_of(await ask(http, gateway, body), stream))) == {"answer"}
    strict = await ask(
        http,
        gateway,
        saying("other", model="GigaChat-2", response_format=FORMAT),
        headers={"X-Gateway-Strict": "1"},
    )
    assert strict.status == 400


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_any_json_out_of_its_fence(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession, stream: bool
) -> None:
    """`json_object`: what comes in a fence is taken out of it, for one price."""
    sandbox.state.faults.add("fenced_json", times=None)
    reply = await ask(http, gateway, saying("hello", response_format={"type": "json_object"}, stream=stream))
    assert isinstance(json.loads(text_of(reply, stream)), dict)
    assert len(sandbox.state.requests.of("chat")) == 1


async def test_a_cut_leaves_nothing_behind(gateway: Running, http: aiohttp.ClientSession) -> None:
    """An answer that a stop sequence cuts is closed and not read on: no traceback of it is kept by anybody."""

    def tracebacks() -> int:
        gc.collect()
        return sum(type(one) is TracebackType for one in gc.get_objects())

    body = saying("sandbox:long 500", stop=["phrase 3"])
    await ask(http, gateway, body)
    before = tracebacks()
    for _ in range(20):
        assert (await ask(http, gateway, body)).status == 200
    assert tracebacks() < before + 10


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_cut_off_answer_is_told_in_its_own_words(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession, stream: bool
) -> None:
    """Stop sequences have GigaChat stream; a client that did not ask for a stream hears of none."""
    sandbox.state.faults.add("cut", "chat", after=2)
    reply = await ask(http, gateway, saying("sandbox:long 500", stop=["никогда"], stream=stream))
    if stream:
        assert reply.events[-1]["error"]["code"] == "stream_truncated"
    else:
        assert (reply.status, reply.error["code"]) == (502, "upstream_error")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_required_call_is_asked_for_in_two_steps(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession, stream: bool
) -> None:
    """Words instead of a required call: a forced choice among the functions, then the one that was chosen, forced."""
    reply = await ask(http, gateway, saying("sandbox:say no", tools=TOOLS, tool_choice="required", stream=stream))
    assert '"look"' in reply.text
    assert "choose_function" not in reply.text
    choices = [record.body["function_call"] for record in sandbox.state.requests.of("chat")]
    assert choices == ["auto", {"name": "choose_function"}, {"name": "look"}]
    assert reply.headers["x-gateway-adapted"] == "tool_choice=required->auto"


async def test_what_was_thrown_away_is_counted(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """The words that came in place of JSON were paid for: GigaChat counts them behind the answer."""
    caplog.set_level("INFO", "gpt2giga")
    aborts = REGISTRY.get_sample_value("gpt2giga_proxy_abort_usage_total", {"method": "counted"})
    body = saying("sandbox:long 300", response_format=FORMAT, stream=True)
    reply = await ask(http, gateway, body | {"stream_options": {"include_usage": True}})
    await eventually(lambda: any(record.getMessage() == "request" for record in caplog.records))
    late = "usage of an abandoned answer"
    await eventually(lambda: any(record.getMessage() == late for record in caplog.records))
    (line,) = [record.__dict__["gateway_fields"] for record in caplog.records if record.getMessage() == late]
    assert [record.where for record in sandbox.state.requests.of() if record.where in ("chat", "tokens")] == [
        "chat",
        "chat",
        "tokens",
    ]
    told = reply.events[-2]["usage"]
    assert (line["method"], line["prompt_tokens"] > 0) == ("counted", True)
    assert line["completion_tokens"] > told["completion_tokens"]
    assert REGISTRY.get_sample_value("gpt2giga_proxy_abort_usage_total", {"method": "counted"}) == (aborts or 0) + 1


async def test_the_count_of_what_was_thrown_away_holds_nothing_up(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """It comes behind the answer: a slow or failing count costs no first word, and no time-out of GigaChat's."""
    gateway = await start_gateway(GPT2GIGA_FIRST_BYTE_SECONDS="1")
    sandbox.state.faults.add("slow", "tokens", seconds=1.5)
    body = saying("sandbox:long 300", response_format=FORMAT, stream=True)
    reply = await ask(http, gateway, body)
    assert (reply.status, reply.events[-1]) == (200, "[DONE]")
    sandbox.state.faults.add("status", "tokens", status=500)
    assert (await ask(http, gateway, body)).events[-1] == "[DONE]"


async def test_what_came_to_its_end_is_not_counted_again(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """A first answer that was over had told its usage itself."""
    body = saying("sandbox:say no", tools=TOOLS, tool_choice="required", stream=True)
    assert (await ask(http, gateway, body)).status == 200
    assert len(sandbox.state.requests.of("chat")) == 3
    assert sandbox.state.requests.of("tokens") == []


@pytest.mark.parametrize("echo", ["true", "false"])
async def test_the_state_comes_back(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, echo: str
) -> None:
    """GigaChat's state id travels inside the call's id; refused, it is left out once; switched off, it never goes."""
    gateway = await start_gateway(GPT2GIGA_STATE_ECHO=echo)
    first = await ask(http, gateway, saying("sandbox:call look {}", tools=TOOLS))
    call = first.json["choices"][0]["message"]
    history = [
        {"role": "user", "content": "look"},
        call,
        {"role": "tool", "tool_call_id": call["tool_calls"][0]["id"], "content": "a tree"},
    ]
    body = {"model": "GigaChat", "messages": history, "tools": TOOLS}
    assert "a tree" in text_of(await ask(http, gateway, body), stream=False)
    sent = [message.get("functions_state_id") for message in sandbox.state.requests.of("chat")[-1].body["messages"]]
    assert any(sent) is (echo == "true")
    sandbox.state.faults.add("state_refused", times=1)
    assert (await ask(http, gateway, body)).status == 200


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_stop_sequence(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession, stream: bool
) -> None:
    """The answer ends before it, GigaChat's generation ends with it, and the usage is counted."""
    options = {"stream_options": {"include_usage": True}} if stream else {}
    reply = await ask(http, gateway, saying("sandbox:long 2000", stop=["phrase 3"], stream=stream, **options))
    assert text_of(reply, stream).endswith("из 2000, ")
    chunks = [event for event in reply.events if event != "[DONE]"] if stream else [reply.json]
    finishes = [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"] if choice["finish_reason"]]
    assert finishes == ["stop"]
    usage = chunks[-1]["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 10
    assert usage["completion_tokens"] < 100
    await eventually(lambda: sandbox.state.requests.of("chat")[-1].ended is not None)
    assert sandbox.state.requests.of("chat")[-1].chunks < 2000


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_several_choices(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession, stream: bool
) -> None:
    """As many requests, one after another, numbered; one that fails fails them all."""
    reply = await ask(http, gateway, saying("sandbox:say x", n=3, stream=stream))
    if stream:
        chunks = [event for event in reply.events if event != "[DONE]"]
        ends = [choice["index"] for chunk in chunks for choice in chunk["choices"] if choice["finish_reason"]]
        assert ends == [0, 1, 2]
    else:
        assert [(choice["index"], choice["message"]["content"]) for choice in reply.json["choices"]] == [
            (0, "x"),
            (1, "x"),
            (2, "x"),
        ]
        usage = [record.status for record in sandbox.state.requests.of("chat")]
        assert (len(usage), sandbox.state.most_chatting) == (3, 1)
    assert (await ask(http, gateway, saying("sandbox:say x", n=5))).status == 400


async def test_a_choice_that_fails(sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession) -> None:
    """No answer with a hole in it."""
    sandbox.state.faults.add("slow", where="chat", seconds=0.0)
    sandbox.state.faults.add("status", where="chat", status=422, message="Invalid params: no")
    assert (await ask(http, gateway, saying("sandbox:say x", n=2))).status == 400


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_agent_where_formats_are_refused(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession, stream: bool
) -> None:
    """Its tools are still called, and its JSON is asked for in words."""
    sandbox.state.faults.add("format_refused", times=None)
    body = saying("sandbox:call look {}", response_format=FORMAT, tools=TOOLS, stream=stream)
    reply = await ask(http, gateway, body)
    assert '"tool_calls"' in reply.text
    assert "response_format->instruction" in reply.headers["x-gateway-adapted"]
    assert "response_format" not in sandbox.state.requests.of("chat")[-1].body
