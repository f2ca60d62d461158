"""What a request brings to the queue: whose it is, how urgent it is, and until when it may wait."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ticket:
    """One request's place in the queue. Times are on the monotonic clock."""

    tenant: str
    received: float
    waits_until: float  # it starts before this, or not at all
    deadline: float | None = None  # its answer is of no use after this; None: the client names no time
    is_batch: bool = False  # it gives way to the tenant's other requests
