"""A stream's slot: given back once, when all of GigaChat's response has come, be it read or not."""

from __future__ import annotations

import asyncio
import gc
import threading

import aiohttp

from app.exchange.stream import Stream
from app.sandbox import server
from tests.running import GatewayStarter, Running, eventually
from tests.watching import CHAT, ask, asking, saying, tool


async def test_a_client_that_does_not_read_holds_no_slot(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """The answer has come and waits for its client: the only slot serves the next one meanwhile."""
    gateway = await start_gateway(GIGACHAT_MAX_CONCURRENCY="1")
    slots = gateway.gateway.credential.slots
    port = int(gateway.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    body = aiohttp.JsonPayload(asking("sandbox:long 20000", stream=True))._value
    writer.write(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    await reader.readexactly(200)
    await eventually(lambda: sandbox.state.chatting == 0 and slots.in_use == 0, 10)
    async with http.post(gateway.url + CHAT, json=saying("hi")) as response:
        assert response.status == 200
    writer.transport.abort()
    await eventually(lambda: slots.in_use == 0)


async def test_a_slot_is_given_back_once(start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """By the end of the response and by the end of the stream, which come one after the other."""
    gateway = await start_gateway(GIGACHAT_MAX_CONCURRENCY="2")
    slots = gateway.gateway.credential.slots
    for _ in range(3):
        async with http.post(gateway.url + CHAT, json=saying("hi", stream=True)) as response:
            await response.read()
    assert slots.in_use == 0


async def test_a_client_that_leaves_while_its_answer_is_judged(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """A long answer is looked through for JSON in a thread: its stream ends though its client leaves meanwhile."""
    loop, is_over = asyncio.get_running_loop(), threading.Event()
    busy = [loop.run_in_executor(None, is_over.wait) for _ in range(64)]  # so that there is no thread for it
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "string"}}}
    body = saying('слово {"b": 1} ' * 8_000, stream=True, response_format=form, tools=[tool("f")])
    asked = asyncio.create_task(ask(http, gateway, body))
    try:
        await eventually(lambda: bool(sandbox.state.requests.of("chat")) and sandbox.state.chatting == 0)
        await asyncio.sleep(0.2)
        assert not asked.done()
        asked.cancel()
        await eventually(lambda: not any(isinstance(one, Stream) for one in gc.get_objects()))
        assert gateway.gateway.credential.slots.in_use == 0
    finally:
        is_over.set()
        await asyncio.gather(*busy)
