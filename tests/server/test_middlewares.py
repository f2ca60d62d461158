"""What surrounds every handler: one line and one count for each request, ids, times, bugs and clients that leave."""

from __future__ import annotations

import asyncio
import logging
import re

import aiohttp
import pytest
from aiohttp import web

from app import errors
from app.application import build
from app.config import Config
from app.errors import GatewayError
from app.observe.request_record import RequestRecord
from app.sandbox import server
from app.serve import listen
from app.server.middlewares import record_error
from tests.running import GatewayStarter, Running, environment, eventually
from tests.watching import CHAT, ask, asking, counted, everything, lines, raw, saying, tally, told

HI = saying("hi")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def test_a_bug_of_our_own(
    sandbox: server.Running, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception that nobody expected is a 500 in the envelope; its words are in the log alone."""

    async def broken(_request: web.Request) -> web.Response:
        raise RuntimeError("a-secret of the inside")

    caplog.set_level(logging.INFO, "gpt2giga")
    app = build(Config.load(environment(sandbox), dotenv=None))
    app.router.add_get("/broken", broken)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        gateway = Running(f"http://127.0.0.1:{await listen(runner, '127.0.0.1', 0)}", app)
        before = await tally(http, gateway)
        reply = await ask(http, gateway, method="GET", path="/broken")
        assert (reply.status, reply.error["code"], reply.error["type"]) == (500, "internal_error", "server_error")
        assert reply.headers["x-should-retry"] == "true"
        assert "a-secret" not in reply.text
        assert "RuntimeError" not in reply.text
        assert (await tally(http, gateway)).since(before) == ({"internal": 1}, {"bad": 1})
        assert (await told(caplog))["status"] == 500
        assert "RuntimeError: a-secret of the inside" in everything(caplog)
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves(
    stream: bool,
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is 499 in log and metric, nobody's fault, and GigaChat's work ends with it."""
    caplog.set_level(logging.INFO, "gpt2giga")
    before = await tally(http, gateway)
    aborts = await counted(http, gateway, "gpt2giga_proxy_stream_aborts_total", "side")
    sandbox.state.faults.add("stall", where="chat", after=1, seconds=30)
    slow = asking("sandbox:long 5", stream=True) if stream else asking("sandbox:wait 30")
    async with aiohttp.ClientSession() as leaving:
        request = asyncio.create_task(ask(leaving, gateway, slow))
        await eventually(lambda: bool(sandbox.state.requests.of("chat")))
        await asyncio.sleep(0.02)
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)
    line = await told(caplog)
    assert (line["status"], line["error_type"], line["aborted_by"]) == (499, "client_closed", "client")
    assert (await tally(http, gateway)).since(before) == ({"client_closed": 1}, {"excluded": 1})
    after = await counted(http, gateway, "gpt2giga_proxy_stream_aborts_total", "side")
    assert dict(after - aborts) == ({"client": 1} if stream else {})
    await eventually(lambda: sandbox.state.requests.of("chat")[0].outcome == "client_gone")


CLIENT_IDS = {
    "plain": ("abc-123", "abc-123"),
    "long": ("x" * 5000, "x" * 128),
    "not ASCII": ("id-ключ-1", "id--1"),
    "nothing printable": ("\t", None),
    "none": (None, None),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("given", "logged"), CLIENT_IDS.values(), ids=CLIENT_IDS)
