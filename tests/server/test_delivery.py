"""Whole answers that are not read: under way until the last byte, held in the memory, cut off after a while."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from app.admission.memory import Memory
from app.sandbox import server
from app.server import delivery, streaming
from app.server.app_keys import DRAIN
from app.server.drain import Drain
from tests.running import GatewayStarter, Process, ProcessStarter, Running, environment, eventually
from tests.server.test_bodies import left
from tests.server.test_drain import ended, ready
from tests.unfinished import Client, connected, head
from tests.watching import CHAT, ask, counted, health, lines, saying, told

MIB = 1024 * 1024
COUNT = 600  # of vectors, 12 MB: more than a connection on this machine takes at once


async def post(client: Client, count: int = COUNT) -> None:
    """Ask for a long answer."""
    body = orjson.dumps({"model": "Embeddings", "input": ["слово"] * count})
    await client.send(head(len(body), path="/v1/embeddings") + body)


async def begun(client: Client) -> None:
    """Wait until the answer's first bytes are there."""
    await eventually(lambda: client.reader.came > 0, 20)


async def slowly(client: Client, pause: float) -> bytes:
    """The answer, with a pause after each half megabyte."""
    client.widen(MIB)
    answer = bytearray(await client.reader.readuntil(b"\r\n\r\n"))
    left = int(answer.lower().partition(b"content-length:")[2].split(b"\r")[0])
    due = left - MIB // 2
    while left > 0 and (piece := await client.reader.read(MIB)):
        answer, left = answer + piece, left - len(piece)
        if left < due:
            due -= MIB // 2
            await asyncio.sleep(pause)
    return bytes(answer)


async def rest(client: Client) -> int:
    """How many bytes still come until the connection ends, by a reset or without."""
    taken = 0
    try:
        while piece := await asyncio.wait_for(client.reader.read(MIB), 5):
            taken += len(piece)
    except ConnectionError:
        pass
    return taken


def vectors(answer: bytes) -> int:
    """How many an answer has."""
    return len(orjson.loads(answer.partition(b"\r\n\r\n")[2])["data"])


@pytest.mark.long
async def test_a_stop_waits_for_an_answer_that_is_being_read(
    sandbox: server.Running, start_process: ProcessStarter, http: aiohttp.ClientSession
) -> None:
    """It counts as under way, and its client gets all of it in the time that a shutdown gives."""
    process = start_process(env=environment(sandbox))
    await ready(process, http)
    async with connected(process.url, buffer=4096) as client:
        await post(client)
        await begun(client)
        async with http.get(f"{process.url}/health") as response:
            assert (await response.json())["requests_under_way"] == 1
        process.popen.send_signal(signal.SIGTERM)
        await asyncio.sleep(1)
        assert vectors(await asyncio.wait_for(slowly(client, 0.05), 20)) == COUNT
    assert await ended(process) == 0
    (line,) = requests(process)
    assert (line["status"], line["wire_status"]) == (200, 200)
    assert float(str(line["seconds"])) > 1


async def test_a_stop_ends_an_answer_that_nobody_reads(
    sandbox: server.Running, start_process: ProcessStarter, http: aiohttp.ClientSession
) -> None:
    """When the time is up the connection ends, and the log says by whom."""
    process = start_process(env=environment(sandbox, GPT2GIGA_SHUTDOWN_SECONDS="0.5"))
    await ready(process, http)
    async with connected(process.url, buffer=4096) as client:
        await post(client)
        await begun(client)
        process.popen.send_signal(signal.SIGTERM)
        sent = time.monotonic()
        assert await ended(process) == 0
        assert 0.4 < time.monotonic() - sent < 4
    (line,) = requests(process)
    assert (line["status"], line["wire_status"], line["aborted_by"]) == (503, 200, "shutdown")
    assert "Traceback" not in process.log.read_text("utf-8")


def requests(process: Process) -> list[dict[str, Any]]:
    """The log lines of requests to the API."""
    return [line for line in process.lines() if line["event"] == "request"]


