"""Programs under test, as the tests see them: a gateway in this process, a program in one of its own."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from app.exchange.tries import RetryPauses
from app.sandbox import server
from app.server.app_keys import GATEWAY
from app.server.gateway import Gateway

SandboxStarter = Callable[..., Awaitable[server.Running]]


@dataclass
class Running:
    """A gateway in this process."""

    url: str
    app: web.Application

    @property
    def gateway(self) -> Gateway:
        """The wired rooms."""
        return self.app[GATEWAY]


GatewayStarter = Callable[..., Awaitable[Running]]

# A request that fails is soon tried again.
SHORT_PAUSES = RetryPauses(first=0.005)


def environment(sandbox: server.Running, **changes: str) -> dict[str, str]:
    """The settings of a gateway in front of a sandbox; a change to the empty string unsets."""
    given = {
        "GIGACHAT_CREDENTIALS": sandbox.state.settings.key,
        "GIGACHAT_BASE_URL": sandbox.api_url,
        "GIGACHAT_AUTH_URL": sandbox.oauth_url,
        "GIGACHAT_MAX_CONCURRENCY": "100000",  # who waits is what the tests of the queue are about
        "GPT2GIGA_PORT": "0",
        "GPT2GIGA_QUEUE_SECONDS": "2",  # a test ends soon, though GigaChat answers 429 for ever
    }
    return {name: value for name, value in {**given, **changes}.items() if value}


@contextmanager
def no_longer_than(seconds: float) -> Iterator[None]:
    """Raise in whatever runs then. asyncio's time-outs need a turn of the loop, which may be what never comes."""

    def ring(*_: object) -> None:
        raise TimeoutError(f"still running after {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


async def eventually(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.005)


@dataclass
class Process:
    """A program of ours in a process of its own; `lines()` are its JSON log lines so far."""

    popen: subprocess.Popen[bytes]
    log: Path
    url: str = ""
    started: float = field(default_factory=time.monotonic)

    def lines(self) -> list[dict[str, Any]]:
        """Every whole line of the log."""
        text = self.log.read_text("utf-8")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]

    def event(self, name: str, seconds: float = 10.0) -> dict[str, Any]:
        """The first log line of this event, waited for."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for line in self.lines():
                if line["event"] == name:
                    return line
            if self.popen.poll() is not None and not any(line["event"] == name for line in self.lines()):
                break
            time.sleep(0.01)
        raise AssertionError(f"no {name!r} in the log:\n{self.log.read_text('utf-8')}")

    def stop(self, number: int = signal.SIGTERM, seconds: float = 10.0) -> int:
        """Send a signal, give the exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        return self.popen.wait(seconds)


ProcessStarter = Callable[..., Process]


def wait_ready(url: str, path: str = "/readyz", seconds: float = 10.0) -> None:
    """Wait until a URL answers 200."""
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url + path, timeout=5):  # noqa: S310 - a URL of this test's own
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """The port of another program, which gives this answer to the first who asks."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(65_536)
                peer.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()
