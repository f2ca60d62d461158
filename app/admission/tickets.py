"""What a request brings to the queue: whose it is, how urgent it is, and until when it may wait."""

from __future__ import annotations

from typing import NamedTuple


class Ticket(NamedTuple):
    """One request's place in the queue. Times are on the monotonic clock."""

    tenant: str
    received: float
    waits_until: float  # it starts before this, or not at all
    deadline: float | None = None  # its answer is of no use after this; None: the client names no time
    is_batch: bool = False  # it gives way to the tenant's other requests
    drains: bool = False  # GigaChat is read to its end though the client leaves

    def renew(self, now: float) -> Ticket:
        """The ticket of what the same request asks next: it may wait as long again, but not past its deadline."""
        waits_until = now + self.waits_until - self.received
        return self._replace(waits_until=waits_until if self.deadline is None else min(waits_until, self.deadline))
