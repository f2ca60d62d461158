"""Models, token counts and the balance.

Source: gigachat-api, sections 3.4, 3.6, 3.9 and 7.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from app.sandbox.catalog import BUILD, MODELS, Model
from app.sandbox.wire import Call, Refused, reply

_BALANCE = (("GigaChat", 900_000), ("GigaChat-Pro", 50_000), ("GigaChat-Max", 50_000), ("embeddings", 1_000_000))


async def list_models(_: Call) -> web.Response:
    """All models."""
    return reply({"object": "list", "data": [_shown(model) for model in MODELS.values()]})


async def one_model(call: Call) -> web.Response:
    """One model; a build other than the present one is an invalid version."""
    name, _, build = call.request.match_info["name"].partition(":")
    model = find(name)
    if build not in ("", BUILD):
        raise Refused(400, "Invalid model version")
    return reply(_shown(model))


async def count_tokens(call: Call) -> web.Response:
    """Tokens and characters of each string: a bare array."""
    body = call.json()
    model = find(body.get("model"))
    texts = body.get("input")
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise Refused(422, "Invalid params: input must be an array of strings")
    return reply([{"object": "tokens", "tokens": model.count(text), "characters": len(text)} for text in texts])


async def balance(_: Call) -> web.Response:
    """What is left of the packages. Pay-as-you-go is the fault `status` 403."""
    return reply({"balance": [{"usage": usage, "value": value} for usage, value in _BALANCE]})


def find(name: object, kind: str | None = None) -> Model:
    """The model of this name, and of this type if one is wanted; 422 for no name, 404 for no such model."""
    if not isinstance(name, str) or not name:
        raise Refused(422, "Invalid params: model must be a non-empty string")
    model = MODELS.get(name)
    if model is None or kind not in (None, model.type):
        raise Refused(404, "No such model")
    return model


def _shown(model: Model) -> dict[str, Any]:
    return {"id": model.name, "object": "model", "owned_by": "salutedevices", "type": model.type}
