"""What no request tells: how late the event loop is, and whether there is a token while nobody asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from app.observe import slo
from app.observe.metrics import Metrics

TICK_SECONDS = 0.25
TOKEN_TICKS = 40  # one event of the objective `token` for each ten seconds


async def watch(metrics: Metrics, source: Callable[[], str | None]) -> None:
    """Sample until cancelled. `source`: of the token in use; None before the first attempt to get one has ended."""
    loop = asyncio.get_running_loop()
    late = metrics.loop_lag.labels().observe
    tick = 0
    while True:
        due = loop.time() + TICK_SECONDS
        await asyncio.sleep(TICK_SECONDS)
        late(max(0.0, loop.time() - due))
        tick = (tick + 1) % TOKEN_TICKS
        if tick == 0:
            metrics.slo.labels("token", slo.token(source())).inc()
