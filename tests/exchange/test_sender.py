"""Attempts: a 401 renews and replays, dead idle connections cost nothing, everything else is told as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import pytest
from prometheus_client import REGISTRY

from app.sandbox.server import Running as Sandbox
from app.upstream.times import UpstreamTimes
from tests.running import GatewayStarter, Running, eventually

Ask = Callable[..., Coroutine[Any, Any, tuple[int, str, dict[str, str]]]]


@pytest.fixture
def ask(http: aiohttp.ClientSession) -> Ask:
    """Ask a gateway: `await ask(gateway.url, stream=True)` gives status, text and headers."""

    async def post(url: str, text: str = "sandbox:say да", **more: Any) -> tuple[int, str, dict[str, str]]:
        body = {"model": "GigaChat", "messages": [{"role": "user", "content": text}], **more}
        async with http.post(f"{url}/v1/chat/completions", json=body) as response:
            return response.status, await response.text(), dict(response.headers)

    return post


def retries(reason: str, outcome: str) -> float:
    """How many attempts were made again so far, in this process."""
    labels = {"reason": reason, "outcome": outcome}
    return REGISTRY.get_sample_value("gpt2giga_proxy_retries_total", labels) or 0.0


@pytest.mark.parametrize("stream", [False, True])
async def test_revoked(sandbox: Sandbox, gateway: Running, ask: Ask, stream: bool) -> None:
    """A revoked token costs one OAuth call and one replay, which the client does not see."""
    before = retries("unauthorized", "success")
    sandbox.state.tokens.revoke()
    status, text, _ = await ask(gateway.url, stream=stream)
    assert status == 200
    assert "да" in text
    assert "error" not in text
    assert [record.status for record in sandbox.state.requests.of("chat")] == [401, 200]
    assert sandbox.state.tokens.issued == 2
    assert retries("unauthorized", "success") == before + 1


@pytest.mark.parametrize("stream", [False, True])
async def test_revoked_for_many(sandbox: Sandbox, gateway: Running, ask: Ask, stream: bool) -> None:
    """Thirty requests at once whose token was revoked: one OAuth call, each is answered."""
    sandbox.state.tokens.revoke()
    sandbox.state.faults.add("slow", "oauth", seconds=0.2)
    answers = await asyncio.gather(*(ask(gateway.url, stream=stream) for _ in range(30)))
    assert {status for status, _, _ in answers} == {200}
    assert sandbox.state.tokens.issued == 2
    assert [record.status for record in sandbox.state.requests.of("chat")].count(401) == 30


async def test_who_waits_may_leave(sandbox: Sandbox, gateway: Running, ask: Ask) -> None:
    """Clients that leave while the token is renewed take nothing with them: the others are answered."""
    sandbox.state.tokens.revoke()
    sandbox.state.faults.add("slow", "oauth", seconds=0.3)
    tasks = [asyncio.create_task(ask(gateway.url)) for _ in range(20)]
    await eventually(lambda: len(sandbox.state.requests.of("oauth")) == 2)
    for task in tasks[::2]:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert {answer[0] for answer in answers if isinstance(answer, tuple)} == {200}
    assert sandbox.state.tokens.issued == 2


@pytest.mark.parametrize("stream", [False, True])
async def test_refused_twice(sandbox: Sandbox, start_gateway: GatewayStarter, ask: Ask, stream: bool) -> None:
    """A fresh token refused too: 503 to the client, no OAuth storm, and the credential revives by itself."""
    gateway = await start_gateway(times=UpstreamTimes(longest_pause_refused=0.5))
    before = retries("unauthorized", "failure")
    sandbox.state.faults.add("status", "chat", times=2, status=401, message="Token has expired")
    status, text, headers = await ask(gateway.url, stream=stream)
    assert status == 503
    assert "upstream_credentials_exhausted" in text
    assert headers["x-should-retry"] == "true"
    assert int(headers["Retry-After"]) >= 1
    assert retries("unauthorized", "failure") == before + 1
    for _ in range(5):
        assert (await ask(gateway.url, stream=stream))[0] == 503
    assert sandbox.state.tokens.issued == 2
    assert len(sandbox.state.requests.of("chat")) == 2
    await eventually(lambda: gateway.gateway.keeper.status().source == "oauth")
    assert (await ask(gateway.url, stream=stream))[0] == 200
    assert sandbox.state.tokens.issued == 3


@pytest.mark.parametrize("stream", [False, True])
async def test_refused_twice_with_a_ready_token(
    sandbox: Sandbox, start_gateway: GatewayStarter, ask: Ask, stream: bool
) -> None:
    """A dead credential's request is served by the ready token."""
    gateway = await start_gateway(GIGACHAT_ACCESS_TOKEN=sandbox.state.tokens.issue(60))
    sandbox.state.faults.add("status", "chat", times=2, status=401)
    assert (await ask(gateway.url, stream=stream))[0] == 200
    status = gateway.gateway.keeper.status()
    assert (status.source, status.reason) == ("ready", None)


