"""Chat, v1: a request is checked, counted and answered, whole or as a stream.

Source: gigachat-api, sections 3.2, 4.1, 6 (413) and 8.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from app import sse
from app.sandbox.answers import Answer, limited
from app.sandbox.attachments import look
from app.sandbox.catalog import Model
from app.sandbox.models import find
from app.sandbox.rules import check, unknown
from app.sandbox.script import EDITS, MERGED, Sever, Steps, Talk, stream, whole
from app.sandbox.speech import refuse, speak
from app.sandbox.usage import EXCESS, completion_tokens, count_prompt, tell
from app.sandbox.wire import Call, Refused, reply


async def complete(call: Call) -> web.StreamResponse:
    """Answer a chat request."""
    body = call.json()
    call.record.unknown = unknown(body)
    check(body)
    model = find(body["model"], "chat")
    refuse(call, model, body)
    seen = look(call, model, body["messages"])
    said = limited(speak(call, model, body, seen), model, body.get("max_tokens"))
    usage = _usage(call, model, body, said)
    if said.wait:
        await asyncio.sleep(said.wait)
    interval = body.get("update_interval", 0)
    talk = Talk(
        answer=said,
        model=model.served,
        created=int(call.now()),
        usage=None if call.take("no_usage") else usage,
        null_content=call.take("null_content") is not None,
        merged=MERGED if interval else 1,
    )
    if not body.get("stream", False):
        return reply(whole(talk))
    return await _play(call, _spoiled(call, talk), max(interval, call.state.settings.chunk_seconds))


def _usage(call: Call, model: Model, body: Mapping[str, Any], said: Answer) -> dict[str, int]:
    prompt = count_prompt(model, body)
    if prompt.tokens > call.state.settings.context_tokens:
        raise Refused(413)
    cached = call.state.sessions.known(call.request.headers.get("X-Session-ID"), prompt)
    if call.take("cached_exceeds_prompt"):
        cached = prompt.tokens + EXCESS
    return tell(prompt.tokens, completion_tokens(model, said.generated), cached)


def _spoiled(call: Call, talk: Talk) -> Steps:
    """The script of the stream, with the faults that stand."""
    steps = stream(talk)
    for kind, edit in EDITS.items():
        if fault := call.take(kind):
            steps = edit(steps, fault.values, talk)
    return steps


async def _play(call: Call, steps: Steps, pause: float) -> web.StreamResponse:
    """Act out the script; between two events there is a pause, if only for others to run."""
    response = web.StreamResponse(headers={"Content-Type": sse.CONTENT_TYPE})
    call.record.status = response.status
    await response.prepare(call.request)
    for step in steps:
        if isinstance(step, Sever):
            raise call.sever(rst=step.rst)
        if isinstance(step, float):
            await asyncio.sleep(step)
            continue
        if call.record.chunks:
            await asyncio.sleep(pause)
        await response.write(step)
        call.record.chunks += 1
    return response
