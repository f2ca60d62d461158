"""What the settings make of the rooms below the server: the slots, and what takes them."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from app.sandbox import server
from tests.running import GatewayStarter, eventually
from tests.watching import ask, saying

SLOTS: dict[str, tuple[dict[str, str], int]] = {
    "a person": ({}, 1),
    "a company": ({"GIGACHAT_SCOPE": "GIGACHAT_API_CORP"}, 10),
    "a company that pays before": ({"GIGACHAT_SCOPE": "GIGACHAT_API_B2B"}, 10),
    "the key's own scope": ({"GIGACHAT_CREDENTIALS": "main={key}@GIGACHAT_API_CORP"}, 10),
    "the operator's number": ({"GIGACHAT_MAX_CONCURRENCY": "7"}, 7),
}


@pytest.mark.parametrize(("settings", "expected"), SLOTS.values(), ids=SLOTS)
async def test_slots(
    settings: dict[str, str], expected: int, sandbox: server.Running, start_gateway: GatewayStarter
) -> None:
    """As many as GigaChat gives that kind of account, unless the operator says otherwise."""
    key = sandbox.state.settings.key
    changes = {name: value.format(key=key) for name, value in settings.items()}
    gateway = await start_gateway(ready=False, **{"GIGACHAT_MAX_CONCURRENCY": "", **changes})
    assert gateway.gateway.credential.slots.limit == expected


@pytest.mark.parametrize(("word", "waits"), [("all", True), ("chat", False)])
async def test_what_takes_a_slot(
    word: str, waits: bool, sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Everything, or chats alone: then embeddings go past a chat that has the only slot."""
    gateway = await start_gateway(GIGACHAT_MAX_CONCURRENCY="1", GPT2GIGA_SLOTS=word)
    sandbox.state.faults.add("slow", "chat", seconds=0.5)
    chat = asyncio.create_task(ask(http, gateway, saying("x")))
    await eventually(lambda: sandbox.state.chatting == 1)
    body = {"model": "Embeddings", "input": "x"}
    async with http.post(f"{gateway.url}/v1/embeddings", json=body) as response:
        assert response.status == 200
        assert chat.done() is waits
        assert (float(response.headers["x-gateway-queue-ms"]) > 100) is waits
    assert (await chat).status == 200
