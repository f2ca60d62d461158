"""Models, token counts, the balance."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest


@pytest.mark.parametrize("base", ["/v1", "/api/v1"])
async def test_list(session: aiohttp.ClientSession, base: str) -> None:
    """All recorded models, with a type and without `created`."""
    async with session.get(f"{base}/models") as response:
        body = await response.json()
    assert body["object"] == "list"
    assert {"id": "GigaChat-2", "object": "model", "owned_by": "salutedevices", "type": "chat"} in body["data"]
    assert {"id": "Embeddings", "object": "model", "owned_by": "salutedevices", "type": "embedder"} in body["data"]
    assert {tuple(model) for model in body["data"]} == {("id", "object", "owned_by", "type")}


@pytest.mark.parametrize("name", ["GigaChat-2-Max", "GigaChat-2-Max:2.0.28.2"])
async def test_one(session: aiohttp.ClientSession, name: str) -> None:
    """One model by its name, with the present build or without."""
    async with session.get(f"/v1/models/{name}") as response:
        assert (await response.json())["id"] == "GigaChat-2-Max"


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        ("gpt-4o", 404, b'{"status":404,"message":"No such model"}\n'),
        ("GigaChat:1.0", 400, b'{"status":400,"message":"Invalid model version"}'),
    ],
)
async def test_no_such_model(session: aiohttp.ClientSession, name: str, status: int, body: bytes) -> None:
    """An unknown model is 404, its body ends in a newline; an unknown build is an invalid version."""
    async with session.get(f"/v1/models/{name}") as response:
        assert response.status == status
        assert await response.read() == body


async def test_count(session: aiohttp.ClientSession) -> None:
    """The recorded count, byte for byte."""
    async with session.post("/v1/tokens/count", json={"model": "GigaChat", "input": ["Hello, world!"]}) as response:
        assert await response.read() == b'[{"object":"tokens","tokens":4,"characters":13}]'


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"model": "GigaChat", "input": "text"}, 422),
        ({"model": "GigaChat", "input": []}, 422),
        ({"model": "GigaChat", "input": [1]}, 422),
        ({"input": ["text"]}, 422),
        ({"model": "gpt-4o", "input": ["text"]}, 404),
        ([], 400),
    ],
)
async def test_count_refuses(session: aiohttp.ClientSession, body: Any, status: int) -> None:
    """Only an array of strings is counted, by a model that exists."""
    async with session.post("/v1/tokens/count", json=body) as response:
        assert response.status == status


async def left(session: aiohttp.ClientSession) -> dict[str, int]:
    """The balance, by package."""
    async with session.get("/v1/balance") as response:
        return {package["usage"]: package["value"] for package in (await response.json())["balance"]}


async def test_balance(session: aiohttp.ClientSession) -> None:
    """What is left of packages, by tariff names: chats are billed by their totals, which leave cached tokens out."""
    before = await left(session)
    assert before["GigaChat"] == 900_000
    body = {"model": "GigaChat", "messages": [{"role": "user", "content": "слово " * 100}]}
    totals = []
    for _ in range(2):
        async with session.post("/v1/chat/completions", json=body, headers={"X-Session-ID": "s"}) as response:
            totals.append((await response.json())["usage"]["total_tokens"])
    assert totals[1] < totals[0] - 100
    after = await left(session)
    assert after == before | {"GigaChat": 900_000 - sum(totals)}
