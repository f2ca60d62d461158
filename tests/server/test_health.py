"""Health, readiness and liveness over real sockets, in every state that an operator can meet."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from app.admission.circuits import CircuitTimes
from app.sandbox import server
from app.server.app_keys import DRAIN
from tests.running import SHORT_PAUSES, GatewayStarter, Running, eventually
from tests.watching import ask, saying

PROBES = ("/", "/livez", "/readyz", "/health", "/metrics")


async def get(http: aiohttp.ClientSession, gateway: Running, path: str) -> tuple[int, dict[str, Any]]:
    """The status and the JSON body."""
    async with http.get(gateway.url + path) as response:
        assert response.content_type == "application/json"
        return response.status, orjson.loads(await response.read())


async def test_healthy(gateway: Running, http: aiohttp.ClientSession) -> None:
    """All is well: 200 everywhere, no reason, and the sandbox is called one."""
    status, body = await get(http, gateway, "/health")
    assert status == 200
    assert (body["status"], body["provider"], body["gigachat_available"]) == ("healthy", "gigachat", True)
    assert (body["reason"], body["sandbox"], body["tls_verification"]) == (None, True, True)
    assert body["token"]["source"] == "oauth"
    assert 1700 < body["token"]["remaining_seconds"] <= 1800
    assert body["last_upstream_success"].endswith("Z")
    assert await get(http, gateway, "/readyz") == (200, {"ready": True, "reason": None})
    assert await get(http, gateway, "/livez") == (200, {"live": True})


async def test_the_base_path_says_who_is_there(gateway: Running, http: aiohttp.ClientSession) -> None:
    """GET / names the program and what it serves; HEAD / is answered too, since clients ask it first."""
    status, body = await get(http, gateway, "/")
    assert status == 200
    assert body["name"] == "gpt2giga-proxy"
    assert "POST /v1/chat/completions" in body["serves"]
    async with http.head(gateway.url + "/") as response:
        assert response.status == 200


async def test_degraded_on_the_ready_token(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """OAuth is down, the second level serves: 200 and ready, but degraded, with the reason and the failures."""
    sandbox.state.faults.add("status", where="oauth", times=None, status=500)
    gateway = await start_gateway(GIGACHAT_ACCESS_TOKEN=sandbox.state.tokens.issue(1800))
    await eventually(lambda: gateway.gateway.keeper.status().fallback is True)
    status, body = await get(http, gateway, "/health")
    assert (status, body["status"], body["gigachat_available"]) == (200, "degraded", True)
    assert body["token"]["source"] == "ready"
    assert body["token"]["consecutive_failures"] >= 1
    assert body["token"]["reason"]
    assert body["token"]["remedy"]
    assert body["fallback_usable"] is True
    assert "ready token" in body["reason"]
    assert (await get(http, gateway, "/readyz"))[0] == 200


async def test_degraded_without_tls_verification(start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """Verification that is off is loud in health."""
    gateway = await start_gateway(GIGACHAT_VERIFY_SSL_CERTS="false")
    status, body = await get(http, gateway, "/health")
    assert (status, body["status"], body["tls_verification"]) == (200, "degraded", False)
    assert "GIGACHAT_VERIFY_SSL_CERTS" in body["reason"]


async def test_degraded_without_the_configured_model(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """OpenAI's names mean a model that GigaChat does not have: most requests will fail, and health says why."""
    gateway = await start_gateway(GIGACHAT_MODEL="GigaChat-9", GPT2GIGA_VISION_MODEL="GigaChat-8")
    status, body = await get(http, gateway, "/health")
    assert (status, body["status"]) == (200, "degraded")
    assert body["reason"] == "GIGACHAT_MODEL: GigaChat has no model 'GigaChat-9'"


