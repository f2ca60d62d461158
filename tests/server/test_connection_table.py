"""The table of connections: who gets a place, who gives one up, who is let in beyond the limit."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from typing import Any

import pytest

from app.errors import OVERLOADED, GatewayError
from app.observe import metrics
from app.observe.connections import ConnectionObserver
from app.server.connection_table import GRACE_TURNS, Connections, default_limit, open_files


class Fake:
    """A connection that notes what happens to it."""

    def __init__(self, table: Connections) -> None:
        self.extra = self.busy = False
        self.evicted = False
        self.refused: GatewayError | None = None
        self._table = table
        table.open(self)

    def evict(self) -> None:
        """It has to go."""
        self.evicted = True
        self._table.close(self)

    def refuse(self, error: GatewayError) -> None:
        """It gets an error."""
        self.refused = error
        self._table.close(self)

    def cut_if_unread(self, _now: float) -> None:
        """Its client reads."""

    def begin(self) -> None:
        """A request comes."""
        self.busy = True
        if self.extra:
            self._table.begin_extra(self)

    def end(self) -> None:
        """It is answered."""
        self.busy = False
        self._table.end(self)


TableStarter = Callable[..., Connections]


@pytest.fixture
async def start_table() -> AsyncIterator[TableStarter]:
    """Make tables with three places, and with limits of one's own."""
    with ExitStack() as stack:

        def start(**limits: Any) -> Connections:
            found = Connections(3, ConnectionObserver(metrics.shared(), "metrics", 3), grace=0, **limits)
            stack.callback(found.stop)
            return found

        yield start


@pytest.fixture
async def table(start_table: TableStarter) -> Connections:
    """With three places."""
    return start_table()


async def turn() -> None:
    """Let the loop do what it has to."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_the_longest_idle_one_goes(table: Connections) -> None:
    """The end of a request counts, not its begin, nor when the client came."""
    first, second, third = (Fake(table) for _ in range(3))
    for one in (first, third, second):
        one.begin()
    for one in (third, first, second):
        one.end()
    fourth = Fake(table)
    await turn()
    assert (third.evicted, first.evicted, second.evicted, fourth.extra) == (True, False, False, False)
    Fake(table)
    await turn()
    assert (first.evicted, second.evicted, fourth.evicted) == (True, False, False)


async def test_a_request_that_has_come_saves_its_connection(table: Connections) -> None:
    """What has come in the same turn of the loop as the new client counts."""
    first, second, _ = (Fake(table) for _ in range(3))
    Fake(table)
    first.begin()
    await turn()
    assert (first.evicted, second.evicted) == (False, True)


async def test_a_client_that_just_came_keeps_its_place() -> None:
    """Its request is on the way: whoever comes right behind it waits, and those that come later take the place."""
    table = Connections(1, ConnectionObserver(metrics.shared(), "metrics", 1))
    first, second = Fake(table), Fake(table)
    await turn()
    assert (first.evicted, second.extra, second.refused) == (False, True, None)
    for _ in range(GRACE_TURNS):
        Fake(table)
        await turn()
    assert (first.evicted, second.refused) == (True, None)
    table.stop()


async def test_beyond_the_limit_with_none_idle(table: Connections) -> None:
    """Sixteen are let in, and the oldest of them is refused for the next."""
    for _ in range(3):
        Fake(table).begin()
    extra = [Fake(table) for _ in range(17)]
    await turn()
    assert [one.refused is not None for one in extra] == [True] + [False] * 16
    assert extra[0].refused is not None
    assert extra[0].refused.kind is OVERLOADED
    assert all(one.extra for one in extra)


async def test_one_beyond_the_limit_gets_a_place_that_becomes_free(table: Connections) -> None:
    """When a client leaves. Those that came together do not take each other's."""
    busy = [Fake(table) for _ in range(3)]
    for one in busy:
        one.begin()
    extra = [Fake(table) for _ in range(3)]
    await turn()
    table.close(busy[0])
    await turn()
    assert [one.extra for one in extra] == [False, True, True]
    busy[1].end()
    await turn()
    assert [one.extra for one in extra] == [False, True, True]
    table.close(busy[1])
    await turn()
    assert [one.extra for one in extra] == [False, False, True]
    assert not any(one.evicted or one.refused for one in extra)


async def test_one_beyond_the_limit_that_is_served_gets_no_place(table: Connections) -> None:
    """It ends with its answer."""
    busy = [Fake(table) for _ in range(3)]
    for one in busy:
        one.begin()
    extra = Fake(table)
    await turn()
    extra.begin()
    table.close(busy[0])
    await turn()
    extra.end()
    assert extra.extra
    assert not Fake(table).extra


async def test_one_beyond_the_limit_that_is_silent(start_table: TableStarter) -> None:
    """It is refused soon."""
    table = start_table(extra_seconds=0.0)
    await turn()  # the first look
    for _ in range(3):
        Fake(table).begin()
    extra = Fake(table)
    await turn()
    assert extra.refused is None
    table.tick()
    assert extra.refused is not None


async def test_few_files_are_left(start_table: TableStarter) -> None:
    """Idle connections go for what else needs files, and new ones get only what others give up."""
    files = 2
    table = start_table(most_files=10, count_files=lambda: files)
    await turn()  # the first look
    first, second = Fake(table), Fake(table)
    files = 11
    table.tick()
    assert (first.evicted, second.evicted) == (True, False)
    third = Fake(table)
    await turn()
    assert (second.evicted, third.extra) == (True, False)
    third.begin()
    fourth = Fake(table)
    await turn()
    assert fourth.extra
    assert not third.evicted


@pytest.mark.parametrize(
    ("files", "limit"), [(300, 100), (1024, 462), (64, 16), (1_048_576, 4096), (resource.RLIM_INFINITY, 4096)]
)
def test_the_limit(files: int, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of what the limit of open files leaves; where there is none to speak of, what a container's memory bears."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, resource.RLIM_INFINITY))
    assert default_limit() == limit


def test_the_open_files_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the system tells them; where not even that can be asked, they are too many."""
    before = open_files()
    assert 3 <= before < 5000
    with open("/dev/null", "rb"):
        assert open_files() == before + 1

    def fails(_path: str) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("os.stat", fails)
    assert open_files() > 10**9
