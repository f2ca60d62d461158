"""The memory that requests may hold, limited for all of them together.

It counts request bodies, files that are fetched for a request, and answers that the client has not read yet. While a
tenant is alone, it may hold all of it. While other tenants hold memory, or were refused some a moment ago, each tenant
may hold at most half. A tenant above half is refused more, and its evictable work (bodies that still arrive, answers
that nobody reads) is ended when another tenant needs the memory. Small requests have a reserve beyond the limit, an
eighth of it, so that a few large requests cannot lock out all others.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from app.errors import OVERLOADED, GatewayError

# A request is small up to this part of the limit: 1 MiB of 256 MiB.
_SMALL_DIVISOR = 256
_RESERVE_DIVISOR = 8
# After a tenant was refused memory, other tenants may hold at most half for this time: the client retries within it.
_CONTENTION_SECONDS = 10.0
# After a refusal the memory counts as exhausted for this time, even though the refused request has returned its part.
_EXHAUSTED_SECONDS = 2.0


class Memory:
    """The memory of all requests together, in bytes."""

    def __init__(self, limit: int, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self.limit = limit
        self.left = limit
        self.highest = 0  # bytes that were held at a time; whoever uses it sets it back
        self._max_small = limit // _SMALL_DIVISOR
        self._reserve = limit // _RESERVE_DIVISOR
        self._small = 0  # bytes that small requests hold
        self.tenants: dict[str, int] = {}  # bytes held, by each tenant that holds any
        self._evictable: set[Reservation] = set()
        self._refused_tenant = ""  # the last tenant that needed memory which another one held
        self._contended_until = 0.0  # by the clock, as all times here
        self._exhausted_until = 0.0

    def reserve(self, tenant: str = "") -> Reservation:
        """A context for one request. Its bytes count until it ends, except those that it hands over."""
        return Reservation(self, tenant)

    @property
    def is_exhausted(self) -> bool:
        """Whether large requests are refused."""
        return self.left < self._reserve or self._clock() < self._exhausted_until

    def _change(self, reservation: Reservation, size: int) -> None:
        before, tenant = reservation.taken, reservation.tenant
        taken = reservation.taken = before + size
        self.left -= size
        max_small = self._max_small
        if before <= max_small and taken <= max_small:
            self._small += size
        else:
            self._count_large(before, taken)
        held = self.tenants.get(tenant, 0) + size
        if held:
            self.tenants[tenant] = held
        else:
            self.tenants.pop(tenant, None)

    def _count_large(self, before: int, taken: int) -> None:
        """Something large has changed: only that makes a peak."""
        if before <= self._max_small:
            self._small -= before
        elif taken <= self._max_small:
            self._small += taken
        self.highest = max(self.highest, self.limit - self.left)

    def _check(self, reservation: Reservation) -> None:
        """Raise GatewayError if the reservation, which has just grown, holds too much."""
        held = self.tenants.get(reservation.tenant, 0)
        exceeds_half = 2 * held > self.limit and self._is_needed_by_others(reservation.tenant, held)
        if self.left >= 0 and not exceeds_half:
            return
        if reservation.taken <= self._max_small and self._small <= self._reserve:
            return
        if self.left < 0 and not exceeds_half and self._evict_largest_tenant(reservation.tenant):
            return
        if self.left >= 0:
            message = (
                "Your requests hold half of the gateway's memory, which is what one client may hold beside others."
            )
        else:
            self._exhausted_until = self._clock() + _EXHAUSTED_SECONDS
            message = "The gateway holds too many large requests."
        raise GatewayError(OVERLOADED, f"{message} Try again shortly.")

    def _is_needed_by_others(self, tenant: str, held: int) -> bool:
        """Whether other tenants than this one, which holds so many bytes, hold or need memory."""
        others = self.limit - self.left - held
        return others > 0 or (self._refused_tenant != tenant and self._clock() < self._contended_until)

    def _evict_largest_tenant(self, tenant: str) -> bool:
        """End evictable work of another tenant that holds more than half. Returns whether that is enough."""
        largest = max(self.tenants, key=self.tenants.__getitem__)
        if largest == tenant or 2 * self.tenants[largest] <= self.limit:
            return False
        self._refused_tenant = tenant
        self._contended_until = self._clock() + _CONTENTION_SECONDS
        for reservation in sorted(self._evictable, key=lambda one: one.taken, reverse=True):
            if self.left >= 0:
                break
            if reservation.tenant == largest:
                reservation.evict()
        return self.left >= 0


class Reservation:
    """The memory that one request holds, or one piece of work that outlives its request."""

    __slots__ = ("_evict", "_memory", "taken", "tenant")

    def __init__(self, memory: Memory, tenant: str) -> None:
        self._memory = memory
        self._evict: Callable[[], None] | None = None
        self.tenant = tenant
        self.taken = 0

    def __enter__(self) -> Reservation:
        """Begin with no memory."""
        return self

    def __exit__(self, *_fault: object) -> None:
        """Return all memory."""
        if self._evict is not None:
            self.forbid_eviction()
        if self.taken:
            self._memory._change(self, -self.taken)

    def take(self, size: int) -> None:
        """Hold more bytes. Raises GatewayError if all requests together, or those of the tenant, hold too much."""
        self._memory._change(self, size)
        self._memory._check(self)

    def hold(self, size: int) -> None:
        """Hold more bytes without a check: for data that already exists, so that a refusal would save nothing."""
        self._memory._change(self, size)

    def give(self, size: int) -> None:
        """Return bytes."""
        self._memory._change(self, -size)

    def hand_over(self, size: int) -> Reservation:
        """Move bytes to a new reservation, for work that outlives this one."""
        other = Reservation(self._memory, self.tenant)
        self._memory._change(self, -size)
        self._memory._change(other, size)
        return other

    def allow_eviction(self, evict: Callable[[], None]) -> None:
        """From now on this work may be ended, by this call, when another tenant needs the memory."""
        self._evict = evict
        self._memory._evictable.add(self)

    def forbid_eviction(self) -> None:
        """From now on this work must not be ended for another tenant."""
        if self._evict is not None:
            self._evict = None
            self._memory._evictable.discard(self)

    def evict(self) -> None:
        """Return all memory and end the work."""
        end_work = self._evict
        self.forbid_eviction()
        self.give(self.taken)
        if end_work is not None:
            end_work()
