"""The way of each request: record, faults, authorization, a slot, the handler, the outcome.

Source: gigachat-api, sections 2.4 and 6 (401), 3.1 (headers of answers), 7 (concurrency).
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
from app.sandbox.tokens import Standing
from app.sandbox.wire import CALL, Call, Refused, Severed, page, phrase, refusal, reply

OAUTH_PATH = "/api/v2/oauth"

Handler = Callable[[Call], Awaitable[web.StreamResponse]]
Reader = Callable[[Call], Awaitable[None]]
ServedBy = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def read_whole(call: Call) -> None:
    """Read a body: JSON, or a form."""
    call.record.body = _parsed(call.request, await call.request.read())


def guarded(place: str, handler: Handler, *, bearer: bool = True, read: Reader = read_whole) -> ServedBy:
    """A handler for aiohttp: what all requests of the API undergo, around what one of them does."""

    async def serve(request: web.Request) -> web.StreamResponse:
        state = request.app[STATE]
        call = Call(request, state, state.requests.open(place, request.method, request.path, request.headers))
        request[CALL] = call
        try:
            _meet_the_dead(call)
            await read(call)
            response = await _serve(call, handler, bearer)
            call.record.status = response.status
        except Severed:
            response = web.Response()
        except asyncio.CancelledError:
            call.record.end(STOPPED if state.stopping else CLIENT_GONE)
            raise
        except ConnectionError:
            call.record.end(CLIENT_GONE)
            return web.Response()
        call.record.end(FAULT if any(KINDS[kind].breaks for kind in call.record.faults) else DONE)
        return response

    return serve


async def sign(request: web.Request, response: web.StreamResponse) -> None:
    """Put on each response what all of them bear: the sandbox's mark, a date, the ids of request and session."""
    headers = response.headers
    headers["X-Sandbox"] = MARK
    call = request.get(CALL)
    if call is None:
        return
    headers["Date"] = formatdate(call.now(), usegmt=True)
    if request.path == OAUTH_PATH:
        headers["Server"] = "SynGX"
        return
    headers["Server"] = "nginx"
    headers["X-Request-Id"] = request.headers.get("X-Request-ID") or str(uuid4())
    headers["X-Session-Id"] = request.headers.get("X-Session-ID") or str(uuid4())
    headers["Allow"] = "GET, POST"
    headers["Access-Control-Allow-Origin"] = "*"


async def _serve(call: Call, handler: Handler, bearer: bool) -> web.StreamResponse:
    clock = call.take("clock")
    call.offset = clock.values["seconds"] if clock else call.state.settings.clock_offset
    try:
        if bearer:
            _authorize(call)
        response = await _in_slot(call, handler)
    except Refused as refused:
        response = refusal(refused.status, refused.message)
    if isinstance(response, web.Response) and (cut := call.take("cut")):
        await _cut(call, response, cut)
    if fault := call.take("drop_idle"):
        _doom(call, fault)
    return response


async def _in_slot(call: Call, handler: Handler) -> web.StreamResponse:
    """Run the handler; a chat request occupies a slot meanwhile."""
    state = call.state
    if call.place != "chat":
        return await _faulty(call, handler)
    if 0 < state.settings.max_concurrency <= state.chatting:
        raise Refused(429)
    state.chatting += 1
    state.most_chatting = max(state.most_chatting, state.chatting)
    try:
        return await _faulty(call, handler)
    finally:
        state.chatting -= 1


async def _faulty(call: Call, handler: Handler) -> web.StreamResponse:
    """The faults that come before an answer or in its place, else the answer."""
    if fault := call.take("slow"):
        await asyncio.sleep(fault.values["seconds"])
    if fault := call.take("down"):
        raise call.sever(rst=fault.values["rst"])
    if fault := call.take("status"):
        return _status(call, fault)
    if call.take("html_200"):
        return page(200)
    return await handler(call)


def _status(call: Call, fault: Fault) -> web.Response:
    values = fault.values
    status, message = values["status"], values["message"] or phrase(values["status"])
    if values["html"]:
        response = page(status)
    elif values["body"] is not None:
        response = reply(values["body"], status)
    else:
        name = "code" if call.request.path == OAUTH_PATH else "status"
        response = reply({name: status, "message": message}, status)
    response.headers.update(values["headers"])
    return response


def _authorize(call: Call) -> None:
    scheme, _, token = call.request.headers.get("Authorization", "").partition(" ")
    standing = call.state.tokens.standing(token) if scheme == "Bearer" else Standing.UNKNOWN
    if standing is not Standing.GOOD:
        raise Refused(401, standing.value)
    call.account = call.state.tokens.account(token)


async def _cut(call: Call, response: web.Response, fault: Fault) -> None:
    """Send the headers and half of the body, then close the connection."""
    body = response.body if isinstance(response.body, bytes) else b""
    half = web.StreamResponse(status=response.status, headers=response.headers)
    half.content_length = len(body)
    call.record.status = half.status
    await half.prepare(call.request)
    await half.write(body[: len(body) // 2])
    raise call.sever(rst=fault.values["rst"])


def _doom(call: Call, fault: Fault) -> None:
    doomed = call.state.doomed
    for connection in [one for one in doomed if getattr(one, "transport", None) is None]:
        del doomed[connection]
    doomed[call.request.protocol] = fault.values["rst"]


def _meet_the_dead(call: Call) -> None:
    """A connection that was dropped while idle: the request that arrives on it gets no byte."""
    rst = call.state.doomed.pop(call.request.protocol, None)
    if rst is not None:
        call.record.faults.append("drop_idle")
        call.record.end(FAULT)
        raise call.sever(rst=rst)


def _parsed(request: web.Request, body: bytes) -> Any:
    if request.content_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        return orjson.loads(body)
    except ValueError:
        return None
