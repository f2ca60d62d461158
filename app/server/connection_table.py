"""The connections of one port: how many there may be, which are idle, and which one goes when there is no room.

A connection is idle while no request of its own is under way: nothing was sent, a head is unfinished, or the last
answer is out. Where the port is full, the one that has been idle for longest goes for a new one. Where none is idle, a
few more are let in: they may ask the probes (an orchestrator must not restart a gateway for being busy), and get a 503
for anything else.
"""

from __future__ import annotations

import asyncio
import math
import os
import resource
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Protocol

from app.errors import OVERLOADED, GatewayError
from app.observe.connections import ConnectionObserver

# Half of what is left beside files, logs and listeners: each request may need a connection to GigaChat as well.
_OTHER_FILES = 100
# More would cost more memory than a container has, where files are not limited (as under Docker).
_MOST = 4096
_FEWEST = 16
# File descriptors that new connections leave to everything else, whatever leaks.
_SPARE_FILES = 50
_MOST_EXTRA = 16
# Beyond the limit a client has so long for its request, then it is refused.
EXTRA_SECONDS = 1.0
_TICK_SECONDS = 1.0
# In the loop's turns: so many after it has come a client's first request has begun, if it was sent at once. Before, its
# place is not given to others.
GRACE_TURNS = 4


