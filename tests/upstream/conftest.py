"""What these tests share: one way to ask the gateway, one way to read its log and metrics, a server of bare bytes."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import selectors
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from prometheus_client import REGISTRY


@dataclass(slots=True)
class Reply:
    """What a client of the gateway got, and how long it took."""

    status: int
    headers: dict[str, str]
    body: Any
    seconds: float

    @property
    def code(self) -> str:
        """The error's code."""
        return str(self.body["error"]["code"])


Chat = Callable[..., Coroutine[Any, Any, Reply]]
See = Callable[..., Awaitable[tuple[int, Any]]]
Events = Callable[[str], list[dict[str, Any]]]
Metric = Callable[..., float]


@pytest.fixture
def chat(http: aiohttp.ClientSession) -> Chat:
    """Ask a gateway: `await chat(gateway.url)`."""

    async def ask(url: str, text: str = "sandbox:say да", **more: Any) -> Reply:
        body = {"model": "GigaChat", "messages": [{"role": "user", "content": text}], **more}
        begun = time.monotonic()
        async with http.post(f"{url}/v1/chat/completions", json=body) as response:
            raw = await response.text()
            parsed = raw if response.content_type == "text/event-stream" else await response.json()
            return Reply(response.status, dict(response.headers), parsed, time.monotonic() - begun)

    return ask


@pytest.fixture
def see(http: aiohttp.ClientSession) -> See:
    """Status and body of one of the operators' pages: `await see(gateway.url, "/health")`."""

    async def look(url: str, path: str = "/health") -> tuple[int, Any]:
        async with http.get(url + path) as response:
            return response.status, await response.json()

    return look


@pytest.fixture
def events(caplog: pytest.LogCaptureFixture) -> Events:
    """The fields of every log line of an event so far."""
    caplog.set_level(logging.INFO, "gpt2giga")

    def found(event: str) -> list[dict[str, Any]]:
        return [
            {"level": record.levelname, **getattr(record, "gateway_fields", {})}
            for record in caplog.records
            if record.getMessage() == event
        ]

    return found


@pytest.fixture
def metric() -> Metric:
    """The value of a series; 0 while there is none."""

    def value(name: str, /, **labels: str) -> float:
        return REGISTRY.get_sample_value(f"gpt2giga_proxy_{name}", labels) or 0.0

    return value


@dataclass(slots=True)
class Bare:
    """A server that sends prepared bytes, whatever it is asked: each answer is the parts of one response."""

    url: str
    answers: list[list[bytes]] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list)


@pytest.fixture
async def bare() -> AsyncIterator[Bare]:
    """Every request gets the next of `.answers` (the last one stays), part by part; then the connection closes."""
    found = Bare("")

    serving: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            found.asked.append(await reader.readuntil(b"\r\n\r\n"))
            for part in found.answers.pop(0) if len(found.answers) > 1 else found.answers[0]:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0.02)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield found
    server.close()
    await server.wait_closed()
    await asyncio.gather(*(task for task in serving if task))


class _Selector(selectors.DefaultSelector):
    """Lets no time pass: what the loop would sleep is added to its clock."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now; else it is later."""
        ready = super().select(0)
        if not ready:
            self.now += timeout or 0.0
        return ready


class _Loop(asyncio.SelectorEventLoop):
    """A loop whose day takes a moment."""

    def __init__(self) -> None:
        self._clock = _Selector()
        super().__init__(self._clock)

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._clock.now


def timeless(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an asynchronous test on a loop where sleeping costs nothing; `loop.time()` is its clock."""

    def run(**given: Any) -> None:
        with asyncio.Runner(loop_factory=_Loop) as runner:
            runner.run(test(**given))

    run.__doc__, run.__name__ = test.__doc__, test.__name__
    run.__signature__ = inspect.signature(test)  # type: ignore[attr-defined] # pytest asks for the test's arguments
    return run
