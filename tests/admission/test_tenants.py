"""The tenants that clients name themselves."""

from __future__ import annotations

import aiohttp
import pytest

from app.sandbox import server
from tests.running import GatewayStarter
from tests.watching import ask, saying

HI = saying("hi")


@pytest.mark.parametrize(
    "name", ["", " ", "A", "a b", "-a", "a/b", "тест", "t" * 64, "a\tb", "a;b", "../a", "a,b", "_a"]
)
async def test_a_tenant_that_is_no_name(
    name: str, sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """It is a 400 that names the header: a tenant stands in logs and file names."""
    gateway = await start_gateway(ready=False)
    reply = await ask(http, gateway, HI, headers={"X-Tenant-ID": name})
    assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "invalid_value", "X-Tenant-ID")
    assert not sandbox.state.requests.of("chat")
