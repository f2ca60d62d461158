"""Records requests and their outcomes, for tests and for people."""

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
    """One request. Times are Unix seconds of the real clock. While it runs, `ended` is None and `outcome` empty.

    `chunks`: the events that were sent, [DONE] included. `unknown`: the keys of the body that v1 ignores. `faults`: the
    kinds that fired. `status` is 0 if there was no answer.
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
        """Close the record. Further calls change nothing."""
        if self.ended is None:
            self.ended = time.time()
            self.outcome = outcome

    def describe(self) -> dict[str, Any]:
        """The record as JSON for the control API."""
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
        record = Record(where, method, replace_invalid_utf8(path), _hash_credentials(headers))
        self._kept.append(record)
        return record

    def of(self, where: str | None = None) -> list[Record]:
        """The records of a place, or all records."""
        return [record for record in self._kept if where in (None, "any", record.where)]

    def clear(self) -> None:
        """Forget all requests."""
        self._kept.clear()


def hash_credential(authorization: str) -> str:
    """The scheme and a short hash of the credential: equal ones can be recognised, none can be read."""
    scheme, _, credential = authorization.partition(" ")
    return f"{scheme} sha256:{hashlib.sha256(credential.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"


def _hash_credentials(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        str(name): hash_credential(value) if name.lower() == "authorization" else replace_invalid_utf8(value)
        for name, value in headers.items()
    }


def replace_invalid_utf8(value: str) -> str:
    """A header's value as valid Unicode text: bytes that are not UTF-8 are replaced."""
    return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
