"""Paths as people's base URLs make them: answered without a redirect, counted, and never without the key."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import openai
import orjson
import pytest

from app.sandbox import server
from tests.running import GatewayStarter, Running
from tests.watching import ask, counted, saying, told

HI = saying("hi")
KEY = "the-key"


class Answer(NamedTuple):
    """What came over a socket."""

    status: int
    head: str
    body: bytes

    @property
    def code(self) -> str:
        """The error's code, of the envelope."""
        code: str = orjson.loads(self.body)["error"]["code"]
        return code


async def send(gateway: Running, request: bytes) -> Answer:
    """Bytes as they are, and the answer to them; the connection ends with it."""
    parts = urlsplit(gateway.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(request)
        async with asyncio.timeout(10):
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    return Answer(int(head[9:12]), head.decode(), body)


def request(path: str, body: Any = None, *, method: str = "POST", head: str = "", key: str | None = None) -> bytes:
    """A request whose path stands there as it is: clients of Python tidy it."""
    data = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
    bearer = f"Authorization: Bearer {key}\r\n" if key else ""
    start = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{bearer}{head}"
    return f"{start}Content-Length: {len(data)}\r\n\r\n".encode() + data


# Bases that people configure, with a client's own path behind them.
BASES = ("/v1//", "//v1/", "//", "/v1/v1/", "/api/v1/", "/api/v1/v1/", "//api//v1//", "///v1///v1///", "/api/v1/v1//")
ENDS = ("", "/", "//")
TAILS = {
    "chat/completions": ("POST", HI, "chat"),
    "chat//completions": ("POST", HI, "chat"),
    "embeddings": ("POST", {"model": "Embeddings", "input": "hi"}, "embeddings"),
    "models": ("GET", None, "models"),
    "models/GigaChat": ("GET", None, "models"),
    "models//openai/gpt-4o": ("GET", None, "models"),
}
FORMS = [(f"{base}{tail}{end}", *row) for tail, row in TAILS.items() for base in BASES for end in ENDS]
FORMS += [(f"{base}{tail}/", *row) for tail, row in TAILS.items() for base in ("/v1/", "/")]
LABELS = {"/v1/chat/completions", "/v1/embeddings", "/v1/models", "/v1/models/{model}"}


async def test_paths(gateway: Running, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture) -> None:
    """Each is what it means: answered at once, counted under its endpoint, logged by the path that is served."""
    caplog.set_level(logging.INFO, "gpt2giga")
    before = await counted(http, gateway, "gpt2giga_proxy_requests_total", "endpoint")
    for path, method, body, _ in FORMS:
        answer = await send(gateway, request(path, body, method=method))
        assert answer.status == 200, path
        assert orjson.loads(answer.body)["object"], path
    line = await told(caplog, len(FORMS))
    after = await counted(http, gateway, "gpt2giga_proxy_requests_total", "endpoint")
    assert after - before == Counter(endpoint for *_, endpoint in FORMS)
    assert line["route"] in LABELS
    assert {one.__dict__["gateway_fields"]["route"] for one in caplog.records if one.message == "request"} == LABELS


async def test_paths_without_a_key(
    start_gateway: GatewayStarter, sandbox: server.Running, http: aiohttp.ClientSession
) -> None:
    """No form of a path goes around the key."""
    gateway = await start_gateway(GPT2GIGA_API_KEY=KEY)
    asked = len(sandbox.state.requests.of("chat"))
    for path, method, body, _ in FORMS:
        for key in (None, "another"):
            answer = await send(gateway, request(path, body, method=method, key=key))
            assert (answer.status, answer.code) == (401, "invalid_api_key"), path
    assert len(sandbox.state.requests.of("chat")) == asked
    for path, method, body, _ in FORMS[::7]:
        assert (await send(gateway, request(path, body, method=method, key=KEY))).status == 200


async def test_methods_of_odd_paths(start_gateway: GatewayStarter) -> None:
    """A wrong one is a 405 that names the right one; a browser's pre-flight and its page are answered as elsewhere."""
    gateway = await start_gateway(GPT2GIGA_API_KEY=KEY, GPT2GIGA_CORS_ORIGINS="https://app.example")
    for path, allowed in (("/v1//chat/completions/", "POST"), ("/api/v1/models/", "GET"), ("//v1/embeddings", "POST")):
        for method in ("PUT", "DELETE"):
            answer = await send(gateway, request(path, HI, method=method))
            assert (answer.status, answer.code) == (405, "method_not_allowed")
            assert allowed in answer.head.partition("\r\nAllow: ")[2].partition("\r\n")[0]
        asks = f"Origin: https://app.example\r\nAccess-Control-Request-Method: {allowed}\r\n"
        answer = await send(gateway, request(path, method="OPTIONS", head=asks))
        assert answer.status == 200
        assert "Access-Control-Allow-Origin: https://app.example" in answer.head
    page = await send(gateway, request("/v1/v1/chat/completions", HI, head="Origin: https://app.example\r\n", key=KEY))
    assert page.status == 200
    assert "Access-Control-Allow-Origin: https://app.example" in page.head


async def test_a_foreign_page_by_an_odd_path(start_gateway: GatewayStarter, sandbox: server.Running) -> None:
    """Without a key it spends nothing there either."""
    gateway = await start_gateway(ready=False)
    for path in ("//v1/chat/completions", "/v1/v1/chat/completions/", "/api/v1/chat/completions", "/chat/completions/"):
        answer = await send(gateway, request(path, HI, head="Origin: https://evil.example\r\n"))
        assert (answer.status, answer.code) == (403, "origin_not_allowed")
    assert not sandbox.state.requests.of("chat")


@pytest.mark.parametrize("base", ["/v1/", "//v1", "/v1/v1", "/api/v1", ""])
async def test_the_sdk_with_an_odd_base(base: str, gateway: Running) -> None:
    """OpenAI's package as people configure it."""
    async with openai.AsyncOpenAI(base_url=gateway.url + base, api_key="any", max_retries=0) as client:
        messages: Any = HI["messages"]
        answer = await client.chat.completions.create(model="gpt-4o", messages=messages)
        assert answer.choices[0].message.content == "hi"
        stream = await client.chat.completions.create(model="gpt-4o", messages=messages, stream=True)
        assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]) == "hi"
        assert [model.id async for model in client.models.list()]
        assert (await client.embeddings.create(model="text-embedding-3-small", input=["a"])).data


ENDLESS = ("/" * 60_000, "/a" * 30_000, "/v1/models/" + "a/" * 29_000, "/v1" * 20_000, "/api" * 15_000)


async def test_paths_without_end(gateway: Running, http: aiohttp.ClientSession) -> None:
    """To look one up takes no time, in one packet behind another request neither."""
    begun = time.perf_counter()
    for path in ENDLESS:
        behind = request("/livez", method="GET").replace(b"Connection: close\r\n", b"")
        for ahead in (b"", behind):
            answer = await send(gateway, ahead + request(path, HI))
            assert b"unknown_url" in answer.body
    assert time.perf_counter() - begun < 2
    long_name = "a" * 30_000
    reply = await ask(http, gateway, method="GET", path=f"/v1/models/{long_name}?back=" + "/" * 1000)
    assert reply.error["code"] == "model_not_found"
