"""Whose turn it is: deficit round robin between tenants, then urgent requests before others, then first come.

Each tenant with waiting requests has a line with a credit. A turn gives it one request's credit, and a request costs
what it takes of GigaChat's time, as a multiple of the usual time: a tenant with long requests has fewer turns. A tenant
that comes newly goes before those that have waited for their turn again and again, so that the thousand requests of
one tenant delay the single one of another by one request at most. A line that has become empty keeps its place until
its next turn: a tenant gains nothing by coming one request at a time.
Sources: M. Shreedhar and G. Varghese, "Efficient Fair Queuing Using Deficit Round-Robin" (1995); RFC 8290, 4.2 (new
lines before old ones), 4.1 (where there is no room, the longest queue loses one).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, TypeVar

# The name under which tenants wait that are more than are told apart.
OTHER = "other"
_TURN = 1.0  # the credit of one turn, and what a request of usual length costs
_DEEPEST_DEBT = 8.0  # turns: a very long answer does not shut its tenant out

L = TypeVar("L")


class Waiting(Generic[L]):
    """A request that waits. `turn` becomes its lease. `stays`: it has had a turn before, and gives its place to none.

    Times are on the monotonic clock.
    """

    __slots__ = ("is_batch", "line", "since", "stays", "turn")

    def __init__(
        self, line: str, since: float, turn: asyncio.Future[L], *, is_batch: bool, stays: bool = False
    ) -> None:
        self.line = line
        self.since = since
        self.turn = turn
        self.is_batch = is_batch
        self.stays = stays


class _Line(Generic[L]):
    """One tenant's waiting requests."""

    __slots__ = ("batch", "credit", "urgent")

    def __init__(self) -> None:
        self.urgent: OrderedDict[Waiting[L], None] = OrderedDict()
        self.batch: OrderedDict[Waiting[L], None] = OrderedDict()
        self.credit = _TURN

    def __len__(self) -> int:
        return len(self.urgent) + len(self.batch)

    def part_of(self, waiting: Waiting[L]) -> OrderedDict[Waiting[L], None]:
        return self.batch if waiting.is_batch else self.urgent

    def find_last(self) -> Waiting[L] | None:
        """The one whose turn comes last, if it has had none before."""
        part = self.batch or self.urgent
        last = next(reversed(part), None)
        return None if last is None or last.stays else last


class TenantQueue(Generic[L]):
    """The waiting requests of all tenants. At most `most_tenants` tenants are told apart."""

    def __init__(self, most_tenants: int) -> None:
        self._most_tenants = most_tenants
        self._new: OrderedDict[str, _Line[L]] = OrderedDict()
        self._old: OrderedDict[str, _Line[L]] = OrderedDict()
        self.length = 0  # of the whole queue

    def __iter__(self) -> Iterator[Waiting[L]]:
        for line in self._lines():
            yield from line.urgent
            yield from line.batch

    def find_line(self, tenant: str) -> str:
        """The name of the line in which a tenant's requests wait."""
        is_known = tenant in self._new or tenant in self._old
        return tenant if is_known or len(self._new) + len(self._old) < self._most_tenants else OTHER

    def add(self, waiting: Waiting[L]) -> None:
        """A request waits from now on: one that stays goes before all others of its kind."""
        line = self._find(waiting.line)
        if line is None:
            line = self._new[waiting.line] = _Line()
        part = line.part_of(waiting)
        part[waiting] = None
        if waiting.stays:
            part.move_to_end(waiting, last=False)
        self.length += 1

    def remove(self, waiting: Waiting[L]) -> None:
        """A request waits no longer: it has left, or its time is up. One whose turn has come is not there any more."""
        line = self._find(waiting.line)
        if line is not None and line.part_of(waiting).pop(waiting, self) is None:
            self._shorten()

    def find_displaced(self, name: str, *, is_batch: bool) -> Waiting[L] | None:
        """The request that loses its place to a new one of this line where there is no room; None: the new one does.

        The longest line loses its last one, unless the new one's would become as long. Else a tenant's own batch does.
        """
        own = self._find(name)
        length = 0 if own is None else len(own)
        longest = max((line for line in self._lines() if line.find_last() is not None), key=len, default=None)
        if longest is not None and len(longest) > length + 1:
            return longest.find_last()
        return own.find_last() if own is not None and own.batch and not is_batch else None

    def take_next(self) -> Waiting[L] | None:
        """The request whose turn it is, which does not wait any more; None if none waits."""
        while self.length:
            lines = self._new or self._old
            name, line = next(iter(lines.items()))
            if not line and lines is self._old:
                del self._old[name]
            elif not line or line.credit <= 0:
                line.credit = min(line.credit + _TURN, _TURN)
                del lines[name]
                self._old[name] = line
            else:
                line.credit -= _TURN
                waiting = (line.urgent or line.batch).popitem(last=False)[0]
                self._shorten()
                return waiting
        return None

    def charge(self, name: str, times: float) -> None:
        """A request of this line took so many times the usual time: what it cost beyond its turn, or less.

        What short requests leave of a turn is for the turn that goes on: nobody saves for several.
        """
        line = self._find(name)
        if line is not None:
            line.credit = min(max(line.credit - (times - _TURN), -_DEEPEST_DEBT), _TURN)

    def count_before(self, name: str, *, is_batch: bool) -> int:
        """How many waiting requests go before the next one of this line, if each costs the same."""
        line = self._find(name)
        own = 0 if line is None else len(line.urgent) + (len(line.batch) if is_batch else 0)
        return own + sum(min(len(other), own + 1) for other in self._lines() if other is not line)

    def _shorten(self) -> None:
        self.length -= 1
        if not self.length:  # nobody waits: there are no turns to be fair about
            self._new.clear()
            self._old.clear()

    def _find(self, name: str) -> _Line[L] | None:
        line = self._new.get(name)
        return self._old.get(name) if line is None else line

    def _lines(self) -> Iterator[_Line[L]]:
        yield from self._new.values()
        yield from self._old.values()