async def test_everything_is_refused(sandbox: Sandbox, start_gateway: GatewayStarter, ask: Ask) -> None:
    """Three refusals end a request: token, fresh token, ready token. All three are known to be of no use."""
    spare = sandbox.state.tokens.issue(60)
    gateway = await start_gateway(times=UpstreamTimes(probe=3600.0), GIGACHAT_ACCESS_TOKEN=spare)
    await eventually(lambda: gateway.gateway.keeper.status().fallback is True)
    sandbox.state.faults.add("status", "chat", times=None, status=401)
    assert (await ask(gateway.url))[0] == 503
    assert len(sandbox.state.requests.of("chat")) == 3
    status = gateway.gateway.keeper.status()
    assert (status.source, status.fallback) == ("none", False)


@pytest.mark.parametrize("stream", [False, True])
async def test_revoked_while_oauth_is_down(
    sandbox: Sandbox, start_gateway: GatewayStarter, ask: Ask, stream: bool
) -> None:
    """A 401 while OAuth is down: the ready token serves that very request, and OAuth takes over when it is back."""
    spare = sandbox.state.tokens.issue(60)
    gateway = await start_gateway(GIGACHAT_ACCESS_TOKEN=spare)
    first = await gateway.gateway.keeper.get()
    assert first.source == "oauth"
    sandbox.state.faults.add("down", "oauth", times=None)
    sandbox.state.tokens.revoke(first.value)
    assert (await ask(gateway.url, stream=stream))[0] == 200
    assert gateway.gateway.keeper.status().source == "ready"
    assert (await ask(gateway.url, stream=stream))[0] == 200
    sandbox.state.faults.clear()
    await eventually(lambda: gateway.gateway.keeper.status().source == "oauth")
    assert (await ask(gateway.url, stream=stream))[0] == 200


@pytest.mark.parametrize("rst", [False, True])
@pytest.mark.parametrize("idle", [1, 6])
@pytest.mark.parametrize("stream", [False, True])
async def test_dead_idle_connections(
    sandbox: Sandbox, gateway: Running, ask: Ask, stream: bool, idle: int, rst: bool
) -> None:
    """Connections that died while idle, be it one or all, cost no request: each is sent again over a new one."""
    sandbox.state.faults.add("drop_idle", times=idle, rst=rst)
    await asyncio.gather(*(ask(gateway.url, "sandbox:wait 0.05", stream=stream) for _ in range(idle)))
    sandbox.state.requests.clear()
    before = retries("stale", "success")
    assert (await ask(gateway.url, stream=stream))[0] == 200
    assert [record.faults for record in sandbox.state.requests.of("chat")] == [["drop_idle"], []]
    assert retries("stale", "success") == before + 1
    assert gateway.gateway.gigachat.monitor.available is True
    assert {status for status, _, _ in await asyncio.gather(*(ask(gateway.url) for _ in range(idle)))} == {200}


@pytest.mark.parametrize("rst", [False, True])
@pytest.mark.parametrize("stream", [False, True])
async def test_fresh_connection_dies(sandbox: Sandbox, gateway: Running, ask: Ask, stream: bool, rst: bool) -> None:
    """A connection that was made for the request and dies is a 502 without a replay: GigaChat may have worked on it."""
    sandbox.state.faults.add("down", "chat", times=None, rst=rst)
    for attempts in (2, 1, 1):  # the first finds the idle connection of the start
        sandbox.state.requests.clear()
        status, text, headers = await ask(gateway.url, stream=stream)
        assert (status, headers["x-should-retry"]) == (502, "false")
        assert "upstream_error" in text
        assert "127.0.0.1" not in text
        assert len(sandbox.state.requests.of("chat")) == attempts


async def test_the_log_says_why(sandbox: Sandbox, gateway: Running, ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    """The line of a failed request names the cause, for operators."""
    sandbox.state.faults.add("status", "chat", status=500)
    await ask(gateway.url)
    lines = [record.__dict__["gateway_fields"] for record in caplog.records if record.getMessage() == "request"]
    assert [line["upstream_status"] for line in lines] == [500]
    assert "GigaChat answered 500" in lines[0]["error"]
