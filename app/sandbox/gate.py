"""Wraps each API handler: records the request, fires faults, checks the token, limits concurrent chats.

Source: docs/gigachat-api.md, "A token's life", "Errors" (401), "Headers" (headers of answers) and
"Limits, models, prices" (concurrency).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import orjson
from aiohttp import web

from app.sandbox.faults import KINDS, Fault
from app.sandbox.record import CLIENT_GONE, DONE, FAULT, STOPPED
from app.sandbox.state import MARK, STATE
from app.sandbox.tokens import TokenStatus
from app.sandbox.wire import CONTEXT, Refused, RequestContext, Severed, page, phrase, refusal, reply

OAUTH_PATH = "/api/v2/oauth"

Handler = Callable[[RequestContext], Awaitable[web.StreamResponse]]
Reader = Callable[[RequestContext], Awaitable[None]]
ServedBy = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def read_whole(context: RequestContext) -> None:
    """Read the body, JSON or a form, into the record."""
    context.record.body = _parse_body(context.request, await context.request.read())


def build_handler(place: str, handler: Handler, *, bearer: bool = True, read: Reader = read_whole) -> ServedBy:
    """Build a handler for aiohttp around an API handler. `place`: its name for faults and records."""

    async def serve(request: web.Request) -> web.StreamResponse:
        state = request.app[STATE]
        record = state.requests.open(place, request.method, request.path, request.headers)
        context = RequestContext(request, state, record)
        request[CONTEXT] = context
        try:
            _close_doomed_connection(context)
            await read(context)
            response = await _answer(context, handler, bearer)
            context.record.status = response.status
        except Severed:
            response = web.Response()
        except asyncio.CancelledError:
            context.record.end(STOPPED if state.stopping else CLIENT_GONE)
            raise
        except ConnectionError:
            context.record.end(CLIENT_GONE)
            return web.Response()
        context.record.end(FAULT if any(KINDS[kind].breaks for kind in context.record.faults) else DONE)
        return response

    return serve


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers of all responses: the sandbox's mark, the date, the ids of request and session."""
    headers = response.headers
    headers["X-Sandbox"] = MARK
    context = request.get(CONTEXT)
    if context is None:
        return
    headers["Date"] = formatdate(context.now(), usegmt=True)
    if request.path == OAUTH_PATH:
        headers["Server"] = "SynGX"
        return
    headers["Server"] = "nginx"
    headers["X-Request-Id"] = request.headers.get("X-Request-ID") or str(uuid4())
    headers["X-Session-Id"] = request.headers.get("X-Session-ID") or str(uuid4())
    headers["Allow"] = "GET, POST"
    headers["Access-Control-Allow-Origin"] = "*"


async def _answer(context: RequestContext, handler: Handler, bearer: bool) -> web.StreamResponse:
    clock = context.fire("clock")
    context.offset = clock.values["seconds"] if clock else context.state.settings.clock_offset
    try:
        if bearer:
            _authorize(context)
        response = await _run_in_slot(context, handler)
    except Refused as refused:
        response = refusal(refused.status, refused.message)
    if isinstance(response, web.Response) and (cut := context.fire("cut")):
        await _cut_response(context, response, cut)
    if fault := context.fire("drop_idle"):
        _doom_connection(context, fault)
    return response


async def _run_in_slot(context: RequestContext, handler: Handler) -> web.StreamResponse:
    """Run the handler. A chat request occupies a slot meanwhile."""
    state = context.state
    if context.place != "chat":
        return await _run_with_faults(context, handler)
    if 0 < state.settings.max_concurrency <= state.chatting:
        raise Refused(429)
    state.chatting += 1
    state.most_chatting = max(state.most_chatting, state.chatting)
    try:
        return await _run_with_faults(context, handler)
    finally:
        state.chatting -= 1


async def _run_with_faults(context: RequestContext, handler: Handler) -> web.StreamResponse:
    """Run the handler, unless a fault replaces its answer."""
    if fault := context.fire("slow"):
        await asyncio.sleep(fault.values["seconds"])
    if fault := context.fire("down"):
        raise context.sever(rst=fault.values["rst"])
    if fault := context.fire("status"):
        return _build_status_response(context, fault)
    if context.fire("html_200"):
        return page(200)
    return await handler(context)


def _build_status_response(context: RequestContext, fault: Fault) -> web.Response:
    values = fault.values
    status, message = values["status"], values["message"] or phrase(values["status"])
    if values["html"]:
        response = page(status)
    elif values["body"] is not None:
        response = reply(values["body"], status)
    else:
        name = "code" if context.request.path == OAUTH_PATH else "status"
        response = reply({name: status, "message": message}, status)
    response.headers.update(values["headers"])
    return response


def _authorize(context: RequestContext) -> None:
    scheme, _, token = context.request.headers.get("Authorization", "").partition(" ")
    standing = context.state.tokens.check(token) if scheme == "Bearer" else TokenStatus.UNKNOWN
    if standing is not TokenStatus.GOOD:
        raise Refused(401, standing.value)
    context.account = context.state.tokens.account(token)


async def _cut_response(context: RequestContext, response: web.Response, fault: Fault) -> None:
    """Send the headers and half of the body, then close the connection."""
    body = response.body if isinstance(response.body, bytes) else b""
    half = web.StreamResponse(status=response.status, headers=response.headers)
    half.content_length = len(body)
    context.record.status = half.status
    await half.prepare(context.request)
    await half.write(body[: len(body) // 2])
    raise context.sever(rst=fault.values["rst"])


def _doom_connection(context: RequestContext, fault: Fault) -> None:
    doomed = context.state.doomed
    for connection in [one for one in doomed if getattr(one, "transport", None) is None]:
        del doomed[connection]
    doomed[context.request.protocol] = fault.values["rst"]


def _close_doomed_connection(context: RequestContext) -> None:
    """Close a connection that the fault `drop_idle` has marked, before its request is answered."""
    rst = context.state.doomed.pop(context.request.protocol, None)
    if rst is not None:
        context.record.faults.append("drop_idle")
        context.record.end(FAULT)
        raise context.sever(rst=rst)


def _parse_body(request: web.Request, body: bytes) -> Any:
    if request.content_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        return orjson.loads(body)
    except ValueError:
        return None
