"""Samples metrics that no request updates: the loop's lag, the collector's pauses, the token, lost lines of the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from app.observe import logs, slo
from app.observe.gc_pauses import count_gc_pauses
from app.observe.metrics import Metrics

TICK_SECONDS = 0.25
TOKEN_TICKS = 40  # one event of the objective `token` for each ten seconds


async def watch(metrics: Metrics, source: Callable[[], str | None]) -> None:
    """Sample until cancelled. `source` returns the current token's source; None before the first attempt has ended."""
    with count_gc_pauses(metrics.gc_pauses):
        await _watch_loop(metrics, source)


async def _watch_loop(metrics: Metrics, source: Callable[[], str | None]) -> None:
    loop = asyncio.get_running_loop()
    observe_lag = metrics.loop_lag.labels().observe
    tick = counted = 0
    while True:
        due = loop.time() + TICK_SECONDS
        await asyncio.sleep(TICK_SECONDS)
        observe_lag(max(0.0, loop.time() - due))
        dropped = logs.count_dropped()
        if dropped > counted:
            metrics.log_lines_dropped.inc(dropped - counted)
            counted = dropped
        tick = (tick + 1) % TOKEN_TICKS
        if tick == 0:
            metrics.slo.labels("token", slo.judge_token(source())).inc()
