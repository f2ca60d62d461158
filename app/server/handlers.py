"""The API's handlers: glue between the wire and the rooms below. No rule about any field stands here."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

from app import errors, settings
from app.errors import GatewayError
from app.exchange.plans import Plan
from app.observe.facts import Facts
from app.server.bodies import json_object
from app.server.keys import BODIES, DRAIN, FACTS, GATEWAY, Gateway
from app.server.middlewares import client_gone, note
from app.server.streaming import ClientGone, EventStream
from app.translate.gigachat.embeddings import SIZES
from app.translate.openai import chat as openai_chat
from app.translate.openai import embeddings as openai_embeddings
from app.translate.openai import models as openai_models
from app.translate.openai.chat_stream import StreamWriter


async def chat(request: web.Request) -> web.StreamResponse:
    """POST /v1/chat/completions."""
    gateway, facts = request.app[GATEWAY], request[FACTS]
    with request.app[DRAIN].admitted(), request.app[BODIES].hold() as held:
        body = _body(await held.read(request), facts)
        facts.stream = body.get("stream") is True
        asked, notes = openai_chat.read(body, gateway.names)
        plan = gateway.chat.plan(asked, notes, facts, strict=_strict(request, gateway))
        if asked.stream:
            return await _streamed(request, gateway, plan, facts)
        answers = await gateway.chat.answers(plan, facts)
        return _json(openai_chat.write(answers, _answer_id(facts), legacy=asked.legacy_functions))


async def embeddings(request: web.Request) -> web.StreamResponse:
    """POST /v1/embeddings."""
    gateway, facts = request.app[GATEWAY], request[FACTS]
    with request.app[DRAIN].admitted(), request.app[BODIES].hold() as held:
        body = _body(await held.read(request), facts)
        asked, notes = openai_embeddings.read(body, gateway.names, SIZES)
        found = await gateway.embeddings.answer(asked, notes, facts, strict=_strict(request, gateway))
        return _json(openai_embeddings.write(asked, found))


async def models(request: web.Request) -> web.StreamResponse:
    """GET /v1/models."""
    gateway = request.app[GATEWAY]
    with request.app[DRAIN].admitted():
        return _json(openai_models.write_list(gateway.catalog.models, gateway.names))


async def model(request: web.Request) -> web.StreamResponse:
    """GET /v1/models/{id}."""
    gateway, name = request.app[GATEWAY], request.match_info["model"]
    with request.app[DRAIN].admitted():
        found = openai_models.write_one(name, gateway.catalog.models, gateway.names)
    if found is None:
        message = "GigaChat has no such model. GET /v1/models lists what it has."
        raise GatewayError(errors.MODEL_NOT_FOUND, message, param="model")
    return _json(found)


async def _streamed(request: web.Request, gateway: Gateway, plan: Plan, facts: Facts) -> web.StreamResponse:
    """A refusal before the first event is a real status; once the stream has begun it owns its errors."""
    config = gateway.config
    writer = StreamWriter(
        _answer_id(facts), include_usage=plan.request.include_usage, legacy=plan.request.legacy_functions
    )
    out = EventStream(request, facts, commit_seconds=config.commit_seconds, keepalive_seconds=config.keepalive_seconds)
    async with out:
        try:
            async with gateway.chat.stream(plan, facts) as batches:
                async for events in batches:
                    facts.chunks += len(events)
                    await out.write(writer.feed(events))
                await out.finish(writer.finish(_closing(facts)))
        except ClientGone:
            client_gone(facts)
        except GatewayError as error:
            if not out.committed:
                raise
            await _failed(out, writer, error, facts)
    return out.response


async def _failed(out: EventStream, writer: StreamWriter, error: GatewayError, facts: Facts) -> None:
    note(facts, error)
    facts.aborted_by = facts.aborted_by or "upstream"
    try:
        await out.write(writer.fail(error))
    except ClientGone:
        client_gone(facts)


def _body(data: bytes, facts: Facts) -> dict[str, Any]:
    facts.body_bytes = len(data)
    body = json_object(data)
    if isinstance(body.get("model"), str):
        facts.model_asked = body["model"][:128]
    return body


def _strict(request: web.Request, gateway: Gateway) -> bool:
    asked = request.headers.get("X-Gateway-Strict")
    try:
        return gateway.config.strict if asked is None else settings.boolean(asked.strip())
    except ValueError:
        raise GatewayError(errors.INVALID_VALUE, "The header X-Gateway-Strict must be true or false.") from None


def _answer_id(facts: Facts) -> str:
    return f"chatcmpl-{facts.request_id}"


def _closing(facts: Facts) -> str:
    upstream, overhead = facts.milliseconds()
    return f"x-gateway-upstream-ms={upstream} x-gateway-overhead-ms={overhead}"


def _json(body: dict[str, Any]) -> web.Response:
    return web.Response(body=orjson.dumps(body), content_type="application/json")
