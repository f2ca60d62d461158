"""GigaChat's embeddings. Source: GigaChat's REST API, `POST /embeddings`: usage stands in each item, none on top."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

import orjson

from app.translate.dialogue import Vectors
from app.translate.gigachat.answers import UnreadableError
from app.translate.gigachat.bodies import count

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
        vectors = [_numbers(item["embedding"]) for item in items]
        tokens = sum(count((item.get("usage") or {}).get("prompt_tokens")) for item in items)
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError, AttributeError, OverflowError):
        raise UnreadableError("GigaChat's embeddings could not be read") from None
    if [item["index"] for item in items] != list(range(expected)):
        raise UnreadableError("GigaChat did not give one embedding for each input")
    model = body.get("model")
    return Vectors(model if isinstance(model, str) else "", vectors, tokens)


def _numbers(vector: Any) -> list[float]:
    """The vector itself. Raises TypeError or ValueError when it is none."""
    if not isinstance(vector, list) or not vector:
        raise ValueError("no vector")
    array("d", vector)  # the quickest look at each of a few thousand numbers
    return vector
