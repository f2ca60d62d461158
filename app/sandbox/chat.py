"""The chat endpoint of v1: checks a request, counts its tokens, and answers it whole or as a stream.

Source: docs/gigachat-api.md, "POST /chat/completions", "Streams of v1", "Errors" (413) and "Usage".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from app import sse
from app.sandbox.answers import Answer, limit_answer
from app.sandbox.attachments import read_attachments
from app.sandbox.catalog import Model
from app.sandbox.models import find_model
from app.sandbox.rules import check, list_unknown_keys
from app.sandbox.script import EDITS, MERGED, ChatAnswer, Sever, Steps, build_events, build_object
from app.sandbox.speech import check_support, speak
from app.sandbox.usage import EXCESS, build_usage, count_completion, count_prompt
from app.sandbox.wire import Refused, RequestContext, reply


async def complete(context: RequestContext) -> web.StreamResponse:
    """Answer a chat request."""
    body = context.json()
    context.record.unknown = list_unknown_keys(body)
    check(body)
    model = find_model(body["model"], "chat")
    check_support(context, model, body)
    seen = read_attachments(context, model, body["messages"])
    said = limit_answer(speak(context, model, body, seen), model, body.get("max_tokens"))
    usage = _count_usage(context, model, body, said)
    if said.wait:
        await asyncio.sleep(said.wait)
    interval = body.get("update_interval", 0)
    chat_answer = ChatAnswer(
        answer=said,
        model=model.served_name,
        created=int(context.now()),
        usage=None if context.fire("no_usage") else usage,
        null_content=context.fire("null_content") is not None,
        merged=MERGED if interval else 1,
    )
    if not body.get("stream", False):
        return reply(build_object(chat_answer))
    steps = _apply_stream_faults(context, chat_answer)
    return await _send_steps(context, steps, max(interval, context.state.settings.chunk_seconds))


def _count_usage(context: RequestContext, model: Model, body: Mapping[str, Any], said: Answer) -> dict[str, int]:
    prompt = count_prompt(model, body)
    if prompt.tokens > context.state.settings.context_tokens:
        raise Refused(413)
    cached = context.state.sessions.count_cached(context.request.headers.get("X-Session-ID"), prompt)
    billed = prompt.tokens if context.state.settings.cached_contained else prompt.tokens - cached
    if context.fire("cached_exceeds_prompt"):
        billed, cached = prompt.tokens, prompt.tokens + EXCESS
    usage = build_usage(billed, count_completion(model, said.generated), cached)
    context.state.bill(model.package, usage["total_tokens"])
    return usage


def _apply_stream_faults(context: RequestContext, chat_answer: ChatAnswer) -> Steps:
    """The steps of the stream, changed by the active faults."""
    steps = build_events(chat_answer)
    for kind, edit in EDITS.items():
        if fault := context.fire(kind):
            steps = edit(steps, fault.values, chat_answer)
    return steps


async def _send_steps(context: RequestContext, steps: Steps, pause: float) -> web.StreamResponse:
    """Send the steps of a stream. The pause between events, even of 0 seconds, lets other tasks run."""
    response = web.StreamResponse(headers={"Content-Type": sse.CONTENT_TYPE})
    context.record.status = response.status
    await response.prepare(context.request)
    for step in steps:
        if isinstance(step, Sever):
            raise context.sever(rst=step.rst)
        if isinstance(step, float):
            await asyncio.sleep(step)
            continue
        if context.record.chunks:
            await asyncio.sleep(pause)
        await response.write(step)
        context.record.chunks += 1
    return response
