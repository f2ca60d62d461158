"""The balance over the wire: asked for in the background, absent where GigaChat tells none, kept over failures."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

import aiohttp
import pytest
from prometheus_client import REGISTRY

from app.exchange.balance import Balance
from app.observe import metrics
from app.sandbox import server
from app.upstream.tokens import Token, TokenKeeper
from tests.running import GatewayStarter, Running, eventually

SECONDS = 300.0


def asker(gateway: Running, seconds: float = SECONDS) -> Balance:
    """What the gateway runs, under this test's hand."""
    families = metrics.shared()
    rooms = gateway.gateway
    return Balance(rooms.gigachat, rooms.credential, families, rooms.gate.enter_idle, seconds)


def left(model: str = "GigaChat") -> float | None:
    """The gauge."""
    return REGISTRY.get_sample_value("gpt2giga_proxy_balance_tokens", {"model": model, "credential": "default"})


def asked(code: str) -> float:
    """How often the balance was asked for with this outcome."""
    labels = {"operation": "balance", "code": code, "credential": "default"}
    return REGISTRY.get_sample_value("gpt2giga_proxy_upstream_requests_total", labels) or 0.0


def tells(sandbox: server.Running, status: int, body: Any = None, **more: Any) -> None:
    """Let GigaChat answer the next such request like this."""
    sandbox.state.faults.add("status", where="balance", status=status, body=body, **more)


async def test_told(sandbox: server.Running, gateway: Running) -> None:
    """Each package's tokens and the forecast; the attempt is counted, and is a sign of life."""
    before = asked("200")
    assert await asker(gateway).ask() == SECONDS
    assert (left(), left("embeddings")) == (900_000, 1_000_000)
    assert REGISTRY.get_sample_value("gpt2giga_proxy_balance_exhaustion_seconds", {"model": "GigaChat"}) == float("inf")
    assert asked("200") == before + 1
    [record] = sandbox.state.requests.of("balance")
    assert (record.method, record.status) == ("GET", 200)


@pytest.mark.parametrize("status", [403, 404])
async def test_pay_as_you_go(sandbox: server.Running, gateway: Running, status: int) -> None:
    """GigaChat tells none: the series go, and it is seldom asked again."""
    balance, before = asker(gateway), asked(str(status))
    await balance.ask()
    tells(sandbox, status)
    assert await balance.ask() >= 3600
    assert left() is None
    assert asked(str(status)) == before + 1
    assert gateway.gateway.gigachat.monitor.available is True


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 429}, {"status": 403, "html": True}], ids=str)
async def test_a_failure_keeps_the_last(sandbox: server.Running, gateway: Running, fault: dict[str, Any]) -> None:
    """One bad answer is no empty account, and neither is a proxy's page: asked again at the usual time."""
    balance = asker(gateway)
    await balance.ask()
    tells(sandbox, **fault)
    assert await balance.ask() == SECONDS
    assert left() == 900_000


@pytest.mark.parametrize("kind", ["down", "html_200", "cut"])
async def test_no_answer_keeps_the_last(sandbox: server.Running, gateway: Running, kind: str) -> None:
    """Nor is nonsense."""
    balance = asker(gateway)
    await balance.ask()
    sandbox.state.faults.add(kind, where="balance")
    assert await balance.ask() == SECONDS
    assert left() == 900_000


async def test_a_token_that_was_revoked(sandbox: server.Running, gateway: Running) -> None:
    """Renewed, so that no client meets it; the next look succeeds."""
    balance = asker(gateway)
    sandbox.state.tokens.revoke()
    await balance.ask()
    assert sandbox.state.tokens.issued == 2
    before = asked("200")
    await balance.ask()
    assert asked("200") == before + 1


async def test_no_token(sandbox: server.Running, start_gateway: GatewayStarter) -> None:
    """Without a token GigaChat is not asked."""
    gateway = await start_gateway(ready=False, GIGACHAT_CREDENTIALS="d3Jvbmc6a2V5")
    await eventually(lambda: gateway.gateway.keeper.status().failures > 0)
    assert await asker(gateway).ask() == SECONDS
    assert sandbox.state.requests.of("balance") == []


async def test_in_the_background(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Asked for at the setting's pace without any client; a use between two looks moves the forecast."""
    gateway = await start_gateway(GPT2GIGA_BALANCE_SECONDS="0.05")
    await eventually(lambda: len(sandbox.state.requests.of("balance")) >= 2)
    tells(sandbox, 200, {"balance": [{"usage": "GigaChat", "value": 899_000}]}, times=None)
    await eventually(lambda: left() == 899_000)
    async with http.get(f"{gateway.url}/metrics") as response:
        text = await response.text()
    line = next(line for line in text.splitlines() if line.startswith("gpt2giga_proxy_balance_exhaustion_seconds{mo"))
    assert 0 < float(line.rpartition(" ")[2]) < float("inf")


async def test_off(sandbox: server.Running, start_gateway: GatewayStarter) -> None:
    """0 asks never."""
    await start_gateway(GPT2GIGA_BALANCE_SECONDS="0")
    assert not any(task.get_name() == "balance" for task in asyncio.all_tasks())
    assert sandbox.state.requests.of("balance") == []


class BrokenKeeper:
    """A keeper with a bug."""

    def __init__(self) -> None:
        self.asked = 0

    async def get(self) -> Token:
        """What nobody foresaw."""
        self.asked += 1
        raise ZeroDivisionError


async def test_a_bug_is_survived(gateway: Running, caplog: pytest.LogCaptureFixture) -> None:
    """The task goes on after what nobody foresaw, and the log has it."""
    rooms, keeper = gateway.gateway, BrokenKeeper()
    broken = replace(rooms.credential, keeper=cast("TokenKeeper", keeper))
    balance = Balance(rooms.gigachat, broken, metrics.shared(), rooms.gate.enter_idle, 0.01)
    task = asyncio.create_task(balance.run())
    await eventually(lambda: keeper.asked >= 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert "the balance could not be asked for" in caplog.text
