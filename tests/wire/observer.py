"""What can be seen from outside: log lines, metrics, what went upstream; and when nothing is under way."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import series
from .client import fetch
from .processes import Process
from .volatile import Placeholders

# What the gateway asks and tells on its own, whenever its clocks say so.
_BACKGROUND_PLACES = frozenset({"models", "balance"})
_BACKGROUND_EVENTS = frozenset({"GigaChat is gone", "GigaChat is back"})
# Of the sandbox's record: clocks, and how far it came before somebody left.
_MOVING = frozenset({"started", "ended", "outcome", "chunks", "where"})
_SETTLE_SECONDS = 10.0
_BLIND_SECONDS = 0.3
_QUIET_SECONDS = 0.3


@dataclass(slots=True)
class Observer:
    """Looks at one gateway and its sandbox."""

    gateway: Process
    sandbox: Process
    restless: bool = False  # the gateway tries again and again to get a token, or to reach GigaChat
    settled: bool = True
    _skew: float = field(default=0.0, init=False)  # requests that were counted and have no line

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Tell the sandbox something, give what it says."""
        return json.loads(fetch(self.sandbox.address, method, path, body))

    def rest(self) -> series.Scrape:
        """Wait until no request is under way on either side and each one has its log line; the metrics then."""
        end = time.monotonic() + _SETTLE_SECONDS
        while True:
            scrape = series.read(self.metrics())
            if not scrape:  # nothing can be seen of it
                time.sleep(_BLIND_SECONDS)
                return scrape
            busy = series.total(scrape, "gpt2giga_proxy_in_flight_requests")
            lines = sum(line["event"] == "request" for line in self.gateway.lines())
            skew = series.total(scrape, "gpt2giga_proxy_requests_total") - lines
            if busy == 0 and skew == self._skew and all(one["ended"] for one in self._asked()):
                return scrape
            if time.monotonic() > end:
                self.settled, self._skew = False, skew
                return scrape
            time.sleep(0.005)

    def metrics(self) -> str:
        """All that `/metrics` says; nothing when nobody answers."""
        try:
            return fetch(self.gateway.address, "GET", "/metrics").decode()
        except (OSError, http.client.HTTPException):
            return ""

    def upstream(self, holders: Placeholders) -> list[dict[str, Any]]:
        """What GigaChat was asked: method and path, headers in their order, the body with its keys in their order."""
        left_out = _BACKGROUND_PLACES | {"oauth"} if self.restless else _BACKGROUND_PLACES
        asked = [one for one in self._asked() if one["where"] not in left_out]
        return [holders.value(_recorded(one)) for one in asked]

    def log(self, since: int, holders: Placeholders) -> list[dict[str, Any]]:
        """The lines from the given one on, but for those of the background."""
        lines = self.gateway.lines()[since:]
        if self.restless:
            return [holders.line(line) for line in lines if line["event"] == "request"]
        return [holders.line(line) for line in lines if line["event"] not in _BACKGROUND_EVENTS]

    def quiet(self) -> None:
        """Wait until the gateway has logged nothing for a moment: lines are written behind what they tell of."""
        end, seen = time.monotonic() + _SETTLE_SECONDS, -1
        while (now := len(self.gateway.lines())) != seen and time.monotonic() < end:
            seen = now
            time.sleep(_QUIET_SECONDS)

    def awaits(self, event: str, seconds: float = 20.0) -> bool:
        """Wait until the gateway has logged this."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if any(line["event"] == event for line in self.gateway.lines()):
                return True
            time.sleep(0.02)
        return False

    def awaits_question(self, seconds: float) -> None:
        """Wait until the gateway has asked GigaChat something of its own accord, if it does."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if any(one["where"] in _BACKGROUND_PLACES and one["ended"] for one in self._asked()):
                return
            time.sleep(0.02)

    def _asked(self) -> list[dict[str, Any]]:
        asked: list[dict[str, Any]] = self.control("GET", "/sandbox/requests")
        return asked


def _recorded(one: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in one.items() if name not in _MOVING}
    return {**kept, "headers": [f"{name}: {value}" for name, value in one["headers"].items()]}
