"""What no request tells is sampled: the loop's lateness, and whether there is a token."""

from __future__ import annotations

import asyncio
import time

import pytest
from prometheus_client import CollectorRegistry

from app.observe import sampler
from app.observe.metrics import Metrics


async def watched(monkeypatch: pytest.MonkeyPatch, source: str | None, block: float = 0.0) -> CollectorRegistry:
    """Sample for a while, with the loop blocked once in it."""
    monkeypatch.setattr(sampler, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(sampler, "TOKEN_TICKS", 3)
    registry = CollectorRegistry()
    task = asyncio.create_task(sampler.watch(Metrics(registry), lambda: source))
    await asyncio.sleep(0.05)
    time.sleep(block)
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return registry


async def test_a_blocked_loop_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A timer that fires late is how late everything was."""
    name = "gpt2giga_proxy_event_loop_lag_seconds"
    registry = await watched(monkeypatch, "oauth", block=0.2)
    count = registry.get_sample_value(f"{name}_count") or 0
    assert count >= 4
    assert count - (registry.get_sample_value(f"{name}_bucket", {"le": "0.1"}) or 0) >= 1
    assert 0.15 < (registry.get_sample_value(f"{name}_sum") or 0) < 1


@pytest.mark.parametrize(
    ("source", "result"), [("oauth", "good"), ("none", "bad"), ("ready", "excluded"), (None, "excluded")]
)
async def test_the_token_is_looked_at(monkeypatch: pytest.MonkeyPatch, source: str | None, result: str) -> None:
    """Without any request the objective has its events."""
    registry = await watched(monkeypatch, source)
    found = {
        word: registry.get_sample_value("gpt2giga_proxy_slo_events_total", {"slo": "token", "result": word})
        for word in ("good", "bad", "excluded")
    }
    assert (found[result] or 0) >= 1
    assert sum(count or 0 for count in found.values()) == found[result]


def test_a_look_every_ten_seconds() -> None:
    """The objective's window in docs/metrics.md."""
    assert sampler.TICK_SECONDS * sampler.TOKEN_TICKS == 10
