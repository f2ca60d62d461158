"""All that a row of the fault table needs: a gateway between a crowd and a GigaChat behind two fault proxies."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from app.admission.circuits import CircuitTimes
from app.exchange.tries import RetryPauses
from app.sandbox import server
from app.upstream.connector import Connector
from app.upstream.times import UpstreamTimes
from tests.faults.crowd import Crowd, Seen, outcomes, served
from tests.faults.oracle import Ledger, retries_at_most
from tests.faults.proxy import FaultProxy
from tests.resident import MB
from tests.resident import field as process_field
from tests.running import Running, eventually

PROBE_SECONDS = 0.3  # the circuit's pause
# A gateway's pauses, shortened: what takes 10 s takes 0.3 s, and what takes 0.2 s takes 0.05.
SCALED: Mapping[str, Any] = {
    "times": UpstreamTimes(
        oauth=1.0, longest_pause=0.3, longest_pause_refused=0.3, gone_pauses=(0.1,), monitor_tick=0.05
    ),
    "circuit_times": CircuitTimes(pause=PROBE_SECONDS, stop_pause=0.8),
    "pauses": RetryPauses(first=0.05),
}
# Other tests give up soon; here all that wait are served.
DEFAULTS: Mapping[str, str] = {"GPT2GIGA_QUEUE_SECONDS": ""}
_GAUGE = re.compile(r"^gpt2giga_proxy_(credential_in_flight|queue_depth|in_flight_requests)\{.*\} (\S+)$", re.MULTILINE)
_ATTEMPTS = re.compile(r'^gpt2giga_proxy_upstream_requests_total\{[^}]*operation="chat"[^}]*\} (\S+)$', re.MULTILINE)
BACK_SECONDS = 2.0
_MEMORY = 100 * MB  # a crowd in this process leaves half of that behind, once


def open_connectors() -> list[Connector]:
    """What the gateways of this process have their connections to GigaChat and OAuth from."""
    return [one for one in gc.get_objects() if isinstance(one, Connector) and not one.closed]


def held_memory() -> int:
    """What this process holds, gateway, GigaChat and clients together, when nothing waits to be freed."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return process_field(os.getpid(), "VmRSS")


@dataclass
class World:
    """The parties, and what they had before anything went wrong."""

    sandbox: server.Running
    api: FaultProxy
    oauth: FaultProxy
    gateway: Running
    crowd: Crowd
    tasks: int = field(default_factory=lambda: len(own_tasks()))
    connectors: list[Connector] = field(default_factory=open_connectors)
    attempted: int = 0
    memory: int = field(default_factory=held_memory)

    @property
    def ledger(self) -> Ledger:
        """What GigaChat did so far."""
        return Ledger.of(self.sandbox.state.requests.of("chat"))

    async def ask(self, count: int, **given: object) -> list[Seen]:
        """So many questions at once."""
        return await self.crowd.ask_all(count, **given)

    async def warm_up(self, count: int = 2) -> None:
        """A few answers before the fault."""
        self.attempted = await self.attempts()  # the metrics are the process's
        seen = await self.ask(count)
        assert served(seen) == count, outcomes(seen)

    async def is_back(self, seconds: float = BACK_SECONDS, crowd: int = 20) -> float:
        """Wait for the first answer after a fault's end, then for one to each of a crowd's questions."""
        begun = time.monotonic()
        while True:
            (seen,) = await self.ask(1)
            if seen.served:
                break
            assert time.monotonic() - begun < seconds, f"no answer {seconds:g} s after the fault's end: {seen.what}"
            await asyncio.sleep(0.02)
        took = time.monotonic() - begun
        after = await self.ask(crowd)
        assert served(after) == crowd, outcomes(after)
        return took

    async def holds_nothing(self) -> None:
        """No slot, no place in the queue, no connection in use and no task is left of what was asked."""
        await eventually(lambda: self.sandbox.state.chatting == 0)
        await eventually(lambda: not any(one._acquired for one in self.connectors))  # in use, or never given back
        async with asyncio.timeout(5):
            while any((await self.gauges()).values()):
                await asyncio.sleep(0.01)
        await eventually(lambda: len(own_tasks()) <= self.tasks)
        assert self.sandbox.state.connections <= self.api.open + self.oauth.open
        grown = held_memory() - self.memory
        assert grown < _MEMORY, f"{grown / MB:.0f} MB more than before"

    async def attempts(self) -> int:
        """Chats that the gateway tried to ask so far, those that never came to GigaChat too."""
        found = _ATTEMPTS.findall(await self._metrics())
        return sum(int(float(value)) for value in found) - self.attempted

    async def gauges(self) -> dict[str, float]:
        """What is held now, by the gauge's name."""
        found: dict[str, float] = {}
        for name, value in _GAUGE.findall(await self._metrics()):
            found[name] = found.get(name, 0.0) + float(value)
        return found

    async def _metrics(self) -> str:
        async with aiohttp.request("GET", f"{self.gateway.url}/metrics") as response:
            return await response.text()

    def probes(self, seen: list[Seen]) -> int:
        """How many attempts an open circuit may have let through meanwhile."""
        return 1 + int(max(one.took for one in seen) / PROBE_SECONDS)

    def paid_once(self, most: float = 0.01) -> None:
        """No more than this share of the answers was paid again."""
        ledger = self.ledger
        assert ledger.twice <= most, f"{ledger.twice:.2%} of what was paid was paid again"

    def within_budget(self) -> None:
        """No more requests came twice than the budget allows."""
        ledger = self.ledger
        again = sum(ledger.attempts.values()) - len(ledger.attempts)
        assert again <= retries_at_most(len(self.crowd.asked)), f"{again} retries for {len(self.crowd.asked)} requests"


def own_tasks() -> list[asyncio.Task[object]]:
    """The running tasks that are the program's, not a test's and not the web server's."""
    found = {task: repr(task) for task in asyncio.all_tasks()}
    return [
        task
        for task, text in found.items()
        if "/app/" in text and "/app/sandbox/" not in text and "RequestHandler.start" not in text
    ]
