"""A gateway between a crowd and a GigaChat behind fault proxies, and what must be true when a fault is over."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.faults.crowd import Crowd
from tests.faults.oracle import AllRecords
from tests.faults.proxy import fault_proxy
from tests.faults.world import DEFAULTS, SCALED, World
from tests.running import GatewayStarter, SandboxStarter

WorldMaker = Callable[..., Awaitable[World]]


@pytest.fixture(params=[20, pytest.param(200, marks=pytest.mark.long)])
def count(request: pytest.FixtureRequest) -> int:
    """How many requests are in flight: few at each change, 200 before a release."""
    return int(request.param)


@pytest.fixture
async def make_world(start_sandbox: SandboxStarter, start_gateway: GatewayStarter) -> AsyncIterator[WorldMaker]:
    """Make a world: `sandbox` are the sandbox's settings, the others the gateway's.

    `host` is GigaChat's name; with a `context` it speaks TLS, as `localhost`.
    """
    async with AsyncExitStack() as stack:

        async def make(
            sandbox: dict[str, Any] | None = None,
            *,
            ready: bool = True,
            host: str = "127.0.0.1",
            context: ssl.SSLContext | None = None,
            **settings: Any,
        ) -> World:
            gigachat = await start_sandbox(**{"oauth_per_second": 0, **(sandbox or {})})
            gigachat.state.requests = AllRecords()
            port = int(gigachat.url.rpartition(":")[2])
            api = await stack.enter_async_context(fault_proxy(port, context))
            oauth = await stack.enter_async_context(fault_proxy(port))
            scheme = "http" if context is None else "https"
            urls = {
                "GIGACHAT_BASE_URL": f"{scheme}://{'localhost' if context else host}:{api.port}/v1",
                "GIGACHAT_AUTH_URL": f"http://127.0.0.1:{oauth.port}/api/v2/oauth",
            }
            gateway = await start_gateway(gigachat, ready=ready, **{**SCALED, **urls, **DEFAULTS, **settings})
            crowd = await stack.enter_async_context(Crowd(gateway.url))
            return World(gigachat, api, oauth, gateway, crowd)

        yield make
