"""Answers that come to their end though their client leaves: `X-On-Abort: drain`."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import aiohttp
import pytest

from app.sandbox import server
from app.server.app_keys import BODIES, DRAIN
from tests.running import GatewayStarter, Running, eventually
from tests.watching import CHAT, Reply, ask, asking, lines, saying

DRAINS = {"X-On-Abort": "drain"}
LATE = "usage of an abandoned answer"
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def late_lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The fields of the lines about answers whose clients had left."""
    return [record.__dict__["gateway_fields"] for record in caplog.records if record.getMessage() == LATE]


async def leave(http: aiohttp.ClientSession, gateway: Running, body: dict[str, Any], seen: asyncio.Event) -> None:
    """A client that leaves once GigaChat works, or its first words have come."""

    async def read() -> None:
        async with http.post(gateway.url + CHAT, json=body, headers=DRAINS) as response:
            await response.content.readany()
            await asyncio.sleep(30)

    client = asyncio.create_task(read())
    await seen.wait()
    client.cancel()
    await asyncio.gather(client, return_exceptions=True)


@both
async def test_whoever_stays_gets_the_answer(stream: bool, gateway: Running, http: aiohttp.ClientSession) -> None:
    """The answer is the same as without the header, in the same form."""
    replies: list[Reply] = [
        await ask(http, gateway, saying("hello there", stream=stream), headers=headers) for headers in ({}, DRAINS)
    ]
    assert [reply.status for reply in replies] == [200, 200]
    assert len({reply.content for reply in replies}) == 1
    if stream:
        assert replies[1].events[-1] == "[DONE]"


