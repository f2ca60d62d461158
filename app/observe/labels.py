"""What labels may say. Every domain is bounded: a value outside it becomes `other` and is counted."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter

from app.errors import STATUSES

ENDPOINTS = ("chat", "embeddings", "models", "files", "other")
STREAMED = ("chat",)  # the endpoints that can answer with a stream
STREAM = ("true", "false")
OPERATIONS = ("oauth", "chat", "embeddings", "models", "files", "tokens", "balance", "other")
SOURCES = ("oauth", "password", "mtls", "ready", "none")
FIRST_LEVEL = frozenset({"oauth", "password", "mtls"})  # sources that renew themselves
SIDES = ("client", "upstream", "idle_timeout", "shutdown")
TOKEN_TYPES = ("prompt", "completion", "cached")
METHODS = ("upstream", "counted", "none")  # how the tokens of an answer that was cut off are known
OBJECTIVES = ("availability", "ttft", "token")
RESULTS = ("good", "bad", "excluded")
STATES = ("active", "dead")
# What GigaChat answers beyond the statuses that clients get: operators watch for each.
CODES = tuple(str(status) for status in (*STATUSES, 402, 403, 422, 423))

MAX_MODELS = 24
MAX_PACKAGES = 24
MAX_CREDENTIALS = 16
MAX_PARAMS = 64  # the rules of our own tables; there are about fifty


class Domain:
    """The values of one label: those known from the start, and the first ones that come up to `room`."""

    def __init__(self, label: str, overflow: Counter, known: Iterable[str] = (), *, room: int = 0) -> None:
        self._known = set(known)
        self._room = room
        self._overflow = overflow.labels(label)

    def allow(self, names: Iterable[str]) -> None:
        """Take these in while there is room; the first ever seen stay."""
        for name in names:
            if name not in self._known and self._room > 0:
                self._known.add(name)
                self._room -= 1

    def of(self, value: str) -> str:
        """The label for a value."""
        if value in self._known:
            return value
        if value != "other":
            self._overflow.inc()
        return "other"
