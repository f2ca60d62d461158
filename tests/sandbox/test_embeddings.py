"""Embeddings."""

from __future__ import annotations

import math
from typing import Any

import aiohttp
import pytest

from app.sandbox.embeddings import NORM, vector
from app.sandbox.state import SandboxSettings


async def test_answer(session: aiohttp.ClientSession) -> None:
    """The recorded shape: usage in each item, none on top; the texts in order."""
    body = {"model": "Embeddings", "input": ["Hello, world!", "Привет"]}
    async with session.post("/v1/embeddings", json=body) as response:
        answer = await response.json()
    assert list(answer) == ["object", "model", "data"]
    assert (answer["object"], answer["model"]) == ("list", "Embeddings")
    first, second = answer["data"]
    assert list(first) == ["object", "index", "embedding", "usage"]
    assert first["usage"] == {"prompt_tokens": 9}
    assert second["index"] == 1
    assert first["embedding"] == vector("Hello, world!", 1024)


@pytest.mark.parametrize(
    ("model", "dimensions"),
    [("Embeddings-2", 1024), ("EmbeddingsGigaR", 2560), ("GigaEmbeddings-3B-2025-09", 2048)],
)
async def test_dimensions(session: aiohttp.ClientSession, model: str, dimensions: int) -> None:
    """Each embedder has its size; a bare string is one text."""
    async with session.post("/v1/embeddings", json={"model": model, "input": "текст"}) as response:
        data = (await response.json())["data"]
    assert [len(item["embedding"]) for item in data] == [dimensions]


def test_vectors() -> None:
    """Not normalised, the same for the same text, another for another text."""
    for text in ("", "раз", "два", "👋"):
        assert math.hypot(*vector(text, 1024)) == pytest.approx(NORM, rel=0.1)
    assert vector("раз", 1024) == vector("раз", 1024) != vector("два", 1024)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"model": "Embeddings", "input": [1, 2]}, 422),
        ({"model": "Embeddings", "input": [[1, 2]]}, 422),
        ({"model": "Embeddings", "input": []}, 422),
        ({"model": "Embeddings"}, 422),
        ({"model": "Embeddings", "input": ["a"] * 4}, 422),
        ({"model": "Embeddings", "input": "a" * 769}, 413),
        ({"model": "EmbeddingsGigaR", "input": "a" * 769}, 200),
        ({"model": "Embeddings", "input": ["a"] * 3}, 200),
        ({"model": "GigaChat", "input": "a"}, 404),
        ({"model": "text-embedding-3-small", "input": "a"}, 404),
        ({"input": "a"}, 422),
        ("text", 400),
    ],
)
@pytest.mark.parametrize("settings", [SandboxSettings(embedding_batch=3)])
async def test_refusals(session: aiohttp.ClientSession, body: Any, status: int) -> None:
    """Token ids, an empty or too large batch, too long a text, and models that embed nothing are refused."""
    async with session.post("/v1/embeddings", json=body) as response:
        assert response.status == status
