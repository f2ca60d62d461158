"""Tries of what has parts: choices, batches and files, of which each has its own turn or says nothing of the model."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from app.admission.circuits import CircuitTimes
from app.sandbox import server
from tests.attaching import SEES, document, showing
from tests.exchange.test_tries import EMBEDDINGS
from tests.running import GatewayStarter, eventually
from tests.watching import CHAT, ask, counted, saying, told

STATE = "gpt2giga_proxy_circuit_state"
PARTS: dict[str, tuple[str, dict[str, Any]]] = {
    "choices": (CHAT, saying("x", n=2)),
    "streamed choices": (CHAT, saying("x", n=2, stream=True)),
    "batches": (EMBEDDINGS, {"model": "Embeddings", "input": ["x"] * 21}),
}


@pytest.mark.parametrize("name", PARTS)
async def test_what_was_begun_is_finished(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, name: str
) -> None:
    """A first part that took longer than the longest wait was paid: the second one waits for its own turn."""
    path, body = PARTS[name]
    place = "embeddings" if path == EMBEDDINGS else "chat"
    gateway = await start_gateway(GIGACHAT_MAX_CONCURRENCY="1", GPT2GIGA_QUEUE_SECONDS="0.4")
    sandbox.state.faults.add("slow", where=place, seconds=0.6)
    first = asyncio.create_task(ask(http, gateway, body, path=path))
    await eventually(lambda: len(sandbox.state.requests.of(place)) == 1)
    await asyncio.sleep(0.4)
    assert (await ask(http, gateway, saying("between"))).status == 200
    reply = await first
    assert (reply.status, "error" in reply.text) == (200, False), reply.text
    assert (gateway.gateway.credential.slots.in_use, gateway.gateway.gate.waiting) == (0, 0)


async def test_a_deadline_that_has_passed_costs_nothing(
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A request that is late before its turn is refused, though a slot is free: GigaChat is not asked."""
    caplog.set_level("INFO", "gpt2giga")
    gateway = await start_gateway()
    body = saying("x" * 3_000_000)  # to read it takes longer than the client waits
    reply = await ask(http, gateway, body, headers={"X-Request-Deadline-Ms": "1"})
    assert (reply.status, reply.error["code"]) == (503, "queue_timeout")
    assert sandbox.state.requests.of("chat") == []
    assert "tries" not in await told(caplog)


@pytest.mark.parametrize("status", [400, 423, 500, 503])
async def test_a_file_says_nothing_of_the_model(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, status: int
) -> None:
    """Uploads that fail open no circuit, whoever sends them, and close none."""
    gateway = await start_gateway(circuit_times=CircuitTimes(attempts=2, stop_pause=0.2))
    sandbox.state.faults.add("status", where="files", times=None, status=status)
    with_file = showing(document(b"words", "a.txt"))
    for _ in range(2):
        assert (await ask(http, gateway, with_file)).status >= 400
    assert (await ask(http, gateway, saying("x", model=SEES))).status == 200
    sandbox.state.faults.add("status", where="chat", status=423)
    await ask(http, gateway, saying("x", model=SEES))
    await eventually(lambda: not gateway.gateway.circuits.open_models())
    assert (await ask(http, gateway, with_file)).status >= 400
    assert (await counted(http, gateway, STATE, "component", model=SEES))["api"] == 2
    assert (await ask(http, gateway, saying("x", model=SEES))).status == 200
    assert (await counted(http, gateway, STATE, "component", model=SEES))["api"] == 0
