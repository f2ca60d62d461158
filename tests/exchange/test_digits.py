"""Whole numbers of more than 64 bits, over the wire: in a call that GigaChat makes, and on its way back to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import aiohttp
import pytest
from aiohttp import web

from app import sse
from app.sandbox import server
from tests.running import GatewayStarter, Running
from tests.watching import ask, called, tool

ACCOUNT = "40817810099910004312"
CALL = f'{{"name":"pay","arguments":{{"account":{ACCOUNT},"sum":1.5}}}}'
USAGE = '"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}'
HEAD = '"created":1,"model":"GigaChat:2",'


class Bank(NamedTuple):
    """A GigaChat that always calls one function; `asked` are the bodies that it got."""

    url: str
    asked: list[str]


@pytest.fixture
async def bank() -> AsyncIterator[Bank]:
    """It writes and keeps JSON as text, so that no parser of its own can round a number."""
    asked: list[str] = []

    async def chat(request: web.Request) -> web.Response:
        asked.append(text := await request.text())
        choice = '"index":0,"finish_reason":"function_call"'
        if json.loads(text).get("stream"):
            event = f'{{{HEAD}"choices":[{{{choice},"delta":{{"role":"assistant","function_call":{CALL}}}}}],{USAGE}}}'
            body = sse.encode(event.encode()) + sse.encode(sse.DONE)
            return web.Response(body=body, content_type=sse.CONTENT_TYPE)
        message = f'"message":{{"role":"assistant","content":"","function_call":{CALL}}}'
        body = f'{{{HEAD}"choices":[{{{choice},{message}}}],{USAGE}}}'.encode()
        return web.Response(body=body, content_type="application/json")

    async def models(_: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "GigaChat", "object": "model", "type": "chat"}]})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    app.router.add_get("/v1/models", models)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Bank(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", asked)
    await runner.cleanup()


@pytest.fixture
async def payer(bank: Bank, start_gateway: GatewayStarter, sandbox: server.Running) -> Running:
    """A gateway before it, whose tokens are the sandbox's."""
    return await start_gateway(sandbox, GIGACHAT_BASE_URL=bank.url)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_no_digit_is_lost(bank: Bank, payer: Running, http: aiohttp.ClientSession, stream: bool) -> None:
    """An account's number stays the same in the client's call, and in GigaChat's history of it."""
    tools = [tool("pay", {"account": {"type": "integer"}, "sum": {"type": "number"}})]
    question: dict[str, Any] = {"role": "user", "content": "pay"}
    first = await ask(http, payer, {"model": "gpt-4o", "messages": [question], "tools": tools, "stream": stream})
    (call,) = first.choices[0]["message"]["tool_calls"]
    assert call["function"]["arguments"] == f'{{"account":{ACCOUNT},"sum":1.5}}'
    answered = [{"role": "tool", "tool_call_id": "c1", "content": f'{{"paid_from":{ACCOUNT}}}'}]
    history = [question, {"role": "assistant", "tool_calls": [called("c1", "pay", call["function"]["arguments"])]}]
    body = {"model": "gpt-4o", "messages": [*history, *answered], "tools": tools, "stream": stream}
    second = await ask(http, payer, body)
    assert second.status == 200
    assert f'"arguments":{{"account":{ACCOUNT},"sum":1.5}}' in bank.asked[1]
    assert f'paid_from\\":{ACCOUNT}' in bank.asked[1]
