"""What operators are told of the queue and of circuits: metrics and log lines."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from app.admission.circuits import CircuitTimes, State
from app.observe.labels import KEY_RESULTS
from app.observe.metrics import Metrics
from app.observe.queue import QueueObserver
from app.sandbox import server
from tests.admission.clock import Clock
from tests.running import GatewayStarter, eventually
from tests.watching import ask, asking, counted, saying

PREFIX = "gpt2giga_proxy_"
KEYS = PREFIX + "idempotent_replays_total"


class Watched:
    """An observer, and the metrics that it sets."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.observer = QueueObserver(Metrics(self.registry))

    def value(self, name: str, **labels: str) -> float | None:
        """A sample."""
        return self.registry.get_sample_value(PREFIX + name, labels)

    def waits(self) -> dict[str, float | None]:
        """How many waits ended in each way."""
        outcomes = ("admitted", "timeout", "abandoned", "rejected")
        return {name: self.value("queue_wait_seconds_count", outcome=name) for name in outcomes}


def test_waits() -> None:
    """Each wait ends in one way; who waits for nothing counts with those that were admitted, at 0 seconds."""
    watched = Watched()
    assert set(watched.waits().values()) == {0.0}
    watched.observer.admitted_at_once()
    for outcome, seconds in (("admitted", 0.3), ("timeout", 5.0), ("abandoned", 1.0)):
        watched.observer.began_waiting("default")
        assert watched.value("queue_depth", tenant="default") == 1
        watched.observer.stopped_waiting("default", outcome, seconds)
        assert watched.value("queue_depth", tenant="default") == 0
    watched.observer.rejected("default", full=False)
    assert watched.waits() == {"admitted": 2.0, "timeout": 1.0, "abandoned": 1.0, "rejected": 1.0}
    assert watched.value("queue_wait_seconds_sum", outcome="admitted") == pytest.approx(0.3)
    assert watched.value("queue_wait_seconds_sum", outcome="timeout") == pytest.approx(5.0)


def test_rejections() -> None:
    """A full queue is a limit that a tenant has met; a deadline that can't be met is the client's own."""
    watched = Watched()
    watched.observer.rejected("default", full=False)
    assert watched.value("limit_rejections_total", tenant="default", kind="queue_full") == 0
    watched.observer.rejected("default", full=True)
    assert watched.value("limit_rejections_total", tenant="default", kind="queue_full") == 1
    assert watched.waits()["rejected"] == 2


def test_a_place_that_was_given_up() -> None:
    """Whoever has waited and lost its place to another tenant has met the same limit."""
    watched = Watched()
    watched.observer.began_waiting("default")
    watched.observer.stopped_waiting("default", "rejected", 3.0)
    assert watched.value("queue_depth", tenant="default") == 0
    assert watched.value("queue_wait_seconds_sum", outcome="rejected") == pytest.approx(3.0)
    assert watched.value("limit_rejections_total", tenant="default", kind="queue_full") == 1


def test_tenants_without_a_label() -> None:
    """Strangers' names make no series: they are one, whose depth comes back to 0."""
    watched = Watched()
    for number in range(50):
        watched.observer.began_waiting(f"t{number}")
    assert watched.value("queue_depth", tenant="other") == 50
    for number in range(50):
        watched.observer.stopped_waiting(f"t{number}", "admitted", 0.1)
        watched.observer.rejected(f"t{number}", full=True)
    assert watched.value("queue_depth", tenant="other") == 0
    assert watched.value("limit_rejections_total", tenant="other", kind="queue_full") == 50
    assert watched.value("queue_depth", tenant="t1") is None


def test_circuits(caplog: pytest.LogCaptureFixture) -> None:
    """The state is the metric; a circuit that opens is an error with its cause, one that closes is told too."""
    caplog.set_level("INFO", "gpt2giga")
    watched = Watched()
    watched.observer.circuit_changed("GigaChat", State.OPEN.value, stopped=False)
    assert watched.value("circuit_state", component="api", model="other") == 2
    watched.observer.circuit_changed("GigaChat", State.HALF_OPEN.value, stopped=False)
    assert watched.value("circuit_state", component="api", model="other") == 1
    watched.observer.circuit_changed("GigaChat", State.CLOSED.value, stopped=False)
    watched.observer.circuit_changed("GigaChat", State.OPEN.value, stopped=True)
    assert [(one.levelname, one.getMessage(), one.__dict__["gateway_fields"].get("why")) for one in caplog.records] == [
        ("ERROR", "a model is not asked for a while", "most requests of the last half minute failed"),
        ("INFO", "a model is asked again", None),
        ("ERROR", "a model is not asked for a while", "GigaChat has stopped it"),
    ]


def test_idempotency_keys(caplog: pytest.LogCaptureFixture) -> None:
    """Each use is counted; that answers go for want of room is told once a minute, however many go."""
    clock, registry = Clock(), CollectorRegistry()
    observer = QueueObserver(Metrics(registry), clock)
    for result in ("joined", "hit", "hit", "conflict", *["evicted"] * 50):
        observer.key_used(result)
    used = {result: registry.get_sample_value(KEYS, {"result": result}) for result in KEY_RESULTS}
    assert used == {"joined": 1, "hit": 2, "conflict": 1, "evicted": 50}
    assert [one.levelname for one in caplog.records] == ["WARNING"]
    for seconds, lines in ((59, 1), (1, 2), (1, 2)):
        clock.move(seconds)
        observer.key_used("evicted")
        assert len(caplog.records) == lines


async def test_as_a_scrape_sees_it(
    start_gateway: GatewayStarter, sandbox: server.Running, http: aiohttp.ClientSession
) -> None:
    """Who waits and for how long, the slots of the credential, a circuit's state under its model's name."""
    gateway = await start_gateway(
        GIGACHAT_MAX_CONCURRENCY="2",
        GIGACHAT_CREDENTIALS=f"queued={sandbox.state.settings.key}",
        circuit_times=CircuitTimes(stop_pause=60.0),
    )

    async def look(family: str, label: str, **only: str) -> Counter[str]:
        return await counted(http, gateway, PREFIX + family, label, **only)

    before = await look("queue_wait_seconds_count", "outcome")
    under_way = [asyncio.create_task(ask(http, gateway, asking("sandbox:wait 0.5"))) for _ in range(2)]
    await eventually(lambda: len(sandbox.state.requests.of("chat")) == 2)
    waiting = asyncio.create_task(ask(http, gateway, saying("x")))
    await eventually(lambda: gateway.gateway.gate.waiting == 1)
    seen: list[Any] = [
        await look("queue_depth", "tenant", tenant="default"),
        await look("credential_in_flight", "credential", credential="queued"),
        await look("credential_stream_limit", "credential", credential="queued"),
    ]
    assert seen == [{"default": 1}, {"queued": 2}, {"queued": 2}]
    async with http.get(f"{gateway.url}/metrics") as response:
        text = await response.text()
    oldest = next(line for line in text.splitlines() if line.startswith(PREFIX + "queue_oldest_wait_seconds "))
    assert 0 < float(oldest.split()[1]) < 1
    for task in (*under_way, waiting):
        assert (await task).status == 200
    assert await look("queue_wait_seconds_count", "outcome") - before == {"admitted": 3}
    sandbox.state.faults.add("status", where="chat", status=423)
    assert (await ask(http, gateway, saying("x"))).status == 503
    assert (await look("circuit_state", "model", component="api"))["GigaChat"] == 2
    assert (await look("credential_in_flight", "credential", credential="queued"))["queued"] == 0
