"""The rooms below the server, wired."""

from __future__ import annotations

import aiohttp

from app.sandbox import server
from tests.running import Running
from tests.watching import ask, saying


async def test_the_rooms_share_what_they_must(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """One client for GigaChat, one keeper of tokens: the rooms do not each make their own."""
    before = sandbox.state.connections
    assert (await ask(http, gateway, saying("hi"))).status == 200
    assert (await ask(http, gateway, {"input": "hi"}, path="/v1/embeddings")).status == 200
    await gateway.gateway.catalog.refresh()
    (asked,) = sandbox.state.requests.of("oauth")
    assert asked.status == 200
    assert gateway.gateway.keeper.status().source == "oauth"
    assert sandbox.state.connections == before
