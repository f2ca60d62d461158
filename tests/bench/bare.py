"""The yardstick: the least that aiohttp needs to translate a chat between OpenAI's API and GigaChat's.

No keys, no token of its own, no validation, no limits, no metrics, no logs: what a gateway costs beyond it is its own.
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import AsyncIterator
from typing import Any

import orjson
import uvloop
from aiohttp import ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web

SESSION = web.AppKey("SESSION", ClientSession)
UPSTREAM = web.AppKey("UPSTREAM", str)
HEADERS = {"Authorization": "Bearer " + "x" * 1279, "Content-Type": "application/json"}
STREAM_HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}


async def session(app: web.Application) -> AsyncIterator[None]:
    """One client session for the process."""
    timeout = ClientTimeout(total=None, sock_read=600)
    async with ClientSession(connector=TCPConnector(limit=0), cookie_jar=DummyCookieJar(), timeout=timeout) as client:
        app[SESSION] = client
        yield


def payload(asked: dict[str, Any]) -> dict[str, Any]:
    """GigaChat's request for OpenAI's."""
    messages = [{"role": message["role"], "content": message["content"]} for message in asked["messages"]]
    made = {"model": asked["model"], "messages": messages, "stream": asked.get("stream", False)}
    for name in ("temperature", "top_p", "max_tokens"):
        if name in asked:
            made[name] = asked[name]
    if "tools" in asked:
        made["functions"] = [tool["function"] for tool in asked["tools"]]
        made["function_call"] = "auto"
    return made


def usage(given: dict[str, Any]) -> dict[str, Any]:
    """OpenAI's usage for GigaChat's."""
    return {
        "prompt_tokens": given["prompt_tokens"],
        "completion_tokens": given["completion_tokens"],
        "total_tokens": given["total_tokens"],
    }


def completion(given: dict[str, Any]) -> bytes:
    """OpenAI's whole answer for GigaChat's."""
    choices = [
        {
            "index": choice["index"],
            "message": {"role": "assistant", "content": choice["message"]["content"]},
            "finish_reason": choice["finish_reason"],
        }
        for choice in given["choices"]
    ]
    answer = {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": given["created"],
        "model": given["model"],
        "choices": choices,
        "usage": usage(given["usage"]),
    }
    return orjson.dumps(answer)


def event(name: str, block: bytes) -> bytes:
    """OpenAI's event for GigaChat's."""
    if block == b"data: [DONE]":
        return b"data: [DONE]\n\n"
    given = orjson.loads(block[6:])
    chunk = {
        "id": name,
        "object": "chat.completion.chunk",
        "created": given["created"],
        "model": given["model"],
        "choices": [
            {"index": choice["index"], "delta": choice["delta"], "finish_reason": choice.get("finish_reason")}
            for choice in given["choices"]
        ],
    }
    if "usage" in given:
        chunk["usage"] = usage(given["usage"])
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


async def relay(request: web.Request, upstream: ClientResponse) -> web.StreamResponse:
    """Translate a stream: all that one read gave goes out in one write."""
    response = web.StreamResponse(headers=STREAM_HEADERS)
    await response.prepare(request)
    name = f"chatcmpl-{uuid.uuid4().hex}"
    rest = b""
    async for data in upstream.content.iter_any():
        *blocks, rest = (rest + data).split(b"\n\n")
        if blocks:
            await response.write(b"".join([event(name, block) for block in blocks]))
    await response.write_eof()
    return response


async def chat(request: web.Request) -> web.StreamResponse:
    """POST /v1/chat/completions."""
    asked = payload(orjson.loads(await request.read()))
    url = request.app[UPSTREAM]
    async with request.app[SESSION].post(url, data=orjson.dumps(asked), headers=HEADERS) as upstream:
        if asked["stream"]:
            return await relay(request, upstream)
        return web.Response(body=completion(orjson.loads(await upstream.read())), content_type="application/json")


def main(port: int, upstream_port: int) -> None:
    """Serve until the process is ended."""
    app = web.Application()
    app[UPSTREAM] = f"http://127.0.0.1:{upstream_port}/v1/chat/completions"
    app.cleanup_ctx.append(session)
    app.router.add_post("/v1/chat/completions", chat)
    web.run_app(
        app,
        host="127.0.0.1",
        port=port,
        print=None,
        access_log=None,
        handler_cancellation=True,
        loop=uvloop.new_event_loop(),
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