@both
async def test_the_answer_is_made_to_its_end(
    stream: bool,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """GigaChat is read to its end, which tells the exact usage; the slot is held as long, and no longer."""
    caplog.set_level(logging.INFO, "gpt2giga")
    gateway = await start_gateway(GIGACHAT_MAX_CONCURRENCY="1")
    slots, seen = gateway.gateway.credential.slots, asyncio.Event()
    sandbox.state.faults.add("stall" if stream else "slow", "chat", seconds=0.4, **({"after": 3} if stream else {}))
    leaving = asyncio.create_task(leave(http, gateway, asking("sandbox:long 60", stream=stream), seen))
    await eventually(lambda: sandbox.state.chatting == 1)
    await asyncio.sleep(0.1)
    seen.set()
    await leaving
    assert slots.in_use == 1
    await eventually(lambda: len(late_lines(caplog)) == 1)
    (record,) = sandbox.state.requests.of("chat")
    (line,) = late_lines(caplog)
    assert (record.outcome, line["method"]) == ("done", "upstream")
    assert line["completion_tokens"] > 50
    assert sandbox.state.requests.of("tokens") == []
    await eventually(lambda: slots.in_use == 0)


@both
async def test_its_body_counts_as_long(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """What the request holds is held by the work, though its client has left; a stream that has begun holds nothing."""
    memory, seen = gateway.app[BODIES].memory, asyncio.Event()
    sandbox.state.faults.add("slow", "chat", seconds=0.4)
    body = {**asking("x" * 300_000), "stream": stream}
    leaving = asyncio.create_task(leave(http, gateway, body, seen))
    await eventually(lambda: sandbox.state.chatting == 1)
    seen.set()
    await leaving
    await asyncio.sleep(0.05)
    assert memory.limit - memory.left > 300_000
    await eventually(lambda: memory.left == memory.limit)
    assert gateway.gateway.credential.slots.in_use == 0 or stream


@both
async def test_who_leaves_the_queue_costs_nothing(
    stream: bool, sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """GigaChat has begun nothing that could come to its end, and nobody waits for what it would begin."""
    gateway = await start_gateway(GIGACHAT_MAX_CONCURRENCY="1", GPT2GIGA_QUEUE_SECONDS="20")
    gate, memory = gateway.gateway.gate, gateway.app[BODIES].memory
    sandbox.state.faults.add("slow", "chat", seconds=0.5)
    first = asyncio.create_task(ask(http, gateway, saying("first")))
    await eventually(lambda: sandbox.state.chatting == 1)
    held, seen = memory.left, asyncio.Event()
    leaving = [asyncio.create_task(leave(http, gateway, saying("x" * 9000, stream=stream), seen)) for _ in range(3)]
    await eventually(lambda: gate.waiting == 3)
    assert memory.left < held - 3 * 9000
    seen.set()
    await asyncio.gather(*leaving)
    await eventually(lambda: (gate.waiting, memory.left) == (0, held))
    assert (await first).status == 200
    await eventually(lambda: gateway.gateway.credential.slots.in_use == 0)
    assert len(sandbox.state.requests.of("chat")) == 1


@both
async def test_the_next_choice_is_not_begun(
    stream: bool,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What was paid before the client left is told, and no more is paid."""
    caplog.set_level(logging.INFO, "gpt2giga")
    gateway = await start_gateway(GIGACHAT_MAX_CONCURRENCY="1", GPT2GIGA_QUEUE_SECONDS="20")
    seen, requests = asyncio.Event(), sandbox.state.requests
    sandbox.state.faults.add("slow", "chat", seconds=0.2, times=2)
    leaving = asyncio.create_task(leave(http, gateway, saying("said", n=2, stream=stream), seen))
    await eventually(lambda: sandbox.state.chatting == 1)
    other = asyncio.create_task(ask(http, gateway, saying("other"), headers={"X-Tenant-ID": "other"}))
    await eventually(lambda: len(requests.of("chat")) == 2)
    seen.set()
    await leaving
    assert (await other).status == 200
    await eventually(lambda: gateway.gateway.credential.slots.in_use == 0)
    assert len(requests.of("chat")) == 2
    (line,) = [one for one in lines(caplog) if one["status"] == 499]
    assert line["completion_tokens"] > 0


@both
async def test_errors_are_the_same(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """A refusal is a real status, also in a stream."""
    sandbox.state.faults.add("status", "chat", status=402)
    reply = await ask(http, gateway, saying("x", stream=stream), headers=DRAINS)
    assert (reply.status, reply.error["code"]) == (429, "insufficient_quota")


async def test_a_stream_that_breaks_off_says_so(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """With the words that came before."""
    sandbox.state.faults.add("cut", "chat", after=3)
    reply = await ask(http, gateway, asking("sandbox:long 60", stream=True), headers=DRAINS)
    assert (reply.status, reply.events[-1]["error"]["code"]) == (200, "stream_truncated")


@both
async def test_the_deadline_ends_it_all_the_same(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Whoever names a deadline does not want the answer after it."""
    sandbox.state.faults.add("slow", "chat", seconds=5.0)
    headers = {**DRAINS, "X-Request-Deadline-Ms": "200"}
    reply = await ask(http, gateway, saying("x", stream=stream), headers=headers)
    assert (reply.status, reply.error["code"]) == (504, "deadline_exceeded")
    await eventually(lambda: sandbox.state.chatting == 0)


async def test_a_shutdown_waits_for_it(sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession) -> None:
    """For as long as it waits for anybody; then it is ended."""
    seen, drain = asyncio.Event(), gateway.app[DRAIN]
    sandbox.state.faults.add("slow", "chat", seconds=0.5)
    leaving = asyncio.create_task(leave(http, gateway, saying("x"), seen))
    await eventually(lambda: sandbox.state.chatting == 1)
    seen.set()
    await leaving
    await asyncio.sleep(0.05)
    assert drain.under_way == 1
    await drain.finish(5)
    assert [record.outcome for record in sandbox.state.requests.of("chat")] == ["done"]


async def test_another_word_is_refused(gateway: Running, http: aiohttp.ClientSession) -> None:
    """A misspelt wish must not be ignored."""
    reply = await ask(http, gateway, saying("x"), headers={"X-On-Abort": "finish"})
    assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "invalid_value", "X-On-Abort")
