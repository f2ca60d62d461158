"""A stream's wire: the status line's moment, comments in silence, errors inside."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from openai import AsyncOpenAI
from prometheus_client import REGISTRY

from app import sse
from app.observe.request_record import RequestRecord
from app.sandbox import server
from app.server import streaming
from app.server.app_keys import DRAIN
from app.server.drain import Drain
from app.server.streaming import EventStream
from tests.running import GatewayStarter, Running, eventually

CHAT = "/v1/chat/completions"
QUICK = {"GPT2GIGA_COMMIT_SECONDS": "0.2", "GPT2GIGA_KEEPALIVE_SECONDS": "0.1"}


def asking(text: str, *, stream: bool = True) -> dict[str, Any]:
    """A chat request."""
    return {"model": "gpt-4o", "stream": stream, "messages": [{"role": "user", "content": text}]}


def value(name: str, **labels: str) -> float:
    """A sample of this process's metrics."""
    return REGISTRY.get_sample_value(f"gpt2giga_proxy_{name}", labels) or 0.0


def request_lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The log lines of finished requests."""
    return [record.__dict__["gateway_fields"] for record in caplog.records if record.getMessage() == "request"]


@dataclass
class Timeline:
    """A stream as it came: seconds since the request was sent, for the head and for each piece."""

    status: int
    head: float
    pieces: list[tuple[float, bytes]]

    @property
    def data(self) -> bytes:
        """All bytes."""
        return b"".join(piece for _, piece in self.pieces)

    @property
    def comments(self) -> list[float]:
        """When the comment lines came."""
        return [moment for moment, piece in self.pieces for _ in range(piece.count(sse.KEEPALIVE))]


async def timed(http: aiohttp.ClientSession, gateway: Running, text: str, **headers: str) -> Timeline:
    """Read one stream with a clock in hand."""
    sent = time.monotonic()
    async with asyncio.timeout(8), http.post(gateway.url + CHAT, json=asking(text), headers=headers) as response:
        head = time.monotonic() - sent
        pieces = [(time.monotonic() - sent, piece) async for piece in response.content.iter_any()]
        return Timeline(response.status, head, pieces)


async def test_the_status_line_comes_at_the_commit_time_and_comments_fill_the_silence(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """With a slow first byte: the head at the commit time, comments at the keep-alive's pace, then the whole answer."""
    gateway = await start_gateway(GPT2GIGA_COMMIT_SECONDS="0.6", GPT2GIGA_KEEPALIVE_SECONDS="0.3")
    before = value("stream_keepalives_total", endpoint="chat")
    seen = await timed(http, gateway, "sandbox:wait 1.95\nsandbox:say Наконец")
    assert seen.status == 200
    assert 0.59 < seen.head < 1.2
    assert 3 <= len(seen.comments) <= 6
    assert min(later - sooner for sooner, later in zip(seen.comments, seen.comments[1:], strict=False)) > 0.05
    assert "Наконец".encode() in seen.data
    assert seen.data.rindex(sse.KEEPALIVE) < seen.data.index(b"data: ")
    assert seen.data.endswith(sse.encode(sse.DONE))
    await eventually(lambda: value("stream_keepalives_total", endpoint="chat") == before + len(seen.comments))