async def test_a_client_that_takes_nothing_is_cut_off(
    gateway: Running,
    http: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Until then it is counted everywhere, in memory too; afterwards nowhere, and its line says why."""
    monkeypatch.setattr(streaming, "STUCK_SECONDS", 1.0)
    caplog.set_level("INFO", "gpt2giga")
    full, name = left(gateway), "gpt2giga_proxy_in_flight_requests"
    before = await counted(http, gateway, name, "endpoint")
    async with connected(gateway.url, buffer=4096) as client:
        await post(client)
        await begun(client)
        await eventually(lambda: full - 14 * MIB < left(gateway) < full - MIB)
        assert gateway.app[DRAIN].under_way == 1
        assert (await counted(http, gateway, name, "endpoint"))["embeddings"] == before["embeddings"] + 1
        assert not lines(caplog)
        line = await told(caplog)
        assert await rest(client) < 12 * MIB
    assert (line["status"], line["error_type"], line["aborted_by"]) == (499, "client_closed", "client")
    assert "took nothing for 1 s" in line["error"]
    assert left(gateway) == full
    assert gateway.app[DRAIN].under_way == 0
    assert (await counted(http, gateway, name, "endpoint"))["embeddings"] == before["embeddings"]
    assert (await health(http, gateway))[1]["requests_under_way"] == 0


@pytest.mark.long
async def test_a_client_that_reads_slowly_is_served(
    gateway: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Bytes that move are enough, however long the whole takes; the request lasts until the last of them."""
    monkeypatch.setattr(streaming, "STUCK_SECONDS", 1.0)
    caplog.set_level("INFO", "gpt2giga")
    async with connected(gateway.url, buffer=4096) as client:
        await post(client)
        assert vectors(await asyncio.wait_for(slowly(client, 0.2), 30)) == COUNT
        line = await told(caplog)
        assert line["status"] == 200
        assert line["seconds"] > 2


@pytest.mark.long
async def test_an_answer_that_waits_gives_way(
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A tenant whose unread answers hold more than half of the memory does not keep it from another."""
    monkeypatch.setattr(delivery, "PATIENT_SECONDS", 0.0)
    caplog.set_level("INFO", "gpt2giga")
    count = 1500
    gateway = await start_gateway(GPT2GIGA_MAX_BODIES_BYTES=str(count * 1024 * 31))
    full = left(gateway)
    async with connected(gateway.url, buffer=4096) as greedy:
        await post(greedy, count)
        await begun(greedy)
        await eventually(lambda: full / 3 < left(gateway) < full / 2)
        await asyncio.sleep(1.5)
        large = {**saying("hi"), "user": "a" * (left(gateway) * 6 // 10)}
        assert (await ask(http, gateway, large, headers={"X-Tenant-ID": "other"})).content == "hi"
    line = next(line for line in lines(caplog) if line["endpoint"] == "embeddings")
    assert (line["status"], line["error_type"]) == (499, "client_closed")
    assert "others needed the memory" in line["error"]


async def test_a_client_that_leaves_inside_its_answer(gateway: Running, caplog: pytest.LogCaptureFixture) -> None:
    """It is a client gone, and nothing of the answer stays."""
    caplog.set_level("INFO", "gpt2giga")
    full = left(gateway)
    async with connected(gateway.url, buffer=4096) as client:
        await post(client)
        await begun(client)
    line = await told(caplog)
    assert (line["status"], line["aborted_by"]) == (499, "client")
    assert left(gateway) == full


@pytest.fixture
async def page() -> AsyncIterator[str]:
    """A server of pages that are no API's: a whole one of 32 MiB, and a stream that its handler leaves unended."""

    async def whole(_request: web.Request) -> web.Response:
        return web.Response(body=bytes(32 * MIB))

    async def unended(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        assert request.transport is not None
        request.transport.write(bytes(32 * MIB))
        return response

    app = web.Application(middlewares=[delivery.delivery(Drain(), Memory(MIB))])
    app.router.add_get("/whole", whole)
    app.router.add_get("/unended", unended)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.samples("/whole")
@pytest.mark.parametrize("path", ["/whole", "/unended"])
async def test_no_kind_of_answer_is_held_without_end(page: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages for operators and streams that failed are cut off like all others."""
    monkeypatch.setattr(streaming, "STUCK_SECONDS", 0.5)
    async with connected(page, buffer=4096) as client:
        await client.send(head(0, path=path, method="GET"))
        await asyncio.sleep(2.5)
        assert await rest(client) < 32 * MIB


async def test_an_answer_that_is_taken_at_once_is_not_watched(
    gateway: Running, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Usual answers, errors and operators' pages cost no timer."""

    def watched(_: Drain) -> None:
        raise AssertionError("a watch over an answer that is out")

    monkeypatch.setattr(Drain, "writing", watched)
    for _ in range(3):
        async with http.post(gateway.url + CHAT, json=saying("hi " * 1000)) as response:
            assert response.status == 200
        for path, status in (("/v1/models", 200), ("/v1/none", 404), ("/health", 200), ("/metrics", 200)):
            async with http.get(gateway.url + path) as response:
                assert (response.status, bool(await response.read())) == (status, True)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_every_form_of_http(gateway: Running, method: str, version: str) -> None:
    """A HEAD has the GET's length and no body; 1.1 keeps the connection for the next request, 1.0 closes it."""
    async with connected(gateway.url) as client:
        for path in ("/", "/health"):
            await client.send(head(0, path=path, method=method, version=version))
            answer = await asyncio.wait_for(client.reader.readuntil(b"\r\n\r\n"), 5)
            assert answer.startswith(f"HTTP/{version} 200 ".encode())
            length = int(answer.lower().partition(b"content-length:")[2].split(b"\r")[0])
            assert length > 0
            if method == "GET":
                assert orjson.loads(await client.reader.readexactly(length))
            if version == "1.0":
                assert await client.answer() == b""
                return


async def test_requests_that_come_together_are_answered_in_turn(gateway: Running) -> None:
    """Pipelined, each whole answer follows the one before it."""
    async with connected(gateway.url) as client:
        await client.send(
            head(0, path="/v1/models", method="GET") * 3 + head(0, "Connection: close", path="/v1/models", method="GET")
        )
        answer = await client.answer()
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 4