async def test_unhealthy_with_an_empty_token_file(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """The only source of tokens is a file with nothing in it: that is said, and no other story."""
    path = tmp_path / "token"
    path.touch()
    gateway = await start_gateway(GIGACHAT_CREDENTIALS="", GIGACHAT_ACCESS_TOKEN_FILE=str(path), ready=False)
    status, body = await get(http, gateway, "/health")
    assert (status, body["status"]) == (503, "unhealthy")
    assert "GIGACHAT_ACCESS_TOKEN_FILE names an empty file. Write an access token into it" in body["reason"]


async def test_unhealthy_without_credentials(start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """No credentials at all: the process lives and says what to set."""
    gateway = await start_gateway(GIGACHAT_CREDENTIALS="", ready=False)
    status, body = await get(http, gateway, "/health")
    assert (status, body["status"], body["gigachat_available"]) == (503, "unhealthy", False)
    assert body["token"]["source"] == "none"
    assert "GIGACHAT_CREDENTIALS" in body["reason"]
    ready = await get(http, gateway, "/readyz")
    assert (ready[0], ready[1]["ready"]) == (503, False)
    assert "GIGACHAT_CREDENTIALS" in ready[1]["reason"]
    assert (await get(http, gateway, "/livez"))[0] == 200


async def test_unhealthy_with_a_wrong_key(start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """A key that OAuth refuses: not ready, and the body names the cause and the remedy, not the key."""
    key = "d3Jvbmc6d3Jvbmc="
    gateway = await start_gateway(GIGACHAT_CREDENTIALS=key, ready=False)
    await eventually(lambda: gateway.gateway.keeper.status().failures > 0)
    status, body = await get(http, gateway, "/health")
    assert (status, body["status"], body["gigachat_available"]) == (503, "unhealthy", False)
    assert body["token"]["consecutive_failures"] >= 1
    assert key.rstrip("=") not in orjson.dumps(body).decode()


async def test_not_ready_before_gigachat_was_heard_of(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """At the start nothing is claimed: not ready until GigaChat has answered, then ready without any client."""
    sandbox.state.faults.add("slow", where="models", seconds=0.3)
    gateway = await start_gateway(ready=False)
    status, body = await get(http, gateway, "/health")
    assert (status, body["status"], body["gigachat_available"]) == (503, "unhealthy", False)
    assert (await get(http, gateway, "/readyz"))[0] == 503
    await eventually(lambda: gateway.gateway.gigachat.monitor.available is True)
    assert (await get(http, gateway, "/readyz"))[0] == 200


async def test_unhealthy_while_gigachat_is_gone_and_healthy_again(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """A request that finds GigaChat gone turns health; the monitor finds it back without any client."""
    sandbox.state.faults.add("down", where="any", times=None)
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]}
    async with http.post(f"{gateway.url}/v1/chat/completions", json=body) as response:
        assert response.status == 502
    status, shown = await get(http, gateway, "/health")
    assert (status, shown["status"], shown["gigachat_available"]) == (503, "unhealthy", False)
    assert "GigaChat is gone" in shown["reason"]
    assert (await get(http, gateway, "/readyz"))[0] == 503
    assert (await get(http, gateway, "/livez"))[0] == 200
    sandbox.state.faults.clear()
    await eventually(lambda: gateway.gateway.gigachat.monitor.available is True)
    assert (await get(http, gateway, "/health"))[1]["status"] == "healthy"


async def test_draining(sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession) -> None:
    """A gateway that leaves says so, counts what is under way, and stays alive for the probe."""
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "sandbox:wait 30"}]}
    under_way = asyncio.create_task(http.post(f"{gateway.url}/v1/chat/completions", json=body).__aenter__())
    await eventually(lambda: sandbox.state.chatting == 1)
    stop = asyncio.create_task(gateway.app[DRAIN].finish(0.2))
    await eventually(lambda: gateway.app[DRAIN].draining)
    status, shown = await get(http, gateway, "/health")
    assert (status, shown["status"], shown["requests_under_way"]) == (503, "draining", 1)
    assert await get(http, gateway, "/readyz") == (503, {"ready": False, "reason": "shutting down"})
    assert (await get(http, gateway, "/livez"))[0] == 200
    response = await under_way
    assert response.status == 503
    response.close()
    await stop


@pytest.mark.parametrize("broken", [False, True], ids=["well", "OAuth refuses"])
async def test_probes_name_no_secret(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, broken: bool
) -> None:
    """Nobody needs a key to probe, so nothing that a probe says is one; `?key=` is not repeated either."""
    ready = sandbox.state.tokens.issue(1800)
    if broken:
        sandbox.state.faults.add(
            "status", where="oauth", times=None, status=401, message=f"bad key {sandbox.state.settings.key}"
        )
    gateway = await start_gateway(GIGACHAT_ACCESS_TOKEN=ready, GPT2GIGA_API_KEY="key-of-the-gateway")
    token = (await gateway.gateway.keeper.get()).value
    secrets = (sandbox.state.settings.key.rstrip("="), ready, token, "key-of-the-gateway", "key-of-a-client")
    for path in PROBES:
        async with http.get(f"{gateway.url}{path}?key=key-of-a-client") as response:
            assert response.status == 200
            told = f"{await response.text()} {response.headers}"
        assert [secret for secret in secrets if secret in told] == []


@pytest.mark.parametrize(("status", "enough"), [(402, 1), (403, 1), (423, 1), (500, 2)])
async def test_degraded_while_requests_fail(
    status: int, enough: int, sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """GigaChat's list of models may be there while no chat is answered: /health says so until one is."""
    gateway = await start_gateway(circuit_times=CircuitTimes(stop_pause=0.0))
    body = {"model": "GigaChat", "messages": [{"role": "user", "content": "Привет"}]}
    sandbox.state.faults.add("status", "chat", times=enough, status=status)
    for _ in range(enough):
        async with http.post(f"{gateway.url}/v1/chat/completions", json=body) as response:
            assert response.status >= 429
    await gateway.gateway.catalog.refresh()
    async with http.get(f"{gateway.url}/health") as response:
        told = await response.json()
    assert (told["status"], str(status) in told["reason"]) == ("degraded", True), told
    await eventually(lambda: not gateway.gateway.circuits.open_models())
    async with http.post(f"{gateway.url}/v1/chat/completions", json=body) as response:
        assert response.status == 200
    async with http.get(f"{gateway.url}/health") as response:
        assert (await response.json())["status"] == "healthy"


@pytest.mark.parametrize(("slots", "reason"), [(1, "429 though it is asked 1"), (4, "2 at a time instead of 4")])
async def test_what_gigachat_refuses_with_429_is_told(
    slots: int, reason: str, sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Also where a person's account has no slot to lose; requests that wait for it fail only much later."""
    gateway = await start_gateway(GIGACHAT_MAX_CONCURRENCY=str(slots), pauses=SHORT_PAUSES)
    sandbox.state.faults.add("status", "chat", status=429)
    assert (await ask(http, gateway, saying("x"))).status == 200
    _, told = await get(http, gateway, "/health")
    assert (told["status"], reason in told["reason"]) == ("degraded", True), told
    assert "who else uses the same key" in told["remedy"]
