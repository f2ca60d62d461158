"""The record of requests: what came, how it ended, for tests and for a person's eye."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KEPT = 1_000

DONE = "done"
CLIENT_GONE = "client_gone"
FAULT = "fault"
STOPPED = "stopped"


@dataclass(slots=True)
class Record:
    """One request. Times are Unix seconds of the real clock; `ended` is None and `outcome` empty while it lasts.

    `chunks` counts the events that were written ([DONE] included), `unknown` names the keys of the body that v1
    does not know and ignores, `faults` the kinds that fired; `status` is 0 when no answer was given.
    """

    where: str
    method: str
    path: str
    headers: dict[str, str]
    body: Any = None
    started: float = field(default_factory=time.time)
    ended: float | None = None
    outcome: str = ""
    status: int = 0
    chunks: int = 0
    unknown: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def end(self, outcome: str) -> None:
        """Close the record: the time and the outcome are those of the first call."""
        if self.ended is None:
            self.ended = time.time()
            self.outcome = outcome

    def shown(self) -> dict[str, Any]:
        """The record as the control side tells it."""
        return {name: getattr(self, name) for name in self.__slots__}


class Records:
    """The last requests, oldest first."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: deque[Record] = deque(maxlen=KEPT)

    def __len__(self) -> int:
        return len(self._kept)

    def open(self, where: str, method: str, path: str, headers: Mapping[str, str]) -> Record:
        """Begin the record of a request."""
        record = Record(where, method, readable(path), _without_secrets(headers))
        self._kept.append(record)
        return record

    def of(self, where: str | None = None) -> list[Record]:
        """The records of a place, or all."""
        return [record for record in self._kept if where in (None, "any", record.where)]

    def clear(self) -> None:
        """Forget all requests."""
        self._kept.clear()


def shortened(authorization: str) -> str:
    """The scheme and a short hash: two equal credentials look equal, and none can be read."""
    scheme, _, credential = authorization.partition(" ")
    return f"{scheme} sha256:{hashlib.sha256(credential.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"


def _without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        str(name): shortened(value) if name.lower() == "authorization" else readable(value)
        for name, value in headers.items()
    }


def readable(value: str) -> str:
    """What a header says, as JSON can hold it: bytes that were no UTF-8 are replaced."""
    return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
