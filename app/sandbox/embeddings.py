"""The embeddings endpoint: vectors that depend only on the text.

Source: docs/gigachat-api.md, "POST /embeddings" and "Limits, models, prices": each item has its usage; vectors have a
norm of about 29, not of 1.
"""

from __future__ import annotations

import hashlib
from array import array
from typing import Any

from aiohttp import web

from app.sandbox.catalog import Model
from app.sandbox.models import find_model
from app.sandbox.wire import Refused, RequestContext, reply

NORM = 29.0
_SPREAD = 65_536 / 12**0.5  # the standard deviation of an even distribution over 16 bits


async def embed(context: RequestContext) -> web.Response:
    """A vector for each text."""
    body = context.json()
    model = find_model(body.get("model"), "embedder")
    texts = _texts(body.get("input"), context.state.settings.embedding_batch)
    data = [_item(model, index, text) for index, text in enumerate(texts)]
    return reply({"object": "list", "model": model.name, "data": data})


def vector(text: str, dimensions: int) -> list[float]:
    """The vector of a text. The same text always gets the same vector; different texts get different ones."""
    scale = NORM / dimensions**0.5 / _SPREAD
    noise = array("h", hashlib.shake_128(text.encode("utf-8", "surrogatepass")).digest(2 * dimensions))
    return [number * scale for number in noise]


def _texts(given: object, most: int) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise Refused(422, "Invalid params: input must be a string or an array of strings")
    if 0 < most < len(texts):
        raise Refused(422, f"Invalid params: input must have at most {most} items")
    return texts


def _item(model: Model, index: int, text: str) -> dict[str, Any]:
    tokens = model.count(text)
    if tokens > model.limit:
        raise Refused(413)
    return {
        "object": "embedding",
        "index": index,
        "embedding": vector(text, model.dimensions),
        "usage": {"prompt_tokens": tokens},
    }
