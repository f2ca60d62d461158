"""A log that nobody reads, or that cannot be written, stops nothing: the gateway serves on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from app.observe.logs import END_SECONDS
from app.sandbox import server
from tests.running import environment, eventually

REQUESTS = 5_000
# The longest that a client may send as its own id: a line has some 500 bytes.
LONG = {"X-Request-ID": "x" * 128, "X-Tenant-ID": "y" * 60}


class Unread:
    """A gateway whose standard error leads into something that nobody reads."""

    def __init__(self, popen: subprocess.Popen[bytes], url: str, reader: int) -> None:
        self.popen = popen
        self.url = url
        self.reader = reader

    def rest(self) -> str:
        """All that waits in the pipe, once the process has ended."""
        with os.fdopen(os.dup(self.reader), "rb") as file:
            return file.read().decode()


def opened(kind: str, path: Path) -> tuple[int, int]:
    """Reader and writer of a log of this kind."""
    if kind == "terminal":
        return pty.openpty()
    if kind == "full disk":
        return os.open(os.devnull, os.O_RDONLY), os.open("/dev/full", os.O_WRONLY)
    reader, writer = os.pipe()
    if kind == "full from the start":
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, b"\n" * 4096)
        os.set_blocking(writer, True)
    if kind == "nobody any more":
        os.close(reader)
        reader = os.open(path, os.O_RDONLY)
    return reader, writer


@pytest.fixture
async def start(sandbox: server.Running, tmp_path: Path, unused_port: int) -> AsyncIterator[Callable[..., Unread]]:
    """Start a gateway with such a log."""
    running: list[Unread] = []

    def start(kind: str = "pipe", form: str = "json") -> Unread:
        reader, writer = opened(kind, tmp_path)
        env = {"PATH": os.environ["PATH"], "GPT2GIGA_LOG_FORMAT": form} | environment(sandbox)
        env |= {"GPT2GIGA_PORT": str(unused_port), "PYTHONFAULTHANDLER": "1"}
        popen = subprocess.Popen([sys.executable, "-m", "app"], env=env, cwd=tmp_path, stderr=writer)
        os.close(writer)
        running.append(Unread(popen, f"http://127.0.0.1:{unused_port}", reader))
        return running[-1]

    yield start
    for one in running:
        one.popen.kill()
        one.popen.wait(10)
        os.close(one.reader)


async def ready(http: aiohttp.ClientSession, url: str) -> None:
    """Wait until it serves."""
    async with asyncio.timeout(15):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get(f"{url}/readyz") as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.02)


async def load(http: aiohttp.ClientSession, url: str, count: int = REQUESTS) -> float:
    """Requests that are logged, and /livez beside them; the longest that it took, in seconds."""
    left = iter(range(count))

    async def ask() -> None:
        for _ in left:
            async with http.post(f"{url}/v1/chat/completions", data=b"[]", headers=LONG) as response:
                assert response.status == 400

    asking = asyncio.gather(*(ask() for _ in range(20)))
    longest = 0.0
    while not asking.done():
        sent = time.monotonic()
        async with asyncio.timeout(5), http.get(f"{url}/livez") as response:
            assert response.status == 200
        longest = max(longest, time.monotonic() - sent)
        await asyncio.sleep(0.02)
    await asking
    return longest


async def lost(http: aiohttp.ClientSession, url: str) -> int:
    """What the metric counts."""
    async with http.get(f"{url}/metrics") as response:
        text = await response.text()
    found = re.search(r"^gpt2giga_proxy_log_lines_dropped_total (\S+)$", text, re.MULTILINE)
    assert found
    return int(float(found[1]))


@pytest.mark.samples("nobody any more-json-1000")
@pytest.mark.parametrize(
    ("kind", "form", "requests"),
    [
        ("pipe", "json", REQUESTS),
        ("terminal", "text", REQUESTS),
        ("full from the start", "json", 1_000),
        ("full disk", "json", 1_000),
        ("full disk", "text", 1_000),
        ("nobody any more", "json", 1_000),
    ],
)
async def test_a_log_that_takes_nothing_stops_nothing(
    start: Callable[..., Unread], http: aiohttp.ClientSession, kind: str, form: str, requests: int
) -> None:
    """Requests are served, /livez answers within a second throughout, SIGTERM ends the process with 0."""
    unread = start(kind, form)
    await ready(http, unread.url)
    async with asyncio.timeout(90):
        assert await load(http, unread.url, requests) < 1
    if form == "json" and kind != "full from the start":
        await asyncio.sleep(0.5)  # the sampler's turn
        assert await lost(http, unread.url) > 100
    sent = time.monotonic()
    unread.popen.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(unread.popen.wait, 10) == 0
    assert time.monotonic() - sent < END_SECONDS + 1


@pytest.mark.long
async def test_signals_at_the_end_change_nothing(start: Callable[..., Unread], http: aiohttp.ClientSession) -> None:
    """While the last lines wait for a reader, further signals neither kill nor change the exit code."""
    unread = start("full from the start")
    await ready(http, unread.url)
    for number in [signal.SIGTERM, signal.SIGTERM, signal.SIGHUP, signal.SIGTERM, signal.SIGINT]:
        unread.popen.send_signal(number)
        await asyncio.sleep(0.4)
    assert await asyncio.to_thread(unread.popen.wait, 10) == 0


@pytest.mark.long
async def test_the_log_goes_on_and_tells_what_it_lost(
    start: Callable[..., Unread], http: aiohttp.ClientSession
) -> None:
    """Whoever reads again finds the lines in their order, each whole, how many are missing, and the last ones."""
    unread = start()
    await ready(http, unread.url)
    await load(http, unread.url)
    await asyncio.sleep(0.5)  # the sampler's turn
    counted = await lost(http, unread.url)
    read: list[bytes] = []

    def reading() -> None:
        while data := os.read(unread.reader, 65_536):
            read.append(data)

    thread = threading.Thread(target=reading)
    thread.start()
    await eventually(lambda: b"were lost" in b"".join(read[-40:]))
    unread.popen.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(unread.popen.wait, 10) == 0
    thread.join(10)
    lines = [json.loads(line) for line in b"".join(read).splitlines()]
    missing = sum(line["lines"] for line in lines if line["event"] == "lines of the log were lost")
    requests = sum(line["event"] == "request" for line in lines)
    assert missing == counted > 100
    assert missing + requests == REQUESTS
    assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)
    assert lines[-1]["event"] == "stopped"


async def test_a_quick_end_loses_no_line(start: Callable[..., Unread], http: aiohttp.ClientSession) -> None:
    """A log that is read has every line to the last, though the process ends at once."""
    unread = start()
    await ready(http, unread.url)
    await load(http, unread.url, 50)
    unread.popen.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(unread.popen.wait, 10) == 0
    lines = [json.loads(line)["event"] for line in unread.rest().splitlines()]
    assert lines.count("request") == 50
    assert lines[-2:] == ["stopping", "stopped"]


async def test_a_killed_process_loses_little(start: Callable[..., Unread], http: aiohttp.ClientSession) -> None:
    """What is older than a moment is written, however the process ends."""
    unread = start()
    await ready(http, unread.url)
    await load(http, unread.url, 50)
    await asyncio.sleep(0.3)
    unread.popen.kill()
    await asyncio.to_thread(unread.popen.wait, 10)
    assert unread.rest().count('"event":"request"') == 50