def default_limit() -> int:
    """How many clients may be connected at a time, by the limit of open files."""
    return max(_FEWEST, min((_open_files_limit() - _OTHER_FILES) // 2, _MOST))


def open_files() -> int:
    """How many files the process has open."""
    try:
        # Linux tells since 6.2. To list a thousand takes 1.5 ms.
        return os.stat("/proc/self/fd").st_size or len(os.listdir("/dev/fd"))
    except FileNotFoundError:
        return len(os.listdir("/dev/fd"))
    except OSError:  # not even one more can be opened
        return sys.maxsize


def full() -> GatewayError:
    """The error of whoever finds no room."""
    return GatewayError(OVERLOADED, "The gateway holds too many connections. Try again shortly.")


class Connection(Protocol):
    """One client's connection, as this table sees it."""

    extra: bool  # beyond the limit
    busy: bool  # a request of its own is under way

    def evict(self) -> None:
        """End it, since another one needs its place; it is idle."""

    def refuse(self, error: GatewayError) -> None:
        """Answer this to whatever its client was going to ask, and end it; it is idle."""

    def cut_if_unread(self, now: float) -> None:
        """End it, where its client has taken nothing of what was sent for too long."""


class Connections:
    """One port's."""

    def __init__(
        self,
        limit: int,
        observer: ConnectionObserver,
        *,
        grace: int = GRACE_TURNS,
        extra_seconds: float = EXTRA_SECONDS,
        most_files: int | None = None,
        count_files: Callable[[], int] = open_files,
    ) -> None:
        """`most_files`: how many may be open before idle connections go for them; by the system's limit if None."""
        self.limit = limit
        self._extra_seconds = extra_seconds
        self._count_files = count_files
        self._grace = grace
        self.observer = observer
        self.ending = False  # the process is: no request follows on any connection
        self._loop = asyncio.get_running_loop()
        files = _open_files_limit()
        self._ceiling = files - min(_SPARE_FILES, files // 8) if most_files is None else most_files
        self._others = 0  # open files that are no connections of this port, when last counted
        self._open: set[Connection] = set()
        # These, and in which turn those that are idle became so: the longest idle one first.
        self._order: OrderedDict[Connection, int] = OrderedDict()
        self._turn = 0  # counts those in which clients came, and a few for each tick
        self._extra: OrderedDict[Connection, float] = OrderedDict()  # when they came
        self._new: dict[Connection, bool] = {}  # of these the ones that just came; whether files run out
        self._settling = False
        self._timer = self._loop.call_later(0, self.tick)

    def stop(self) -> None:
        """No new connection comes any more."""
        self.ending = True
        self._timer.cancel()
        self.observer.log_cuts()

    def open(self, connection: Connection) -> None:
        """A client has connected."""
        self._open.add(connection)
        self.observer.record_opened()
        crowded = self._others + len(self._open) > self._ceiling
        connection.extra = crowded or len(self._order) >= self.limit
        if connection.extra:
            self._extra[connection] = self._loop.time()
            self._new[connection] = crowded
            self._settle_soon()
        else:
            self._order[connection] = self._turn

    def begin_extra(self, connection: Connection) -> None:
        """A request is under way on a connection beyond the limit; on others nothing has to be done.

        Under uvloop it may be there before places were looked for. It gets one now, or stays beyond the limit.
        """
        if connection in self._new:
            self._place(connection, self._idle())
        self._extra.pop(connection, None)

    def end(self, connection: Connection) -> None:
        """Its request has been answered."""
        if connection in self._order:
            self._order.move_to_end(connection)
            self._order[connection] = self._turn

    def close(self, connection: Connection) -> None:
        """It is no more."""
        self._open.discard(connection)
        self._new.pop(connection, None)
        self.observer.record_closed()
        self._order.pop(connection, None)
        self._extra.pop(connection, None)
        if self._extra:
            self._settle_soon()

    def _settle_soon(self) -> None:
        """Find places in the loop's next turn: until then, connections whose request has already come are busy.

        Who comes may take the place of another one, once; after that only a place that nobody has.
        """
        if not self._settling:
            self._settling = True
            self._loop.call_soon(self._settle)

    def _settle(self) -> None:
        self._settling = False
        self._turn += 1
        idle = self._idle()
        for connection in list(self._extra):
            self._place(connection, idle)
        self._new.clear()
        while len(self._extra) > _MOST_EXTRA:
            self._extra.popitem(last=False)[0].refuse(full())

    def _place(self, connection: Connection, idle: Iterator[Connection]) -> None:
        """Give it a place that nobody has, or that of one that has been idle for long enough."""
        crowded = self._new.get(connection)
        free = len(self._order) < self.limit and not crowded
        before = math.inf if crowded else self._turn - self._grace
        if free or (crowded is not None and self._evict(idle, before)):
            del self._extra[connection]
            connection.extra = False
            self._order[connection] = self._turn

    def _idle(self) -> Iterator[Connection]:
        """Those that may go for others, as of now: none of them goes for one that came together with it."""
        return (connection for connection in list(self._order) if not connection.busy)

    def _evict(self, idle: Iterator[Connection], before: float = math.inf) -> bool:
        """Whether one was idle since this turn or before, and has gone."""
        connection = next(idle, None)
        if connection is None or self._order[connection] > before:
            return False
        del self._order[connection]
        connection.extra = True  # it holds no place any more
        connection.evict()
        return True

    def tick(self) -> None:
        """Look at all connections, once a second: who takes nothing, who asks nothing, whether files run out."""
        now = self._loop.time()
        self._timer = self._loop.call_at(now + _TICK_SECONDS, self.tick)
        self._turn += GRACE_TURNS  # who was idle before it has had time enough
        for connection in list(self._open):
            connection.cut_if_unread(now)
        for connection, since in list(self._extra.items()):
            if now - since >= self._extra_seconds:
                del self._extra[connection]
                connection.refuse(full())
        self._spare_files()
        self.observer.log_cuts()

    def _spare_files(self) -> None:
        """Files that something else opens are taken from idle connections."""
        used = self._count_files()
        self._others = max(0, used - len(self._open))
        missing = used - self._ceiling
        if missing > 0:
            self.observer.report_file_shortage()
        idle = self._idle()
        for _ in range(min(_MOST_EXTRA, missing)):
            if not self._evict(idle):
                break


def _open_files_limit() -> int:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if files == resource.RLIM_INFINITY else files