async def test_the_clients_own_id(
    given: str | None,
    logged: str | None,
    stream: bool,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is for the log, bounded. Ours is a fresh UUID and the one that GigaChat, client and log see."""
    caplog.set_level(logging.INFO, "gpt2giga")
    gateway = await start_gateway(ready=False)
    headers = {} if given is None else {"X-Request-ID": given}
    replies = [await ask(http, gateway, {**HI, "stream": stream}, headers=headers) for _ in range(2)]
    await told(caplog, 2)
    ours = [reply.headers["x-request-id"] for reply in replies]
    assert all(UUID.fullmatch(one) for one in ours)
    assert ours[0] != ours[1]
    assert [line["request_id"] for line in lines(caplog)] == ours
    assert [line.get("client_request_id") for line in lines(caplog)] == [logged, logged]
    assert [one.headers["X-Request-ID"] for one in sandbox.state.requests.of("chat")] == ours


async def test_an_id_cannot_forge_a_line(gateway: Running, caplog: pytest.LogCaptureFixture) -> None:
    """Bytes that are no text and control characters do not reach the log."""
    caplog.set_level(logging.INFO, "gpt2giga")
    request = b'GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Request-ID: a\x1b\t{"b": 1}'
    answer = await raw(gateway, request.replace(b"\x1b", b"\xff") + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert (await told(caplog))["client_request_id"] == 'a{"b": 1}'


TIMED = {
    "whole": (HI, 200),
    "stream": ({**HI, "stream": True}, 200),
    "refused here": ({**HI, "temperature": "x"}, 400),
    "refused there": ({**HI, "model": "Nope"}, 404),
    "a stream refused there": ({**HI, "model": "Nope", "stream": True}, 404),
}


@pytest.mark.parametrize(("body", "status"), TIMED.values(), ids=TIMED)
async def test_ids_and_times_on_every_answer(
    body: dict[str, object], status: int, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Each answer bears our id, GigaChat's time and our own, in milliseconds."""
    reply = await ask(http, gateway, body)
    assert reply.status == status
    assert UUID.fullmatch(reply.headers["x-request-id"])
    upstream, overhead = (float(reply.headers[f"x-gateway-{name}-ms"]) for name in ("upstream", "overhead"))
    assert (upstream > 0) == (reply.headers.get("x-should-retry") is None or status == 404)
    assert 0 < overhead < 1000


async def test_whose_time_it_was(gateway: Running, http: aiohttp.ClientSession) -> None:
    """GigaChat's slowness is not booked on the gateway; a stream that waited for it says so in its head."""
    reply = await ask(http, gateway, asking("sandbox:wait 0.2\nsandbox:say hi"))
    assert float(reply.headers["x-gateway-upstream-ms"]) >= 200
    assert float(reply.headers["x-gateway-overhead-ms"]) < 150
    streamed = await ask(http, gateway, asking("sandbox:wait 0.2\nsandbox:say hi", stream=True))
    assert float(streamed.headers["x-gateway-upstream-ms"]) >= 200
    assert all(line.startswith("data: ") for line in streamed.text.split("\n") if line)


@pytest.mark.parametrize(
    ("given", "told_"), [("7", "7"), ("0", "1"), ("1.5", "1"), ("9" * 400, "86400"), ("soon", "1"), ("-1", "1")]
)
async def test_gigachats_retry_after(
    given: str, told_: str, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """It reaches the client as whole seconds, at least one and at most a day, whatever GigaChat wrote there."""
    sandbox.state.faults.add("status", where="chat", status=429, headers={"Retry-After": given}, times=None)
    reply = await ask(http, gateway, HI)
    assert (reply.status, reply.headers["Retry-After"]) == (429, told_)


async def test_a_success_is_told_once(
    gateway: Running, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """One line and one good event for a whole answer and for a stream; nothing stays in flight."""
    caplog.set_level(logging.INFO, "gpt2giga")
    before = await tally(http, gateway)
    for count, stream in enumerate([False, True], start=1):
        await ask(http, gateway, {**HI, "stream": stream}, path=f"{CHAT}?x=1")
        line = await told(caplog, count)
        assert (line["status"], line["wire_status"], line["stream"], line["route"]) == (200, 200, stream, CHAT)
        assert line["model_asked"] == "gpt-4o"
        assert line["prompt_tokens"] > 0
        assert "error_type" not in line
    assert (await tally(http, gateway)).since(before) == ({}, {"good": 2})
    assert sum((await counted(http, gateway, "gpt2giga_proxy_in_flight_requests", "endpoint")).values()) == 0


def test_the_cause_is_for_the_log() -> None:
    """The log's detail names the row and what stood behind it."""
    record = RequestRecord()
    error = GatewayError(errors.UPSTREAM_UNREACHABLE, "for the client")
    record_error(record, error)
    assert record.detail == "upstream_error"
    error.detail = "no route to host.example"
    record_error(record, error)
    assert record.detail == "upstream_error: no route to host.example"
