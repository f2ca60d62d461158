"""The graceful stop of a process: readiness first, then time for what runs, then an error for what is left."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Any

import aiohttp
import orjson
import pytest

from app import sse
from app.sandbox import server
from app.server.drain import Drain
from tests.running import Process, ProcessStarter, SandboxStarter, environment, eventually
from tests.unfinished import connected, head

CHAT = "/v1/chat/completions"


def asking(text: str, *, stream: bool = True) -> dict[str, Any]:
    """A chat request."""
    return {"model": "gpt-4o", "stream": stream, "messages": [{"role": "user", "content": text}]}


async def ready(process: Process, http: aiohttp.ClientSession) -> None:
    """Wait until the process takes requests; the sandbox lives on this very loop."""
    async with asyncio.timeout(10):
        while True:
            async with http.get(f"{process.url}/readyz") as response:
                if response.status == 200:
                    return
            await asyncio.sleep(0.02)


async def rest(stream: aiohttp.ClientResponse) -> bytes:
    """What is left of a stream; one that does not end is a failure, not a wait."""
    async with asyncio.timeout(8):
        return await stream.read()


async def ended(process: Process, seconds: float = 8.0) -> int:
    """The exit code, waited for beside the loop."""
    return await asyncio.to_thread(process.popen.wait, seconds)


async def draining(process: Process, http: aiohttp.ClientSession) -> None:
    """Wait until the signal has been noticed."""
    async with asyncio.timeout(3):
        while True:
            async with http.get(f"{process.url}/readyz") as response:
                if response.status == 503:
                    return


@pytest.fixture
async def slow_sandbox(start_sandbox: SandboxStarter) -> server.Running:
    """A sandbox whose streams take their time."""
    return await start_sandbox(chunk_seconds=0.02, oauth_per_second=0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_what_runs_comes_to_its_end_and_nothing_new_begins(
    slow_sandbox: server.Running, start_process: ProcessStarter, http: aiohttp.ClientSession, number: signal.Signals
) -> None:
    """Probes tell at once, new requests get 503 with the word to come again, a stream finishes, the exit code is 0."""
    process = start_process(env=environment(slow_sandbox))
    await ready(process, http)
    async with http.post(process.url + CHAT, json=asking("sandbox:long 30")) as stream:
        await stream.content.readuntil(b"data: ")
        process.popen.send_signal(number)
        await draining(process, http)
        async with http.get(f"{process.url}/health") as response:
            assert (response.status, (await response.json())["status"]) == (503, "draining")
        async with http.get(f"{process.url}/livez") as response:
            assert response.status == 200
        async with http.post(process.url + CHAT, json=asking("x")) as response:
            assert (response.status, (await response.json())["error"]["code"]) == (503, "draining")
            assert response.headers["Retry-After"] == "1"
            assert response.headers["x-should-retry"] == "true"
        assert (await rest(stream)).endswith(sse.encode(sse.DONE))
    assert await ended(process) == 0
    assert [line["event"] for line in process.lines() if line["level"] in {"error", "critical"}] == []
    assert process.lines()[-1]["event"] == "stopped"
    assert "Traceback" not in process.log.read_text("utf-8")


async def test_what_does_not_end_in_time_is_told_so(
    slow_sandbox: server.Running, start_process: ProcessStarter, http: aiohttp.ClientSession
) -> None:
    """A long stream ends with an error event, a whole answer with 503, an idle connection with nothing; then exit 0."""
    process = start_process(env=environment(slow_sandbox, GPT2GIGA_SHUTDOWN_SECONDS="1"))
    await ready(process, http)
    whole = asyncio.create_task(_status(http, process.url + CHAT, asking("sandbox:wait 30", stream=False)))
    unbegun = asyncio.create_task(_status(http, process.url + CHAT, asking("sandbox:wait 30")))
    async with http.post(process.url + CHAT, json=asking("sandbox:long 500")) as stream:
        await stream.content.readuntil(b"data: ")
        process.popen.send_signal(signal.SIGTERM)
        sent = time.monotonic()
        events = sse.Decoder().feed(await rest(stream))
    assert await ended(process) == 0
    assert 0.9 < time.monotonic() - sent < 2.5
    assert orjson.loads(events[-1])["error"]["code"] == "draining"
    assert sse.DONE not in events
    assert await whole == await unbegun == (503, "draining", "1", "true")
    requests = [line for line in process.lines() if line["event"] == "request"]
    assert {(line["status"], line["error_type"], line["level"]) for line in requests} == {(503, "draining", "info")}
    assert [(line["wire_status"], line["aborted_by"]) for line in requests if "aborted_by" in line] == [
        (200, "shutdown")
    ]
    chats = slow_sandbox.state.requests.of("chat")
    await eventually(lambda: [record.outcome for record in chats] == ["client_gone"] * 3)
    assert "Traceback" not in process.log.read_text("utf-8")


async def _status(http: aiohttp.ClientSession, url: str, body: dict[str, Any]) -> tuple[int, str, str, str]:
    async with http.post(url, json=body) as response:
        code = (await response.json())["error"]["code"]
        return response.status, code, response.headers["Retry-After"], response.headers["x-should-retry"]


async def test_a_second_signal_hurries(
    slow_sandbox: server.Running, start_process: ProcessStarter, http: aiohttp.ClientSession
) -> None:
    """The operator who signals twice does not wait for the shutdown time; the stream is still told."""
    process = start_process(env=environment(slow_sandbox))
    await ready(process, http)
    async with http.post(process.url + CHAT, json=asking("sandbox:long 900")) as stream:
        await stream.content.readuntil(b"data: ")
        process.popen.send_signal(signal.SIGTERM)
        await draining(process, http)
        process.popen.send_signal(signal.SIGINT)
        sent = time.monotonic()
        events = sse.Decoder().feed(await rest(stream))
    assert await ended(process) == 0
    assert time.monotonic() - sent < 2
    assert orjson.loads(events[-1])["error"]["code"] == "draining"


@pytest.mark.long
async def test_a_client_that_never_reads_holds_up_nothing(
    start_sandbox: SandboxStarter, start_process: ProcessStarter, http: aiohttp.ClientSession
) -> None:
    """Its buffers are full and its stream can never end; the process ends all the same, even when it is hurried."""
    sandbox = await start_sandbox(oauth_per_second=0)
    process = start_process(env=environment(sandbox, GPT2GIGA_SHUTDOWN_SECONDS="0.2"))
    await ready(process, http)
    body = orjson.dumps(asking(f"sandbox:say {'слово ' * 1_500_000}"))
    async with connected(process.url, buffer=4096) as client:
        await client.send(head(len(body)) + body)
        await eventually(lambda: client.reader.came > 0, 10)
        process.popen.send_signal(signal.SIGTERM)
        sent = time.monotonic()
        await asyncio.sleep(0.3)
        process.popen.send_signal(signal.SIGTERM)
        assert await ended(process) == 0
        assert time.monotonic() - sent < 4
    assert "Traceback" not in process.log.read_text("utf-8")


async def test_a_request_that_is_ending_already_is_not_ended_twice() -> None:
    """A hurried stop may find a request in the middle of its last words: it lets it speak them."""
    drain, told = Drain(), asyncio.Event()

    async def slow_to_end() -> None:
        with drain.admitted():
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                await asyncio.sleep(0.05)
                told.set()

    request = asyncio.create_task(slow_to_end())
    await asyncio.sleep(0)
    assert drain.under_way == 1
    first = asyncio.create_task(drain.finish(0))
    await asyncio.sleep(0.02)
    await drain.finish(0)
    await asyncio.gather(first, request)
    assert told.is_set()
    assert drain.under_way == 0
