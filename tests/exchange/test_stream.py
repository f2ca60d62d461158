"""A chat request streamed: the chunks as typed clients want them, and every way in which a stream goes wrong."""

from __future__ import annotations

import logging
from typing import Any

import aiohttp
import orjson
import pytest

from app.sandbox import server
from tests.running import GatewayStarter, Running, eventually
from tests.watching import CHAT, Reply, ask, asking, counted, everything, raw, saying, tally, told

WORDS = (
    'Привет, мир! 😀 Hello, world: one phrase, and another one, and "quotes" \\ too.\n\n```py\nx = 1\n```\t\u2028end'
)
LONG = asking("sandbox:long 6", stream=True)


def chunks_of(reply: Reply) -> list[dict[str, Any]]:
    """The chunks of a stream that came to its end."""
    assert reply.status == 200, reply.text
    assert reply.events[-1] == "[DONE]"
    assert reply.events.count("[DONE]") == 1
    assert reply.text.endswith("data: [DONE]\n\n")
    return reply.events[:-1]


@pytest.mark.parametrize("usage", [False, True])
async def test_the_sequence_of_chunks(usage: bool, gateway: Running, http: aiohttp.ClientSession) -> None:
    """A role chunk, the deltas, the finish, the usage only if it was asked for, [DONE]; each with its head."""
    body = asking("sandbox:long 3", stream=True, **({"stream_options": {"include_usage": True}} if usage else {}))
    reply = await ask(http, gateway, body)
    chunks = chunks_of(reply)
    for chunk in chunks:
        assert chunk["id"] == f"chatcmpl-{reply.headers['x-request-id']}"
        assert chunk["object"] == "chat.completion.chunk"
        assert chunk["created"] == chunks[0]["created"] > 1_600_000_000
        assert chunk["model"] == "GigaChat:2.0.28.2"
        assert chunk["system_fingerprint"].startswith("fp_")
        assert "error" not in chunk
    last = chunks.pop() if usage else None
    assert all(list(chunk["choices"][0]) == ["index", "delta", "finish_reason"] for chunk in chunks)
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert [list(chunk["choices"][0]["delta"]) for chunk in chunks[1:-1]] == [["content"]] * 3
    assert chunks[-1]["choices"][0]["delta"] == {}
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * 4 + ["stop"]
    if last is None:
        assert not any("usage" in chunk for chunk in chunks)
    else:
        assert [chunk["usage"] for chunk in chunks] == [None] * 5
        assert last["choices"] == []
        counts = last["usage"]
        assert counts["total_tokens"] == counts["prompt_tokens"] + counts["completion_tokens"]
        assert counts["prompt_tokens"] > 0


async def test_the_headers_of_a_stream(gateway: Running, http: aiohttp.ClientSession) -> None:
    """Nothing on the way may keep or hold back what comes."""
    headers = (await ask(http, gateway, LONG)).headers
    assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert headers["Cache-Control"] == "no-cache"
    assert headers["X-Accel-Buffering"] == "no"
    assert "Content-Length" not in headers


async def test_an_old_proxy_before_us(gateway: Running) -> None:
    """HTTP/1.0, as nginx speaks by default, gets the whole stream and its end by the connection's close."""
    body = orjson.dumps(LONG)
    head = f"POST {CHAT} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    answer = await raw(gateway, head + body)
    assert answer.split(b" ", 2)[1] == b"200"
    assert b"chunked" not in answer
    assert answer.count(b"data: ") == 9
    assert answer.endswith(b"data: [DONE]\n\n")


