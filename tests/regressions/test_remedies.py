"""Remedies: whoever is woken reads in /health what to do, and strangers read nothing of it."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from app.sandbox import server
from tests.running import GatewayStarter, eventually
from tests.watching import ask, health, saying

pytestmark = pytest.mark.long

HI = saying("hi")
# a fault -> the health, and what its remedy speaks of
ILL: dict[str, tuple[dict[str, Any], int, tuple[str, ...]]] = {
    "402": ({"kind": "status", "where": "chat", "status": 402}, 200, ("Buy tokens", "Gpt2gigaProxyPaymentRequired")),
    "403": ({"kind": "status", "where": "chat", "status": 403}, 200, ("tariff", "GIGACHAT_SCOPE", "docs/runbook.md")),
    "423": ({"kind": "status", "where": "chat", "status": 423}, 200, ("another model", "Gpt2gigaProxyUpstreamStop")),
    "the stop text": (
        {
            "kind": "status",
            "where": "chat",
            "status": 403,
            "message": "This model is temporarily unavailable due to technical reasons",
        },
        200,
        ("another model", "Gpt2gigaProxyUpstreamStop"),
    ),
    "gone": ({"kind": "down", "where": "any"}, 503, ("python -m app check", "Gpt2gigaProxyUpstreamDown")),
    "HTML": ({"kind": "html_200", "where": "any"}, 200, ("python -m app check", "Gpt2gigaProxyUpstreamDown")),
}


@pytest.mark.parametrize(("fault", "status", "words"), ILL.values(), ids=ILL)
async def test_health_says_what_to_do(
    fault: dict[str, Any],
    status: int,
    words: tuple[str, ...],
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
) -> None:
    """Beside the reason, for operators only; a healthy gateway has neither."""
    gateway = await start_gateway()
    assert (await health(http, gateway))[1]["remedy"] is None
    sandbox.state.faults.add(times=None, **fault)
    for _ in range(3):
        assert (await ask(http, gateway, HI)).status >= 400
    seen, body = await health(http, gateway)
    assert seen == status
    assert body["reason"]
    assert all(word in body["remedy"] for word in words), body
    outside = await ask(http, gateway, method="GET", path="/health", headers={"X-Forwarded-For": "1.2.3.4"})
    assert not {"reason", "remedy", "token"} & set(outside.json)


OAUTH: dict[str, tuple[dict[str, Any], str]] = {
    "down": ({"kind": "down"}, "GIGACHAT_AUTH_URL"),
    "500": ({"kind": "status", "status": 500}, "OAuth is down"),
    "429": ({"kind": "status", "status": 429}, "who else"),
}


@pytest.mark.parametrize(("fault", "word"), OAUTH.values(), ids=OAUTH)
async def test_oauth_is_bridged_by_a_ready_token(
    fault: dict[str, Any],
    word: str,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
) -> None:
    """Health and the refused client say which setting, and where it is described."""
    sandbox.state.faults.add(where="oauth", times=None, **fault)
    gateway = await start_gateway(ready=False)
    await eventually(lambda: gateway.gateway.keeper.status().failures > 0)
    status, body = await health(http, gateway)
    refused = await ask(http, gateway, HI)
    assert (status, refused.status) == (503, 503)
    for told in (body["remedy"], body["token"]["remedy"], refused.error["message"]):
        assert word in told
        assert "GIGACHAT_ACCESS_TOKEN" in told
        assert '"Giving a ready token"' in told
