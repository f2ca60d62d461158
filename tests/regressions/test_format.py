"""Format: the answer has the form that was asked for, and what GigaChat means by its words is said in OpenAI's."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import orjson
import pytest

from app.sandbox import server
from tests.dropped import DROPPED, DROPPED_NAME
from tests.running import Running, eventually
from tests.watching import ask, asking, saying, told, tool

HI = saying("hi")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "reply", "schema": SCHEMA, "strict": True}}
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@both
async def test_json_object_is_no_400(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """GigaChat refuses `json_object`: it is asked by the schema of any object, and an object is what comes."""
    reply = await ask(http, gateway, asking("hello", response_format={"type": "json_object"}, stream=stream))
    assert reply.status == 200, reply.text
    assert isinstance(orjson.loads(reply.content), dict)
    asked = [one.body["response_format"] for one in sandbox.state.requests.of("chat")]
    assert asked == [{"type": "json_schema", "schema": {"type": "object"}}]


@both
async def test_tools_can_fire_beside_a_schema(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """With a format and tools a call is a call, and where none is made the words fit the schema."""
    more = {"tools": [tool("look"), tool("act")], "response_format": FORMAT, "stream": stream}
    (choice,) = (await ask(http, gateway, asking("sandbox:call act", **more))).choices
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"]["name"] == "act"
    (choice,) = (await ask(http, gateway, asking("hello", **more))).choices
    assert choice["finish_reason"] == "stop"
    assert set(orjson.loads(choice["message"]["content"])) == {"city"}
    assert all(one.body["function_call"] == "auto" for one in sandbox.state.requests.of("chat"))


STOPS: dict[str, tuple[Any, str]] = {
    "a string": ("END", "one two "),
    "a list": (["never", "two"], "one "),
    "the first that comes": (["END", "one"], ""),
    "none of them": (["nowhere"], "one two END three"),
}


@both
@pytest.mark.parametrize(("stop", "want"), STOPS.values(), ids=STOPS)
async def test_stop_is_not_dropped(
    stop: Any, want: str, stream: bool, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """The answer ends before the sequence, with `stop`; what only looked like one is said."""
    reply = await ask(http, gateway, saying("one two END three", stop=stop, stream=stream))
    (choice,) = reply.choices
    assert (choice["message"]["content"] or "", choice["finish_reason"]) == (want, "stop")
    assert "x-gateway-dropped" not in reply.headers


@both
async def test_gigachat_stops_with_the_answer(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """What follows a stop sequence is not generated: the request upstream ends."""
    await ask(http, gateway, asking("sandbox:long 5000", stop="phrase 3", stream=stream))
    await eventually(lambda: sandbox.state.requests.of("chat")[0].ended is not None)
    assert sandbox.state.requests.of("chat")[0].chunks < 5000


@both
async def test_gigachats_time_is_not_the_gateways(
    stream: bool,
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Of every choice, though a stop sequence ends it before GigaChat does."""
    caplog.set_level("INFO", "gpt2giga")
    sandbox.state.faults.add("slow", "chat", times=None, seconds=0.3)
    reply = await ask(http, gateway, saying("one two END three", stop="END", n=2, stream=stream))
    assert len(reply.choices) == 2
    line = await told(caplog)
    assert 0.6 <= line["upstream_seconds"] <= line["seconds"] < line["upstream_seconds"] + 0.3


async def test_a_count_is_not_waited_for_without_end(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer does without its usage rather than keep the client waiting."""
    monkeypatch.setattr("app.exchange.choices.COUNT_SECONDS", 0.1)
    sandbox.state.faults.add("slow", "tokens", seconds=30.0)
    async with asyncio.timeout(10):
        reply = await ask(http, gateway, saying("one two END three", stop="END"))
    assert reply.content == "one two "


async def test_temperature_0_keeps_top_p(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """A temperature of 0 becomes a tiny one, since GigaChat takes no 0, and touches nothing else."""
    for top_p in (0.5, None):
        reply = await ask(http, gateway, {**HI, "temperature": 0, "top_p": top_p})
        assert "x-gateway-adapted" not in reply.headers
    first, second = (one.body for one in sandbox.state.requests.of("chat"))
    assert 0 < first["temperature"] < 0.001
    assert first["top_p"] == 0.5
    assert "top_p" not in second


@both
async def test_blacklist_is_content_filter(stream: bool, gateway: Running, http: aiohttp.ClientSession) -> None:
    """GigaChat's own word for it reaches nobody; its sentence does."""
    reply = await ask(http, gateway, asking("sandbox:finish blacklist\nsandbox:say Сменим тему?", stream=stream))
    (choice,) = reply.choices
    assert (reply.status, choice["finish_reason"]) == (200, "content_filter")
    assert choice["message"]["content"] == "Сменим тему?"
    assert "blacklist" not in reply.text


@pytest.mark.parametrize("options", [None, {}, {"include_usage": False}, {"include_usage": True}], ids=str)
async def test_usage_comes_when_it_was_asked_for(
    options: dict[str, Any] | None, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Asked for: a last chunk without choices has it, and null in all others. Not asked for: no chunk names it."""
    *chunks, done = (await ask(http, gateway, saying("hi", stream=True, stream_options=options))).events
    assert done == "[DONE]"
    finish = next(chunk for chunk in chunks if chunk["choices"] and chunk["choices"][0]["finish_reason"])
    if options and options["include_usage"]:
        assert chunks[-1]["choices"] == []
        assert chunks[-1]["usage"]["total_tokens"] > 0
        assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    else:
        assert chunks[-1] is finish
        assert not [chunk for chunk in chunks if "usage" in chunk]


async def test_cyrillic_is_utf_8(sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession) -> None:
    """Answers, streams and errors bear letters, never `\\u0438`; what came escaped is understood."""
    escaped = orjson.dumps(HI).replace(b"say hi", b"say \\u041f\\u0440\\u0438\\u0432\\u0435\\u0442")
    whole = await ask(http, gateway, data=escaped)
    streamed = await ask(http, gateway, saying("Привет", stream=True))
    sandbox.state.faults.add("status", where="chat", status=422, message="Неверный параметр")
    refused = await ask(http, gateway, HI)
    assert "Привет" in whole.text
    assert "Привет" in streamed.text
    assert "Неверный параметр" in refused.text
    assert "\\u04" not in whole.text + streamed.text + refused.text


async def test_unknown_fields_are_not_sent(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """GigaChat's payload holds what GigaChat knows; the client is told what was left out."""
    more = {
        "foo": 1,
        "top_k": 5,
        "enable_thinking": True,
        "user": "u",
        "metadata": {"a": "b"},
        **DROPPED,
    }
    message = {"role": "user", "content": "hi", "cache_control": {"type": "ephemeral"}, "name": "bob"}
    reply = await ask(http, gateway, {"model": "GigaChat", "messages": [message], **more, "stream_options": {}})
    record = sandbox.state.requests.of("chat")[0]
    assert record.unknown == []
    assert record.body == {"model": "GigaChat", "messages": [{"role": "user", "content": "hi"}]}
    assert reply.headers["x-gateway-dropped"] == f"foo, top_k, enable_thinking, {DROPPED_NAME}, messages.name"
