"""Ten thousand requests that wait: what they cost in memory, and that they leave nothing behind."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from urllib.parse import urlsplit

import aiohttp
import orjson
import pytest

from tests.faults.crowd import Crowd, Question, served
from tests.resident import field
from tests.running import Process, ProcessStarter, SandboxStarter, environment, eventually, wait_ready
from tests.watching import CHAT

pytestmark = pytest.mark.long

WAITING = 10_000
MOST_BYTES = 30 * 1024
_DEPTH = re.compile(r"^gpt2giga_proxy_queue_depth\{[^}]*\} (\S+)$", re.MULTILINE)


async def depth(process: Process) -> int:
    """How many requests wait."""
    async with aiohttp.request("GET", f"{process.url}/metrics") as response:
        return sum(int(float(value)) for value in _DEPTH.findall(await response.text()))


async def until_depth(process: Process, wanted: int, seconds: float = 60.0) -> None:
    """Wait until so many requests wait."""
    async with asyncio.timeout(seconds):
        while await depth(process) != wanted:
            await asyncio.sleep(0.1)


def connect(url: str, count: int) -> list[socket.socket]:
    """So many clients that ask, every other of them for a stream, and read nothing."""
    address = (urlsplit(url).hostname, urlsplit(url).port)
    clients = []
    for number in range(count):
        body = orjson.dumps(Question(f"m{number:06d}", number % 2 == 1).body())
        head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        client = socket.create_connection(address)
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        clients.append(client)
    return clients


async def test_many_wait(start_sandbox: SandboxStarter, start_process: ProcessStarter) -> None:
    """At most 30 KB each; when they leave they are forgotten within seconds, and the next is served at once."""
    sandbox = await start_sandbox(oauth_per_second=0)
    limits = {"GPT2GIGA_QUEUE_LENGTH": "20000", "GPT2GIGA_QUEUE_SECONDS": "600", "GIGACHAT_MAX_CONCURRENCY": "1"}
    limits["GPT2GIGA_MAX_CONNECTIONS"] = "12000"  # by default 4,096 clients may be connected
    process = await asyncio.to_thread(start_process, env=environment(sandbox, **limits))
    await asyncio.to_thread(wait_ready, process.url)
    async with Crowd(process.url) as crowd:
        assert served(await crowd.ask_all(50)) == 50
        first = asyncio.ensure_future(crowd.ask(next(crowd.questions(1, wait=500.0))))
        await eventually(lambda: sandbox.state.chatting == 1)
        before = field(process.popen.pid, "VmRSS")
        clients = await asyncio.to_thread(connect, process.url, WAITING)
        await until_depth(process, WAITING)
        each = (field(process.popen.pid, "VmRSS") - before) / WAITING
        for client in clients:
            client.close()
        left = time.monotonic()
        await until_depth(process, 0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert served(await crowd.ask_all(10)) == 10
        assert time.monotonic() - left < 20
    print(f"{each:.0f} bytes a waiting request")
    assert each <= MOST_BYTES, f"{each:.0f} bytes each"
    assert len(sandbox.state.requests.of("chat")) == 61
    assert "Traceback" not in process.log.read_text("utf-8")
