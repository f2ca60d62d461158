"""Ports under attack, in a process that may open 300 files: /livez answers within a second throughout."""

from __future__ import annotations

import asyncio
import errno
import logging
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
import pytest

from app.sandbox import server
from app.server.listener import handle_fault
from tests.running import Process, ProcessStarter, environment, eventually
from tests.server.attackers import Attackers, answered, files, held_files, watched
from tests.server.test_drain import ready
from tests.watching import CHAT, asking

FILES = 300
LIMIT = (FILES - 100) // 2
Start = Callable[..., Process]
ASKING = orjson.dumps(asking("sandbox:wait 30"))
LONG = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(ASKING)}\r\n\r\n".encode() + ASKING
MODELS = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(params=["uvloop", "asyncio"])
def start(
    request: pytest.FixtureRequest, sandbox: server.Running, start_process: ProcessStarter, tmp_path: Path
) -> Start:
    """Start a gateway that may open 300 files."""
    if request.param == "asyncio":
        (tmp_path / "uvloop.py").write_text("raise ImportError('not installed')\n")
    else:
        pytest.importorskip("uvloop")

    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))

    def started(*descriptors: int, **settings: str) -> Process:
        return start_process(env=environment(sandbox, **settings), preexec_fn=few, pass_fds=descriptors)

    return started


async def numbers(http: aiohttp.ClientSession, url: str) -> dict[str, float]:
    """The metrics of connections: their number, and those that the gateway ended by cause."""
    found = {}
    async with http.get(url, headers={"Connection": "close"}) as response:
        for line in (await response.text()).splitlines():
            if line.startswith("gpt2giga_proxy_connections") and 'port="main"' in line:
                name, _, value = line.rpartition(" ")
                cause = name.partition('cause="')[2].partition('"')[0]
                found[cause or name.partition("{")[0].removeprefix("gpt2giga_proxy_")] = float(value)
    return found


async def fill(attackers: Attackers, sandbox: server.Running) -> None:
    """Requests until all places are at work: one that comes beside a probe may be turned away."""
    async with asyncio.timeout(10):
        while (missing := LIMIT - sandbox.state.chatting) > 0:
            for client in attackers.connect(missing):
                client.send(LONG)
            await asyncio.sleep(0.3)


@pytest.mark.samples("uvloop")
async def test_more_silent_connections_than_files(start: Start, http: aiohttp.ClientSession) -> None:
    """500 clients that say nothing: others are served at once, 100 of them stay until their time is up."""
    process = start(GPT2GIGA_IDLE_SECONDS="3")
    await ready(process, http)
    with Attackers(process.url) as attackers:
        with watched(process) as watch:
            attackers.connect(500)
            await eventually(lambda: attackers.ended() >= 500 - LIMIT)
            seen = await numbers(http, f"{process.url}/metrics")
            assert (seen["connections_limit"], seen["connections"] <= LIMIT + 20) == (LIMIT, True)
            assert seen["evicted"] >= 500 - LIMIT
            await eventually(lambda: attackers.ended() == 500, 8)
        assert watch.files < FILES - 100
    line = process.event("connections were cut off")
    assert (line["level"], line["port"], line["limit"]) == ("warning", "main", LIMIT)
    assert [one["event"] for one in process.lines()].count("connections were cut off") == 1
    assert "Traceback" not in process.log.read_text("utf-8")