async def test_a_client_that_asks_before_it_sends(gateway: Running) -> None:
    """`Expect: 100-continue`, which curl sends with a large body, is answered."""
    body = orjson.dumps(saying("hi"))
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\n"
    answer = await raw(gateway, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


SAME = {
    "words": asking(f"sandbox:say {WORDS}"),
    "an echo": asking("Как дела?"),
    "many phrases": asking("sandbox:long 200"),
    "one letter": saying("x"),
    "reasoning": asking(f"sandbox:reasoning\nsandbox:say {WORDS}"),
    "cut by a limit": asking("sandbox:long 20", max_tokens=30),
    "the filter": asking("sandbox:finish blacklist\nsandbox:say Не могу говорить об этом."),
    "bigger chunks": asking("sandbox:long 9", update_interval=0.001),
}


@pytest.mark.parametrize("body", SAME.values(), ids=SAME)
async def test_a_stream_says_what_a_whole_answer_says(
    body: dict[str, Any], gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Text, reasoning, finish reason and usage are the same, streamed or whole, and Cyrillic is never escaped."""
    whole = await ask(http, gateway, body, headers={"X-Tenant-ID": "whole"})
    options = {"stream": True, "stream_options": {"include_usage": True}}
    streamed = await ask(http, gateway, body | options, headers={"X-Tenant-ID": "stream"})
    *chunks, last = chunks_of(streamed)
    choice = whole.json["choices"][0]
    assert streamed.content == whole.content != ""
    assert chunks[-1]["choices"][0]["finish_reason"] == choice["finish_reason"]
    thought = "".join(chunk["choices"][0]["delta"].get("reasoning_content", "") for chunk in chunks)
    assert thought == choice["message"].get("reasoning_content", "")
    assert last["usage"] == whole.json["usage"]
    assert "\\u04" not in whole.text + streamed.text
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["refusal"] is None


# Faults that a client need not notice -> the words that come all the same.
HARMLESS: dict[str, tuple[str, str]] = {
    "no_done": ("hi", "hi"),
    "bom": ("hi", "hi"),
    "crlf": ("hi", "hi"),
    "no_usage": ("hi", "hi"),
    "null_content": ("hi", ""),
    "surrogate": ("hi", "hi😀"),
}


@pytest.mark.parametrize("kind", HARMLESS)
async def test_what_a_client_need_not_notice(
    kind: str, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Each oddity of GigaChat's streams still gives a whole stream, counted as a success."""
    caplog.set_level(logging.INFO, "gpt2giga")
    before = await tally(http, gateway)
    text, want = HARMLESS[kind]
    sandbox.state.faults.add(kind, where="chat")
    reply = await ask(http, gateway, saying(text, stream=True, stream_options={"include_usage": True}))
    chunks = chunks_of(reply)
    assert reply.content == want
    assert [chunk for chunk in chunks if chunk["choices"]][-1]["choices"][0]["finish_reason"] == "stop"
    assert any(not chunk["choices"] for chunk in chunks) == (kind != "no_usage")
    assert (await told(caplog))["status"] == 200
    assert (await tally(http, gateway)).since(before) == ({}, {"good": 1})


# A fault after the first event -> code, error_type and status that it is counted under, and who ended the stream.
BROKEN: dict[str, tuple[dict[str, Any], tuple[str, str, int, str]]] = {
    "cut": ({}, ("stream_truncated", "stream_truncated", 502, "upstream")),
    "cut with a reset": ({"kind": "cut", "rst": True}, ("stream_truncated", "stream_truncated", 502, "upstream")),
    "end": ({}, ("stream_truncated", "stream_truncated", 502, "upstream")),
    "event_error": ({"message": "see http://10.0.0.1/"}, ("upstream_error", "upstream_5xx", 502, "upstream")),
    "garbage": ({}, ("upstream_error", "upstream_5xx", 502, "upstream")),
    "stall": ({"seconds": 5.0}, ("upstream_timeout", "upstream_timeout", 504, "idle_timeout")),
}


@pytest.mark.parametrize("after", [1, 3])
@pytest.mark.parametrize("kind", BROKEN)
async def test_a_stream_that_breaks(
    kind: str,
    after: int,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What came stays, then an error event and no [DONE]; it counts as the failure that it is, with the wire's 200."""
    caplog.set_level(logging.INFO, "gpt2giga")
    given, (code, error_type, status, side) = BROKEN[kind]
    sandbox.state.faults.add(**{"kind": kind, "where": "chat", "after": after, **given})
    gateway = await start_gateway(ready=False, GIGACHAT_TIMEOUT="0.15" if kind == "stall" else "")
    before = await tally(http, gateway)
    aborts = await counted(http, gateway, "gpt2giga_proxy_stream_aborts_total", "side")
    reply = await ask(http, gateway, LONG)
    assert reply.status == 200
    *chunks, failure = reply.events
    assert reply.content == "".join(f"Фраза {n} из 6, phrase {n} of 6. " for n in range(1, after + 1))
    assert all(chunk["choices"][0]["finish_reason"] is None for chunk in chunks)
    assert list(failure) == ["error"]
    assert (failure["error"]["code"], failure["error"]["type"]) == (code, "server_error")
    assert "10.0.0.1" not in reply.text
    assert "[DONE]" not in reply.text
    line = await told(caplog)
    assert (line["status"], line["wire_status"], line["error_type"]) == (status, 200, error_type)
    assert line["aborted_by"] == side
    assert (await tally(http, gateway)).since(before) == ({error_type: 1}, {"bad": 1})
    after_ = await counted(http, gateway, "gpt2giga_proxy_stream_aborts_total", "side")
    assert dict(after_ - aborts) == {side: 1}
    assert len(sandbox.state.requests.of("chat")) == 1
    assert "Traceback" not in everything(caplog)


# A fault before the first event: a real status, in the envelope.
EARLY: dict[str, tuple[dict[str, Any], tuple[int, str]]] = {
    "cut": ({"after": 0}, (502, "upstream_error")),
    "end": ({"after": 0}, (502, "upstream_error")),
    "event_error": ({"after": 0}, (502, "upstream_error")),
    "garbage": ({"after": 0}, (502, "upstream_error")),
    "html_200": ({}, (502, "upstream_error")),
    "slow": ({"seconds": 5.0}, (504, "upstream_timeout")),
    "stall": ({"after": 0, "seconds": 5.0}, (504, "upstream_timeout")),
}


@pytest.mark.parametrize("kind", EARLY)
async def test_a_stream_that_never_begins(
    kind: str, sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """It is no 200: an SDK sees a status that it understands."""
    given, want = EARLY[kind]
    sandbox.state.faults.add(kind, where="chat", times=None, **given)
    gateway = await start_gateway(ready=False, GPT2GIGA_FIRST_BYTE_SECONDS="0.15")
    reply = await ask(http, gateway, LONG)
    assert (reply.status, reply.error["code"]) == want
    await eventually(lambda: sandbox.state.requests.of("chat")[0].outcome != "")


async def test_a_stream_that_ends_before_its_first_word(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Once the status line is out it is a truncated stream, also where no word had come yet."""
    sandbox.state.faults.add("null_content", where="chat")
    sandbox.state.faults.add("stall", where="chat", after=1, seconds=0.1)
    sandbox.state.faults.add("end", where="chat", after=1)
    reply = await ask(http, gateway, LONG)
    assert reply.status == 200
    assert reply.events[-1]["error"]["code"] == "stream_truncated"


@pytest.mark.parametrize(("status", "code"), [(429, "rate_limit_exceeded"), (402, "insufficient_quota")])
async def test_a_refusal_after_the_status_line(
    status: int,
    code: str,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """When the status line could not wait, the refusal is an event with the same fields, counted under its status."""
    caplog.set_level(logging.INFO, "gpt2giga")
    sandbox.state.faults.add("slow", where="chat", seconds=0.2)
    sandbox.state.faults.add("status", where="chat", status=status, times=None)
    gateway = await start_gateway(ready=False, GPT2GIGA_COMMIT_SECONDS="0.05")
    reply = await ask(http, gateway, LONG)
    assert reply.status == 200
    assert [event["error"]["code"] for event in reply.events] == [code]
    assert set(reply.events[0]["error"]) == {"message", "type", "param", "code"}
    line = await told(caplog)
    assert (line["status"], line["wire_status"], line["error_type"]) == (429, 200, f"upstream_{status}")


async def test_a_model_that_fails_inside_a_stream(gateway: Running, http: aiohttp.ClientSession) -> None:
    """`finish_reason: error` is an error event which says that another try may do."""
    reply = await ask(http, gateway, asking("sandbox:finish error\nsandbox:long 3", stream=True))
    assert reply.events[-1]["error"]["code"] == "upstream_generation_error"
    assert "[DONE]" not in reply.text


async def test_the_filters_sentence_is_an_answer(gateway: Running, http: aiohttp.ClientSession) -> None:
    """`blacklist` is no error: its sentence with `content_filter`, asked once."""
    reply = await ask(http, gateway, asking("sandbox:finish blacklist\nsandbox:say Сменим тему?"))
    choice = reply.json["choices"][0]
    assert (reply.status, choice["finish_reason"], choice["message"]["content"]) == (
        200,
        "content_filter",
        "Сменим тему?",
    )


async def test_connections_are_used_again(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Streams and whole answers that came to their end leave their connection to the next; broken ones close theirs."""
    connector = gateway.gateway.gigachat._session.connector
    assert connector is not None

    def idle() -> set[object]:
        return {protocol for waiting in connector._conns.values() for protocol, _ in waiting}

    await ask(http, gateway, saying("hi"))
    before = idle()
    for body in (LONG, saying("hi"), LONG):
        await ask(http, gateway, body)
        await eventually(lambda: not connector._acquired)
        assert idle() == before
    sandbox.state.faults.add("garbage", where="chat", after=1)
    sandbox.state.faults.add("stall", where="chat", after=2, seconds=30.0)
    await ask(http, gateway, LONG)
    await eventually(lambda: not connector._acquired)
    assert not before <= idle()
    await eventually(lambda: sandbox.state.requests.of("chat")[-1].outcome == "client_gone")
