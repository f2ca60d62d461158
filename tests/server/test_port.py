"""Answers that no application gives: of both ports, in the envelope, without the names and versions of libraries."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from app.sandbox import server
from app.serve import listen
from tests.running import ProcessStarter, Running, environment
from tests.server.attackers import probe
from tests.watching import ask, everything, raw, saying

HOST = b"Host: localhost\r\nConnection: close\r\n"
# request -> the status of its answer
REQUESTS = {
    b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n": 200,
    b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n": 200,
    b"GET /v1/models HTTP/1.1\r\n" + HOST + b"\r\n": 200,
    b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n": 200,
    b"GET /nowhere HTTP/1.1\r\n" + HOST + b"\r\n": 404,
    b"DELETE /v1/models HTTP/1.1\r\n" + HOST + b"\r\n": 405,
    b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n": 404,
    b"GET http://elsewhere/livez HTTP/1.1\r\n" + HOST + b"\r\n": 200,
    b"GET /livez HTTP/1.0\r\n\r\n": 200,
    b"GET /livez HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n": 200,
    b"GET /livez HTTP/1.1\r\n" + HOST + b"Expect: x\r\n\r\n": 400,
    b"GET /nowhere HTTP/1.1\r\n" + HOST + b"Expect: x\r\n\r\n": 400,
    b"\x16\x03\x01": 400,
    b"GET / HTTP/1.1\r\nA: " + b"b" * 70_000: 431,
}


def checked(answer: bytes, status: int) -> None:
    """One answer with this status, of nobody but the gateway."""
    assert int(answer.split(b" ", 2)[1]) == status, answer
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.count(b"HTTP/1.") == 1
    assert head.count(b"Server: ") == 1
    assert b"\r\nServer: gpt2giga-proxy\r\n" in head + b"\r\n"
    assert b"Python/" not in head
    assert b"aiohttp" not in head
    if status >= 400:
        assert b"Content-Type: application/json" in head
        assert body.startswith(b'{"error":{"message":')


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request[:40].decode("latin-1"))
async def test_no_answer_names_a_version(request_: bytes, gateway: Running) -> None:
    """Neither Python's nor aiohttp's, on the main port."""
    checked(await raw(gateway, request_), REQUESTS[request_])


async def test_no_stream_does(gateway: Running, http: aiohttp.ClientSession) -> None:
    """Nor do streams and answers of models."""
    for stream in (True, False):
        reply = await ask(http, gateway, saying("hi", stream=stream))
        assert (reply.status, reply.headers.getall("Server")) == (200, ["gpt2giga-proxy"])


async def test_the_metrics_port(sandbox: server.Running, start_process: ProcessStarter) -> None:
    """It answers alike; the main port being full does not matter to it."""
    env = environment(sandbox, GPT2GIGA_METRICS_PORT="0", GPT2GIGA_MAX_CONNECTIONS="1")
    process = start_process(env=env)
    metrics = Running(process.event("listening")["metrics"].removesuffix("/metrics"), web.Application())
    probe(process.url)
    for request, status in (
        (b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n", 200),
        (b"GET /nowhere HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"POST /metrics HTTP/1.1\r\n" + HOST + b"\r\n", 405),
        (b"GET /metrics HTTP/1.1\r\n" + HOST + b"Expect: x\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
    ):
        checked(await raw(metrics, request), status)
    assert b" 400 " in await raw(metrics, b"GET /metrics\r\n\r\n")
    assert [line["event"] for line in process.lines() if line["event"] == "request"] == []


@pytest.fixture
async def broken() -> AsyncIterator[Running]:
    """An application without middlewares whose handlers fail."""

    async def fail(_request: web.Request) -> web.Response:
        raise RuntimeError("a-secret of the inside")

    async def wait(_request: web.Request) -> web.Response:
        raise TimeoutError

    app = web.Application()
    app.router.add_get("/fail", fail)
    app.router.add_get("/wait", wait)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    yield Running(f"http://127.0.0.1:{await listen(runner, '127.0.0.1', 0)}", app)
    await runner.cleanup()


@pytest.mark.parametrize("path", ["/fail", "/wait"])
async def test_a_bug(path: str, broken: Running, caplog: pytest.LogCaptureFixture) -> None:
    """A 500 in the envelope; the log alone knows more."""
    caplog.set_level(logging.INFO, "gpt2giga")
    answer = await raw(broken, f"GET {path} HTTP/1.1\r\n".encode() + HOST + b"\r\n")
    checked(answer, 500)
    assert b"internal_error" in answer
    assert b"a-secret" not in answer
    assert ("a-secret of the inside" in everything(caplog)) == (path == "/fail")