@pytest.mark.samples("asyncio")
async def test_who_asks_at_once(start: Start, http: aiohttp.ClientSession) -> None:
    """A client whose request comes with its connection gets the place of an idle one, as one that waits would."""
    process = start()
    await ready(process, http)
    with Attackers(process.url) as attackers:
        attackers.connect(LIMIT + 5)
        await eventually(lambda: attackers.ended() >= 5)
        await asyncio.sleep(1.2)  # the others have had time enough
        for _ in range(5):
            (client,) = attackers.connect(1)
            client.send(MODELS.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            answer = await asyncio.to_thread(answered, client)
            assert answer.startswith(b"HTTP/1.1 200 "), answer


@pytest.mark.samples("asyncio")
async def test_heads_that_trickle(start: Start, http: aiohttp.ClientSession) -> None:
    """400 clients that send a byte now and then: the same."""
    process = start(GPT2GIGA_IDLE_SECONDS="2")
    await ready(process, http)
    with Attackers(process.url) as attackers, watched(process) as watch:
        attackers.connect(400)
        begun = time.monotonic()
        while attackers.ended() < 400:
            await attackers.send(b"GET /"[: 1 + int(time.monotonic() * 10) % 2])
            await asyncio.sleep(0.1)
            assert time.monotonic() - begun < 8
    assert watch.files < FILES - 100


@pytest.mark.samples("uvloop")
async def test_a_flood(start: Start, http: aiohttp.ClientSession) -> None:
    """3,000 connections within a moment: /livez waits no longer than its clients' own work, nor does the log grow."""
    process = start()
    await ready(process, http)
    with Attackers(process.url) as attackers, watched(process, 2.5) as watch:
        for _ in range(10):
            attackers.connect(300)
            await asyncio.sleep(0.05)
        await eventually(lambda: attackers.ended() >= 3000 - LIMIT, 8)
    assert watch.files < FILES
    assert len(process.lines()) < 20


@pytest.mark.samples("uvloop")
async def test_with_all_at_work(start: Start, sandbox: server.Running, http: aiohttp.ClientSession) -> None:
    """Where none is idle a new client gets 503 and is gone, at once or soon; probes are answered all the same."""
    process = start(GPT2GIGA_SHUTDOWN_SECONDS="0")
    await ready(process, http)
    await http.close()
    with Attackers(process.url) as attackers:
        await fill(attackers, sandbox)
        others = attackers.connect(60)
        for client in others[:50]:
            client.send(MODELS)
        await asyncio.sleep(0.4)
        with watched(process) as watch:
            found = await asyncio.to_thread(lambda: [answered(client) for client in others])
    assert [answer.split(b" ")[1] for answer in found] == [b"503"] * 60
    assert all(b'"code":"overloaded"' in answer and b"\r\nRetry-After: 1\r\n" in answer for answer in found)
    assert sandbox.state.chatting == LIMIT
    assert watch.files < FILES
    assert process.event("connections were cut off")["refused"] >= 10


@pytest.mark.long
async def test_files_that_something_else_keeps_open(start: Start, http: aiohttp.ClientSession) -> None:
    """Of 300 files 235 are gone: connections give way to what is left, the log says it, and /livez answers."""
    with held_files(235) as descriptors:
        process = start(*descriptors)
    await ready(process, http)
    with Attackers(process.url) as attackers, watched(process) as watch:
        for _ in range(20):
            attackers.connect(20)
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.5)
        assert files(process) < FILES - 20
    assert watch.files < FILES
    assert "Traceback" not in process.log.read_text("utf-8")


@pytest.mark.samples("uvloop-10")
@pytest.mark.parametrize("limit", ["10", "10000"])
async def test_the_limit_may_be_set(limit: str, start: Start, http: aiohttp.ClientSession) -> None:
    """Also to more than the files allow, which is noticed."""
    process = start(GPT2GIGA_MAX_CONNECTIONS=limit)
    await ready(process, http)
    most = 0
    with Attackers(process.url) as attackers:
        for _ in range(20):
            attackers.connect(20)
            await asyncio.sleep(0.05)
            most = max(most, files(process))
        with watched(process):
            await asyncio.sleep(0.5)
        seen = await numbers(http, f"{process.url}/metrics")
        assert seen["connections_limit"] == int(limit)
    assert most < (FILES if limit == "10000" else 120)


@pytest.mark.samples("uvloop")
async def test_the_metrics_port_is_of_its_own(
    start: Start, sandbox: server.Running, http: aiohttp.ClientSession
) -> None:
    """It is reached when the main port is full, and has a limit too."""
    process = start(GPT2GIGA_METRICS_PORT="0", GPT2GIGA_SHUTDOWN_SECONDS="0")
    metrics = process.event("listening")["metrics"]
    await ready(process, http)
    parts = urlsplit(metrics)
    with Attackers(process.url) as attackers, Attackers(f"http://{parts.netloc}") as scrapers:
        await fill(attackers, sandbox)
        with watched(process):
            scrapers.connect(200)
            await eventually(lambda: scrapers.ended() >= 160)
        assert (await numbers(http, metrics))["connections"] >= LIMIT


def test_faults_of_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    """That no file is left for a new client is no traceback: the table of connections tells it. Others are told."""
    caplog.set_level(logging.INFO)
    loop = asyncio.new_event_loop()
    for number, told in ((errno.EMFILE, 0), (errno.ENFILE, 0), (errno.EBADF, 1)):
        context: dict[str, Any] = {
            "message": "socket.accept() failed",
            "exception": OSError(number, "x"),
            "socket": None,
        }
        handle_fault(loop, context)
        assert len(caplog.records) == told
    loop.close()