async def test_a_refusal_after_the_commit_is_an_event_and_counts_as_what_it_is(
    start_gateway: GatewayStarter,
    sandbox: server.Running,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The wire says 200 and ends with an error event without [DONE]; log, metric and SLO take the real status."""
    caplog.set_level("INFO", "gpt2giga")
    gateway = await start_gateway(**QUICK)
    sandbox.state.faults.add("slow", where="chat", seconds=0.35)
    sandbox.state.faults.add("status", where="chat", status=429)
    before = value("requests_total", endpoint="chat", stream="true", code="429")
    bad = value("slo_events_total", slo="availability", result="bad")
    seen = await timed(http, gateway, "x")
    last = sse.Decoder().feed(seen.data)[-1]
    assert seen.status == 200
    assert orjson.loads(last)["error"]["code"] == "rate_limit_exceeded"
    assert sse.DONE not in seen.data
    await eventually(lambda: len(request_lines(caplog)) == 1)
    line = request_lines(caplog)[0]
    assert (line["status"], line["wire_status"], line["error_type"]) == (429, 200, "upstream_429")
    assert value("requests_total", endpoint="chat", stream="true", code="429") == before + 1
    assert value("slo_events_total", slo="availability", result="bad") == bad + 1


@pytest.mark.parametrize(
    ("settings", "headers"),
    [
        pytest.param({"GPT2GIGA_COMMIT_SECONDS": "0"}, {}, id="commit time of 0"),
        pytest.param({}, {"x-stainless-read-timeout": "1"}, id="half of the client's read time-out"),
    ],
)
async def test_the_status_line_need_not_wait_for_gigachat(
    start_gateway: GatewayStarter,
    sandbox: server.Running,
    http: aiohttp.ClientSession,
    settings: dict[str, str],
    headers: dict[str, str],
) -> None:
    """The head is there while GigaChat has not sent a byte yet, before a client that waits for a second gives up."""
    gateway = await start_gateway(**settings)
    async with (
        asyncio.timeout(0.95),
        http.post(gateway.url + CHAT, json=asking("sandbox:wait 30"), headers=headers) as response,
    ):
        assert response.status == 200
        assert await response.content.readuntil(b"\n\n") == sse.KEEPALIVE
        assert sandbox.state.requests.of("chat")[0].chunks == 0


@pytest.mark.parametrize("told", ["nonsense", "nan", "-1", "0"])
async def test_a_read_timeout_that_is_no_time_changes_nothing(
    gateway: Running, http: aiohttp.ClientSession, told: str
) -> None:
    """Whatever the header says, the answer comes, and no comment before it."""
    seen = await timed(http, gateway, "sandbox:say ok", **{"x-stainless-read-timeout": told})
    assert seen.status == 200
    assert seen.data.startswith(b"data: ")


async def test_silence_in_the_middle_of_a_stream_gets_comments_too(
    start_gateway: GatewayStarter, sandbox: server.Running, http: aiohttp.ClientSession
) -> None:
    """A stream that began soon is watched by the keep-alive time at once, not from the commit time on."""
    gateway = await start_gateway(GPT2GIGA_KEEPALIVE_SECONDS="0.3")
    sandbox.state.faults.add("stall", where="chat", after=2, seconds=1.65)
    seen = await timed(http, gateway, "sandbox:long 5")
    assert 3 <= len(seen.comments) <= 6
    assert seen.data.index(b"data: ") < seen.data.index(sse.KEEPALIVE) < seen.data.rindex(b"data: ")
    assert seen.data.endswith(sse.encode(sse.DONE))


async def test_by_default_nothing_goes_out_before_the_first_event(
    gateway: Running, sandbox: server.Running, http: aiohttp.ClientSession
) -> None:
    """A stream begins with its first event, and a refusal of a slow GigaChat is a real status."""
    seen = await timed(http, gateway, "sandbox:wait 0.3\nsandbox:say ok")
    assert seen.head > 0.29
    assert seen.data.startswith(b"data: ")
    sandbox.state.faults.add("slow", where="chat", seconds=0.3)
    sandbox.state.faults.add("status", where="chat", status=500)
    async with http.post(gateway.url + CHAT, json=asking("x")) as response:
        assert response.status == 502
        assert response.content_type == "application/json"


async def test_the_openai_package_reads_past_comments(start_gateway: GatewayStarter, sandbox: server.Running) -> None:
    """Comments before the first chunk and between chunks do not disturb the official client."""
    gateway = await start_gateway(GPT2GIGA_COMMIT_SECONDS="0", GPT2GIGA_KEEPALIVE_SECONDS="0.05")
    before = value("stream_keepalives_total", endpoint="chat")
    sandbox.state.faults.add("stall", where="chat", after=2, seconds=0.2)
    async with AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="k", max_retries=0) as client:
        stream = await client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "sandbox:wait 0.2\nsandbox:long 4"}], stream=True
        )
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert text == "".join(f"Фраза {n} из 4, phrase {n} of 4. " for n in range(1, 5))
    await eventually(lambda: value("stream_keepalives_total", endpoint="chat") >= before + 4)


@pytest.fixture
async def broken() -> AsyncIterator[str]:
    """A server whose handler fails in the middle of its stream."""

    async def handler(request: web.Request) -> web.StreamResponse:
        out = EventStream(request, RequestRecord(), commit_seconds=1, keepalive_seconds=1, keepalive=bytes)
        async with out:
            await out.write(sse.encode(b"{}"))
            raise RuntimeError("a bug")
        return out.response

    app = web.Application()
    app[DRAIN] = Drain()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def test_a_bug_inside_a_stream_is_told_inside_the_stream(broken: str, http: aiohttp.ClientSession) -> None:
    """The body stays well-formed: the event, an error event, the end; the connection serves the next request."""
    for _ in range(2):
        async with http.get(broken) as response:
            events = sse.Decoder().feed(await response.read())
        assert events[0] == b"{}"
        assert orjson.loads(events[1])["error"]["code"] == "internal_error"
        assert len(events) == 2


@dataclass
class Ending:
    """A server whose stream ends while its client does not read."""

    port: int
    record: RequestRecord
    over: asyncio.Event

    def asked(self) -> socket.socket:
        """A client that has sent its request, and takes little at a time."""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", self.port))
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return client


@pytest.fixture
async def ending() -> AsyncIterator[Ending]:
    """The connection takes no more when only the stream's end is left to be sent."""
    record, over = RequestRecord(), asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        out = EventStream(request, record, commit_seconds=1, keepalive_seconds=0.1, keepalive=lambda: sse.KEEPALIVE)
        try:
            async with out:
                await out.write(b"begin")
                assert request.transport is not None
                request.transport.write(bytes(32 * 2**20))
                await out.finish(b"last")
        finally:
            over.set()
        return out.response

    app = web.Application()
    app[DRAIN] = Drain()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Ending(runner.addresses[0][1], record, over)
    await runner.cleanup()


async def test_a_client_that_does_not_take_the_end_is_cut_off(ending: Ending, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finished stream is held no longer than any other whose client takes nothing, and counts as not delivered."""
    monkeypatch.setattr(streaming, "STUCK_SECONDS", 0.3)
    with ending.asked():
        async with asyncio.timeout(5):
            await ending.over.wait()
    assert (ending.record.delivered, ending.record.keepalives) == (False, 0)


async def test_nothing_follows_the_end(ending: Ending) -> None:
    """A client that pauses before it takes the end gets no comment behind it."""
    with ending.asked() as client:
        await asyncio.sleep(0.5)
        assert not ending.over.is_set()
        taken = bytearray()
        while piece := await asyncio.to_thread(client.recv, 1 << 20):
            taken += piece
    assert taken.endswith(b"\0" * 100 + b"4\r\nlast\r\n0\r\n\r\n")
    assert (ending.record.delivered, ending.record.keepalives) == (True, 0)
