"""Health and metrics: they follow what happens, without any client's help, and every counter moves.

A wrong key's health is told in test_token.py. What is not here yet: dashboards, alerts, the scrape configuration.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

import aiohttp
import pytest

from app.sandbox import server
from tests.running import GatewayStarter, Running, eventually
from tests.watching import CHAT, ask, asking, counted, health, lines, saying

pytestmark = pytest.mark.long

HI = saying("hi")
REQUESTS = "gpt2giga_proxy_requests_total"
UPSTREAM = "gpt2giga_proxy_upstream_requests_total"
SLO = "gpt2giga_proxy_slo_events_total"


async def test_readiness_waits_for_no_client(gateway: Running, http: aiohttp.ClientSession) -> None:
    """A gateway that nobody has used yet becomes ready, and its health says with what."""
    status, body = await health(http, gateway)
    assert (status, body["status"], body["gigachat_available"]) == (200, "healthy", True)
    assert body["token"]["source"] == "oauth"
    assert body["token"]["remaining_seconds"] > 0
    assert body["sandbox"] is True
    assert (await health(http, gateway, "/readyz"))[0] == 200


@pytest.mark.parametrize("kind", ["down", "status"])
async def test_health_is_no_empty_200_whatever_happens(
    kind: str, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Health turns with the failures that clients meet, and turns back with the first answer."""
    sandbox.state.faults.add(kind, where="any", times=None)
    for _ in range(3):
        assert (await ask(http, gateway, HI)).status == 502
    status, body = await health(http, gateway)
    assert (status, body["status"]) == (503, "unhealthy")
    assert "GigaChat" in body["reason"]
    assert await counted_up(http, gateway) == 0
    sandbox.state.faults.clear()
    assert (await ask(http, gateway, HI)).status == 200
    assert (await health(http, gateway))[0] == 200
    assert await counted_up(http, gateway) == 1


async def counted_up(http: aiohttp.ClientSession, gateway: Running) -> int:
    """The gauge of GigaChat's API."""
    return (await counted(http, gateway, "gpt2giga_proxy_upstream_up", "component"))["api"]


async def test_a_clients_mistake_is_no_illness(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """GigaChat's refusals of one request leave the health as it is."""
    for status in (400, 404, 413, 422, 429):
        sandbox.state.faults.add("status", where="chat", status=status, times=None)
        assert (await ask(http, gateway, HI)).status >= 400
        sandbox.state.faults.clear()
        assert (await health(http, gateway))[0] == 200


async def test_every_counter_moves(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Tokens, upstream attempts, retries, chunks, GigaChat's tokens: each counts what it names."""
    first = await start_gateway()
    families = {
        "gpt2giga_proxy_token_refresh_total": ("result", {"success": 2}),
        UPSTREAM: ("operation", {"chat": 4, "oauth": 2, "embeddings": 1}),
        "gpt2giga_proxy_retries_total": ("reason", {"unauthorized": 1}),
        REQUESTS: ("endpoint", {"chat": 3, "embeddings": 1}),
    }
    before = {name: await counted(http, first, name, label) for name, (label, _) in families.items()}
    chunks = await counted(http, first, "gpt2giga_proxy_stream_chunks_total", "endpoint")
    gateway = await start_gateway(ready=False)
    await ask(http, gateway, asking("sandbox:long 5", stream=True))
    await ask(http, gateway, HI)
    sandbox.state.faults.add("status", where="chat", status=401)
    assert (await ask(http, gateway, HI)).status == 200
    assert (await ask(http, gateway, {"input": "hi"}, path="/v1/embeddings")).status == 200
    for name, (label, want) in families.items():
        moved = await counted(http, gateway, name, label) - before[name]
        moved.pop("models", None)  # asked in the background, when it is due
        assert dict(moved) == want, name
    moved = await counted(http, gateway, "gpt2giga_proxy_stream_chunks_total", "endpoint") - chunks
    assert moved["chat"] >= 5


@pytest.mark.parametrize(("status", "code"), [(429, "429"), (422, "400"), (500, "502"), (403, "502")])
async def test_a_refused_stream_is_no_success(
    status: int, code: str, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """A stream that GigaChat refused is answered and counted as the error that it is."""
    before = await counted(http, gateway, REQUESTS, "code")
    sandbox.state.faults.add("status", where="chat", status=status, times=None)
    assert (await ask(http, gateway, {**HI, "stream": True})).status == int(code)
    assert dict(await counted(http, gateway, REQUESTS, "code") - before) == {code: 1}


async def test_names_of_models_are_bounded(gateway: Running, http: aiohttp.ClientSession) -> None:
    """A client that invents names makes no series of them."""
    for number in range(5):
        await ask(http, gateway, {**HI, "model": f"invented-{number}"})
    async with http.get(f"{gateway.url}/metrics") as response:
        assert "invented" not in await response.text()


async def test_disconnects_are_counted(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that leaves its stream moves the counter of aborts, and is a 499 that is nobody's fault."""
    caplog.set_level(logging.INFO, "gpt2giga")
    families = {"gpt2giga_proxy_stream_aborts_total": "side", REQUESTS: "code", SLO: "result"}
    only = {SLO: {"slo": "availability"}}

    async def now() -> list[Counter[str]]:
        return [await counted(http, gateway, name, label, **only.get(name, {})) for name, label in families.items()]

    before = await now()
    sandbox.state.faults.add("stall", where="chat", after=1, seconds=30.0)
    async with asyncio.timeout(5), http.post(gateway.url + CHAT, json=asking("sandbox:long 9", stream=True)) as stream:
        await stream.content.readuntil(b"\n\n")
    await eventually(lambda: bool(lines(caplog)))
    moved = [dict(after - earlier) for after, earlier in zip(await now(), before, strict=True)]
    assert moved == [{"client": 1}, {"499": 1}, {"excluded": 1}]


async def test_a_scanner_grows_no_metrics(gateway: Running, http: aiohttp.ClientSession) -> None:
    """Two hundred paths, methods, names of models and tenants that nobody has: not one series more."""

    async def series() -> set[str]:
        async with http.get(f"{gateway.url}/metrics") as response:
            return {line.rpartition(" ")[0] for line in (await response.text()).splitlines() if line[:1] != "#"}

    async def scan(number: int) -> None:
        await ask(http, gateway, path=f"/scan-{number}/.env?x={number}", method=("GET", "POST", "SCAN")[number % 3])
        headers = {"X-Tenant-ID": f"scan-{number}", "User-Agent": f"scan-{number}"}
        await ask(http, gateway, {**HI, "model": f"scan-{number}", f"scan-{number}": 1}, headers=headers)

    for number in range(3):
        await scan(number)
    before = await series()
    for number in range(3, 103):
        await scan(number)
    after = await series()
    assert after == before
    assert "scan" not in "".join(after).lower()
