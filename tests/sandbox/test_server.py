"""The server as a whole: start, stop, paths."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from app.sandbox.server import BASES, Running, make_app, start
from app.sandbox.state import STATE, SandboxSettings


def test_defaults() -> None:
    """An application can be made without any setting."""
    assert make_app()[STATE].settings == SandboxSettings()


async def test_addresses(running: Running) -> None:
    """The running sandbox tells the addresses that a gateway needs."""
    assert running.oauth_url == f"{running.url}/api/v2/oauth"
    assert running.api_url == f"{running.url}/v1"


@pytest.mark.parametrize("path", ["/", "/v1", "/v2/chat/completions", "/v1/batches", "/sandbox/nothing"])
async def test_unknown_path(session: aiohttp.ClientSession, path: str) -> None:
    """An unknown path is answered by nginx, in HTML."""
    async with session.get(path) as response:
        assert response.status == 404
        assert response.content_type == "text/html"
        assert "<center><h1>404 Not Found</h1></center>" in await response.text()
        assert response.headers["X-Sandbox"] == "gpt2giga-proxy"


@pytest.mark.parametrize("base", BASES)
async def test_both_bases(session: aiohttp.ClientSession, ask: Callable[..., dict[str, Any]], base: str) -> None:
    """The newer and the older base serve the same."""
    async with session.post(f"{base}/chat/completions", json=ask("sandbox:say да")) as response:
        assert (await response.json())["choices"][0]["message"]["content"] == "да"


async def test_url_of_an_ipv6_host() -> None:
    """An address of the sixth version stands in brackets."""
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    sandbox = await start(host="::1")
    await sandbox.stop()
    assert sandbox.url.startswith("http://[::1]:")


async def test_port_in_use() -> None:
    """A port that is taken is an error, and nothing is left open."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="address already in use"):
            await start(port=taken.getsockname()[1])


async def test_stop_ends_what_runs(
    running: Running, session: aiohttp.ClientSession, until: Callable[[Callable[[], object]], Awaitable[None]]
) -> None:
    """Stopping does not wait for a slow answer, and the record says that it was stopped."""
    running.state.faults.add("slow", "models", seconds=60)
    waiting = asyncio.create_task(session.get("/v1/models").__aenter__())
    await until(lambda: running.state.requests.of("models"))
    async with asyncio.timeout(5):
        await running.stop()
        with pytest.raises(aiohttp.ClientError):
            await waiting
    assert [record.outcome for record in running.state.requests.of()] == ["stopped"]
    assert running.state.connections == 0
