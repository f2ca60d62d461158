"""GigaChat's embeddings. Source: docs/gigachat-api.md, "POST /embeddings": usage stands in each item, none on top."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

import orjson

from app.translate.dialogue import Vectors
from app.translate.gigachat.contract import UnreadableError
from app.translate.gigachat.lenient_json import is_bomb, read_count, read_name

# The limit of a batch is not documented; a client of GigaChat's measured uses 20.
BATCH = 20
# Dimensions of the models whose size is known.
SIZES = {"Embeddings": 1024, "Embeddings-2": 1024, "EmbeddingsGigaR": 2560, "GigaEmbeddings-3B-2025-09": 2048}

# Of one vector. All vectors of a request are held until the last has come, and each number takes 32 bytes.
_MOST_NUMBERS = 4096


def split_batches(texts: list[str]) -> Iterator[list[str]]:
    """Split the texts into batches of a size that GigaChat takes."""
    for start in range(0, len(texts), BATCH):
        yield texts[start : start + BATCH]


def write(model: str, texts: list[str]) -> dict[str, Any]:
    """The payload of one batch."""
    return {"model": model, "input": texts}


def read(data: bytes, expected: int) -> Vectors:
    """One batch's vectors. Raises UnreadableError unless there is one for each of the `expected` texts."""
    if is_bomb(data):
        raise UnreadableError("GigaChat's embeddings could not be read")
    try:
        body = orjson.loads(data)
        items = sorted(body["data"], key=lambda item: item["index"])
        vectors = [_check_vector(item["embedding"]) for item in items]
        tokens = sum(read_count((item.get("usage") or {}).get("prompt_tokens")) for item in items)
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError, AttributeError, OverflowError):
        raise UnreadableError("GigaChat's embeddings could not be read") from None
    if [item["index"] for item in items] != list(range(expected)):
        raise UnreadableError("GigaChat did not give one embedding for each input")
    return Vectors(read_name(body.get("model")), vectors, tokens)


def _check_vector(vector: Any) -> list[float]:
    """The vector itself. Raises TypeError or ValueError when it is none."""
    if not isinstance(vector, list) or not 0 < len(vector) <= _MOST_NUMBERS:
        raise ValueError("no vector")
    array("d", vector)  # raises for what is no number; it is the quickest check of a few thousand
    return vector
