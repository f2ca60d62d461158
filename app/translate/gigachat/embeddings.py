"""GigaChat's embeddings. Source: GigaChat's REST API, `POST /embeddings`: usage stands in each item, none on top."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from app.translate.dialogue import Vectors
from app.translate.gigachat.answers import UnreadableError

# The limit of a batch is not documented; a client of GigaChat's measured uses 20.
BATCH = 20
# Dimensions of the models whose size is known.
SIZES = {"Embeddings": 1024, "Embeddings-2": 1024, "EmbeddingsGigaR": 2560, "GigaEmbeddings-3B-2025-09": 2048}


def batches(texts: list[str]) -> Iterator[list[str]]:
    """The texts in batches that GigaChat takes."""
    for start in range(0, len(texts), BATCH):
        yield texts[start : start + BATCH]


def write(model: str, texts: list[str]) -> dict[str, Any]:
    """The payload of one batch."""
    return {"model": model, "input": texts}


def read(data: bytes, expected: int) -> Vectors:
    """One batch's vectors. Raises UnreadableError when they are not one for each text."""
    try:
        body = orjson.loads(data)
        items = sorted(body["data"], key=lambda item: item["index"])
        vectors = [item["embedding"] for item in items]
        tokens = sum(int((item.get("usage") or {}).get("prompt_tokens") or 0) for item in items)
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError, AttributeError):
        raise UnreadableError("GigaChat's embeddings could not be read") from None
    if len(vectors) != expected or not all(isinstance(vector, list) and vector for vector in vectors):
        raise UnreadableError("GigaChat did not give one embedding for each input")
    model = body.get("model")
    return Vectors(model if isinstance(model, str) else "", vectors, tokens)
