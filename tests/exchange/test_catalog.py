"""GigaChat's models: fetched in the background, kept while it is gone, never asked for by a client's request."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from app.sandbox.catalog import MODELS
from app.sandbox.server import Running as Sandbox
from tests.running import GatewayStarter, Running, eventually


async def listed(http: aiohttp.ClientSession, url: str) -> tuple[int, list[str]]:
    """The names that `GET /v1/models` gives."""
    async with http.get(f"{url}/v1/models") as response:
        body: dict[str, Any] = await response.json()
        return response.status, [one["id"] for one in body["data"]]


@pytest.mark.parametrize("kind", ["down", "status", "html_200", "cut"])
async def test_kept(sandbox: Sandbox, gateway: Running, http: aiohttp.ClientSession, kind: str) -> None:
    """While GigaChat is gone, or answers nonsense, the last good list is given."""
    status, names = await listed(http, gateway.url)
    assert status == 200
    assert set(MODELS) <= set(names)
    sandbox.state.faults.add(kind, "models", times=None)
    await gateway.gateway.catalog.refresh()
    assert await listed(http, gateway.url) == (200, names)


async def test_renewed(
    sandbox: Sandbox, gateway: Running, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list that changes is taken; clients who ask for it cost GigaChat nothing."""
    asked = len(sandbox.state.requests.of("models"))
    for _ in range(5):
        await listed(http, gateway.url)
    assert len(sandbox.state.requests.of("models")) == asked
    monkeypatch.delitem(MODELS, "GigaChat-Plus")
    await gateway.gateway.catalog.refresh()
    assert "GigaChat-Plus" not in (await listed(http, gateway.url))[1]


async def test_configured_models_are_looked_for(
    start_gateway: GatewayStarter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A setting whose model GigaChat does not have is told once; one that disappears is told each time."""

    def told() -> list[tuple[str, str]]:
        records = [record for record in caplog.records if record.getMessage() == "GigaChat has no such model"]
        caplog.clear()
        found = [record.__dict__["gateway_fields"] for record in records]
        assert all(line["setting"] in line["remedy"] for line in found)
        return [(line["setting"], line["model"]) for line in found]

    gateway = await start_gateway(GIGACHAT_MODEL="GigaChat-9", GPT2GIGA_MODEL_ALIASES="a=GigaChat-8,b=GigaChat-2")
    catalog = gateway.gateway.catalog
    assert told() == [("GIGACHAT_MODEL", "GigaChat-9"), ("GPT2GIGA_MODEL_ALIASES", "GigaChat-8")]
    await catalog.refresh()
    assert told() == []
    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.delitem(MODELS, "Embeddings")
            await catalog.refresh()
            assert told() == [("GPT2GIGA_EMBEDDINGS_MODEL", "Embeddings")]
        await catalog.refresh()
    assert told() == []


async def test_revoked(sandbox: Sandbox, gateway: Running) -> None:
    """A token that the list's request finds revoked is renewed, before any client meets it."""
    sandbox.state.tokens.revoke()
    await gateway.gateway.catalog.refresh()
    assert sandbox.state.tokens.issued == 2
    await gateway.gateway.catalog.refresh()
    assert sandbox.state.requests.of("models")[-1].status == 200


async def test_no_token(sandbox: Sandbox, start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """Without a token GigaChat is not asked; the list that clients get has no model of its."""
    gateway = await start_gateway(ready=False, GIGACHAT_CREDENTIALS="d3Jvbmc6a2V5")
    await eventually(lambda: gateway.gateway.keeper.status().failures > 0)
    await gateway.gateway.catalog.refresh()
    assert sandbox.state.requests.of("models") == []
    status, names = await listed(http, gateway.url)
    assert status == 200
    assert not set(names) & set(MODELS)


@pytest.mark.parametrize(("status", "verdict"), [(200, True), (401, False), (403, False), (429, None), (500, None)])
async def test_verdict_on_a_ready_token(sandbox: Sandbox, gateway: Running, status: int, verdict: bool | None) -> None:
    """GigaChat takes it, refuses it, or could not be asked; only a refusal of the token is one."""
    if status != 200:
        sandbox.state.faults.add("status", "models", status=status)
    assert await gateway.gateway.catalog.accepts_token(sandbox.state.tokens.issue(60)) is verdict


async def test_verdict_while_gone(sandbox: Sandbox, gateway: Running) -> None:
    """No answer is no verdict."""
    sandbox.state.faults.add("down", "models", times=None)
    assert await gateway.gateway.catalog.accepts_token(sandbox.state.tokens.issue(60)) is None


async def test_leaving_while_it_is_fetched(sandbox: Sandbox, start_gateway: GatewayStarter) -> None:
    """A gateway that ends while it asks ends at once."""
    sandbox.state.faults.add("slow", "models", times=None, seconds=30)
    gateway = await start_gateway(ready=False)
    await eventually(lambda: len(sandbox.state.requests.of("models")) > 0)
    async with asyncio.timeout(2):
        await gateway.app.cleanup()
