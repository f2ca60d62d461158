"""The endpoints of models, token counts and the balance.

Source: docs/gigachat-api.md, "Models", "POST /tokens/count", "GET /balance" and "Limits, models, prices".
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from app.sandbox.catalog import BUILD, MODELS, Model
from app.sandbox.wire import Refused, RequestContext, reply

_BALANCE = (("GigaChat", 900_000), ("GigaChat-Pro", 50_000), ("GigaChat-Max", 50_000), ("embeddings", 1_000_000))


async def list_models(_: RequestContext) -> web.Response:
    """All models."""
    return reply({"object": "list", "data": [_describe_model(model) for model in MODELS.values()]})


async def get_model(context: RequestContext) -> web.Response:
    """One model. A build in the name must be the current one."""
    name, _, build = context.request.match_info["name"].partition(":")
    model = find_model(name)
    if build not in ("", BUILD):
        raise Refused(400, "Invalid model version")
    return reply(_describe_model(model))


async def count_tokens(context: RequestContext) -> web.Response:
    """The tokens and characters of each string, as a JSON array without an object around it."""
    body = context.json()
    model = find_model(body.get("model"))
    texts = body.get("input")
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise Refused(422, "Invalid params: input must be an array of strings")
    return reply([{"object": "tokens", "tokens": model.count(text), "characters": len(text)} for text in texts])


async def get_balance(context: RequestContext) -> web.Response:
    """The tokens left in each package after chats. To simulate pay as you go, add the fault `status` with 403."""
    billed = context.state.billed
    left = [{"usage": usage, "value": max(0, value - billed.get(usage, 0))} for usage, value in _BALANCE]
    return reply({"balance": left})


def find_model(name: object, kind: str | None = None) -> Model:
    """The model with this name, and of this type if given. Raises Refused: 422 for no name, 404 for no such model."""
    if not isinstance(name, str) or not name:
        raise Refused(422, "Invalid params: model must be a non-empty string")
    model = MODELS.get(name)
    if model is None or kind not in (None, model.type):
        raise Refused(404, "No such model")
    return model


def _describe_model(model: Model) -> dict[str, Any]:
    return {"id": model.name, "object": "model", "owned_by": "salutedevices", "type": model.type}
