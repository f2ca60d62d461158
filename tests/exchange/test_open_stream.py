"""A stream's slot: given back once, when all of GigaChat's response has come, be it read or not."""

from __future__ import annotations

import asyncio

import aiohttp

from app.sandbox import server
from tests.running import GatewayStarter, eventually
from tests.watching import CHAT, asking, saying


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
