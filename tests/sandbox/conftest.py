"""A running sandbox and a client that holds a good token. A test may parametrize `settings`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from app.sandbox.server import Running, start
from app.sandbox.state import SandboxSettings


@pytest.fixture
def settings() -> SandboxSettings:
    """The defaults."""
    return SandboxSettings()


@pytest.fixture
async def running(settings: SandboxSettings) -> AsyncIterator[Running]:
    """A sandbox on a free port."""
    sandbox = await start(settings)
    yield sandbox
    await sandbox.stop()


@pytest.fixture
async def session(running: Running) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of that sandbox, authorized for the API."""
    headers = {"Authorization": f"Bearer {running.state.tokens.issue(60)}"}
    async with aiohttp.ClientSession(running.url, headers=headers) as client:
        yield client


@pytest.fixture
def ask() -> Callable[..., dict[str, Any]]:
    """The body of a chat request: one user message, and what else is given."""

    def body(text: str = "Привет", **more: Any) -> dict[str, Any]:
        return {"model": "GigaChat", "messages": [{"role": "user", "content": text}], **more}

    return body


@pytest.fixture
def until() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Wait until something holds, five seconds at most."""

    async def wait(holds: Callable[[], object]) -> None:
        for _ in range(500):
            if holds():
                return
            await asyncio.sleep(0.01)
        raise TimeoutError

    return wait
