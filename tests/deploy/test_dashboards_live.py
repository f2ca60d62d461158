"""Every query of the dashboards and alerts, asked of a real Prometheus that has watched a gateway live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest

from app.sandbox.state import SandboxSettings
from deploy.grafana.causes import QUERY, WORDS
from tests.deploy.boards import Question, alerts, filled, questions, selectors, variables
from tests.deploy.driving import Driver, ask_sandbox
from tests.deploy.monitoring import Prometheus, free_port, prometheus, until
from tests.running import Process, ProcessStarter, wait_ready

# Queries that may find nothing, or nothing but 0, after a run in which everything happened; and why. What is empty
# elsewhere (the balance of an account that pays as it goes, errors where there were none) says so itself.
EXCUSED: dict[str, str] = {
    "GigaChat gateway: runtime / Log lines lost / A": "this run's log is read: tests/observe/test_unread_logs.py",
}
# What happens so seldom that the last seconds may have none of it, or one.
SELDOM = frozenset(
    {
        "GigaChat gateway: runtime / Garbage collections / A",
        "GigaChat gateway: runtime / Garbage collector pauses / A",
        "GigaChat gateway: runtime / Garbage collector pauses / B",
    }
)


class Stage(NamedTuple):
    """A gateway before a sandbox, and the Prometheus that watches it."""

    driver: Driver
    watcher: Prometheus
    gateway: Process
    ready_token: str

    async def cause(self, expected: str) -> None:
        """Wait until the board's topmost panel says so."""
        words: list[str] = []
        for _ in range(150):
            code = self.watcher.value(filled(QUERY))
            words.append(WORDS[str(int(code or 0))][0])
            if words[-1].startswith(expected):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"the cause should be {expected!r}: {words}")


@pytest.fixture
async def stage(start_process: ProcessStarter, tmp_path: Path) -> AsyncIterator[Stage]:
    """Everything runs, and Prometheus has seen the gateway."""
    port, sandbox = free_port(), f"http://127.0.0.1:{free_port()}"
    # Prometheus looks at its list of targets every 5 s: it starts first.
    with prometheus(tmp_path, f"127.0.0.1:{port}") as watcher:
        start_process("sandbox", "--port", sandbox.rpartition(":")[2], "--token-ttl", "4", "--chunk-seconds", "0.01")
        wait_ready(sandbox, "/sandbox")
        ready = ask_sandbox(sandbox, "tokens", ttl=1800)["access_token"]
        settings = {
            "GIGACHAT_CREDENTIALS": SandboxSettings().key,
            "GIGACHAT_BASE_URL": f"{sandbox}/v1",
            "GIGACHAT_AUTH_URL": f"{sandbox}/api/v2/oauth",
            "GIGACHAT_ACCESS_TOKEN": ready,
            "GIGACHAT_TIMEOUT": "3",
            "GIGACHAT_MAX_CONCURRENCY": "16",
            "GPT2GIGA_QUEUE_LENGTH": "4",
            "GPT2GIGA_PORT": str(port),
            "GPT2GIGA_COMMIT_SECONDS": "0.1",
            "GPT2GIGA_KEEPALIVE_SECONDS": "0.2",
            "GPT2GIGA_BALANCE_SECONDS": "0.5",
            "GPT2GIGA_IDLE_SECONDS": "5",
        }
        gateway = start_process(env=settings)
        wait_ready(gateway.url)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as http:
            driver = Driver(gateway.url, sandbox, http)
            driver.spend(looks=100)
            until(lambda: watcher.value('up{job="gpt2giga-proxy"}') == 1, "the gateway is scraped")
            yield Stage(driver, watcher, gateway, ready)


@pytest.mark.long
async def test_every_query_has_an_answer(stage: Stage) -> None:
    """After everything that can happen no panel, variable, annotation or alert asks in vain; and at each stage the
    topmost panel names who is at fault."""
    driver, watcher = stage.driver, stage.watcher
    await stage.cause("nothing")
    await driver.usual(1)
    driver.fault("down", "any", times=None)
    await asyncio.gather(*(driver.chat() for _ in range(4)))
    await stage.cause("GIGACHAT is gone")
    driver.no_faults()
    driver.spend(looks=100)
    driver.fault("status", "oauth", times=None, status=401)
    driver.revoke(stage.ready_token)
    await stage.cause("THE TOKEN: there is no usable one")
    assert await driver.chat() == 503
    driver.no_faults()
    driver.spend(looks=100)
    until(lambda: watcher.value('max(gpt2giga_proxy_token_source{source="oauth"})') == 1, "OAuth gives a token")
    with driver.silence():
        await driver.troubles()
        ended = "sum(rate(gpt2giga_proxy_connections_closed_total[10s]))"
        until(lambda: (watcher.value(ended) or 0) > 0, "a silent connection is ended")
    await driver.crowd()
    await driver.usual(2)
    await stage.cause("GIGACHAT")
    good = 'sum(increase(gpt2giga_proxy_slo_events_total{slo="token", result="good"}[1h]))'
    until(lambda: (watcher.value(good) or 0) > 0, "the token is judged every 10 seconds")
    assert complaints(watcher, questions(), EXCUSED) == []
    assert {where for where, (series, label) in variables().items() if not watcher.label_values(series, label)} == set()
    for name, rule in alerts().items():
        watcher.now(rule["expr"])
        blind = [series for series in selectors(rule["expr"]) if not watcher.now(series)]
        assert not blind, name
    stage.gateway.stop()
    await stage.cause("THE GATEWAY is gone")


def complaints(watcher: Prometheus, asked: Iterable[Question], excused: Iterable[str] = ()) -> list[str]:
    """What is wrong with these queries' answers, but for what is excused."""
    found = {one.where: (fault, one.expr) for one in asked if (fault := watcher.fault(one))}
    assert found.keys() >= set(excused), "an excuse that nothing needs"
    unexcused = found.keys() - set(excused) - SELDOM
    return [f"{where}: {fault}: {expr}" for where, (fault, expr) in found.items() if where in unexcused]


def test_the_check_finds_a_dead_panel(tmp_path: Path) -> None:
    """A query of a metric that does not exist, one that is broken, and one that never shows anything but 0."""
    with prometheus(tmp_path) as watcher:
        planted = [
            Question("alive", "vector(1)", True),
            Question("dead", "gpt2giga_proxy_requests_totals", False),
            Question("dead now", "gpt2giga_proxy_requests_totals", True),
            Question("broken", "sum by (code (up)", True),
            Question("idle", "vector(0)", False),
            Question("not a number", "vector(0) / 0", True),
        ]
        found = [line.partition(": ")[::2] for line in complaints(watcher, planted)]
    assert [(where, said.partition(":")[0]) for where, said in found] == [
        ("dead", "empty"),
        ("dead now", "empty"),
        ("broken", "error"),
        ("idle", "zero"),
        ("not a number", "empty"),
    ]
