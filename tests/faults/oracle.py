"""What the rules allow, computed apart from the gateway: tries, their budget, the circuit; and what was really paid.

The rules are those of docs/errors.md and of the README's section on tries, written down here once more: a gateway that
breaks them can't pass by agreeing with itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from app.sandbox.record import Record, Records

# How often a request is sent again, by what happened to it, before its first event has gone to the client.
TRIES = {"connect": 2, "5xx": 2, "500": 1, "cut": 2, "first event": 1, "whole time-out": 0, "401": 1}
BUDGET_SHARE, BUDGET_FLOOR = 0.1, 10
CIRCUIT_ATTEMPTS = 20

_MARKER = re.compile(r"\bm\d{6}\b")
# Faults after which GigaChat has generated nothing.
_UNPAID = frozenset({"status", "html_200", "down"})


def retries_at_most(requests: int) -> int:
    """How many retries a minute with so many requests has."""
    return max(BUDGET_FLOOR, int(requests * BUDGET_SHARE))


def attempts_at_most(requests: int, slots: int, *, tries: int) -> int:
    """How many attempts an outage may cost from its beginning until the circuit opens.

    The circuit opens at the 20th; as many as there are slots may be on their way by then. Where it opens after a
    healthy time, half of all in the window must have failed: that many more come first.
    """
    return min(requests + min(retries_at_most(requests), requests * tries), CIRCUIT_ATTEMPTS + slots)


class AllRecords(Records):
    """The sandbox's record without its bound: no request of a long run is forgotten."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()
        self._kept = self._kept.__class__(self._kept, None)


@dataclass(slots=True)
class Ledger:
    """What GigaChat did for each marker: attempts that came, and answers that it generated and took money for."""

    attempts: Counter[str] = field(default_factory=Counter)
    paid: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, records: Iterable[Record]) -> Ledger:
        """The ledger of a record of requests."""
        ledger = cls()
        for record in records:
            if record.where == "chat" and (marker := find_marker(record)) is not None:
                ledger.attempts[marker] += 1
                ledger.paid[marker] += is_paid(record)
        return ledger

    @property
    def twice(self) -> float:
        """The share of answers that were paid again, of all that were paid. All have the same length."""
        paid = sum(self.paid.values())
        return sum(count - 1 for count in self.paid.values() if count > 1) / paid if paid else 0.0


def find_marker(record: Record) -> str | None:
    """The marker of the question that a chat request is about."""
    try:
        text = record.body["messages"][-1]["content"]
    except (KeyError, TypeError, IndexError):
        return None
    found = _MARKER.search(text)
    return found[0] if found else None


def is_paid(record: Record) -> bool:
    """Whether GigaChat generated an answer, even one that did not arrive."""
    return (record.status == 200 or (record.status == 0 and "slow" not in record.faults)) and not (
        _UNPAID & set(record.faults)
    )
