"""Answers that come to their end though their client leaves: each is made by a task of its own.

Usually GigaChat is stopped as soon as nobody listens. A client that asks for it (`X-On-Abort: drain`) has its answer
made all the same, so that its usage is exact. That is of what GigaChat works on: a request that waits for its turn, or
for its next try, ends with its client all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from typing import Any, TypeVar

from app.admission.memory import Reservation
from app.background import report_bug
from app.errors import GatewayError, drop_frames
from app.observe.request_record import RequestRecord
from app.translate.dialogue import Event

_MOST_BATCHES = 64  # that wait for the client; GigaChat waits meanwhile

T = TypeVar("T")
Around = Callable[[], AbstractAsyncContextManager[None]]
Batches = AbstractAsyncContextManager[AsyncIterator[list[Event]]]


class Runs:
    """The answers that are being made. `under_way` is a context of work that a shutdown waits for, or ends.

    `tell_usage` hears the usage of an answer whose client has left.
    """

    def __init__(
        self,
        under_way: Callable[[], AbstractContextManager[None]],
        tell_usage: Callable[[RequestRecord], None],
    ) -> None:
        self._under_way = under_way
        self._tell_usage = tell_usage
        self._tasks: set[asyncio.Task[Any]] = set()

    async def finish(
        self, work: Callable[[], Awaitable[T]], around: Around, record: RequestRecord, memory: Reservation
    ) -> T:
        """What `work` gives, which goes on if this is cancelled.

        `around` is a context of the work's own, `memory` what its request holds: it is given back at the work's end.
        """

        async def run() -> T:
            with self._under_way():
                async with around():
                    return await work()

        task = self._start(run(), record, memory)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            _leave(task, record)
            raise

    @asynccontextmanager
    async def stream(
        self, batches: Batches, around: Around, record: RequestRecord, memory: Reservation
    ) -> AsyncIterator[AsyncIterator[list[Event]]]:
        """The batches of a stream, the first of which has come; it is read to its end if this context ends before."""
        reader = _Reader()

        async def run() -> None:
            with self._under_way():
                async with around(), batches as all_batches:
                    reader.begin()
                    async for events in all_batches:
                        await reader.take(events)

        task = self._start(run(), record, memory)
        task.add_done_callback(reader.end)
        try:
            await reader.begun
            yield reader
        finally:
            reader.leave()
            _leave(task, record)

    def begin(self, work: Coroutine[Any, Any, None], record: RequestRecord, memory: Reservation) -> None:
        """Have work done, whoever waits for it."""

        async def run() -> None:
            with self._under_way():
                await work

        self._start(run(), record, memory)

    async def stop(self) -> None:
        """Cancel all."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, T], record: RequestRecord, memory: Reservation) -> asyncio.Task[T]:
        task = asyncio.create_task(work, name="run")
        self._tasks.add(task)
        task.add_done_callback(lambda ended: self._end(ended, record, memory))
        return task

    def _end(self, task: asyncio.Task[Any], record: RequestRecord, memory: Reservation) -> None:
        memory.give(memory.taken)
        self._tasks.discard(task)
        fault = None if task.cancelled() else task.exception()
        if record.awaits_usage:  # the client has left, and nobody else hears of it
            if isinstance(fault, GatewayError):
                drop_frames(fault)
            elif isinstance(fault, Exception):
                report_bug(fault, "an answer whose client has left")
            self._tell_usage(record)


def _leave(task: asyncio.Task[Any], record: RequestRecord) -> None:
    """The client takes no more. What GigaChat works on goes on."""
    if task.done():
        return
    if record.upstream_running:
        record.expect_usage()
    else:
        task.cancel()


class _Reader:
    """Between the task that reads a stream and the client, who may leave."""

    def __init__(self) -> None:
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._batches: asyncio.Queue[list[Event] | None] = asyncio.Queue(_MOST_BATCHES)
        self._has_left = False
        self._fault: BaseException | None = None
        self._is_over = False

    def begin(self) -> None:
        """The first batch has come."""
        if not self.begun.done():  # whoever waits for it may have left
            self.begun.set_result(None)

    async def take(self, events: list[Event]) -> None:
        """A batch has come; nobody wants it where the client has left."""
        if not self._has_left:
            await self._batches.put(events)

    def leave(self) -> None:
        """The client takes no more. Whoever waits to hand on a batch goes on."""
        self._has_left = True
        while not self._batches.empty():
            self._batches.get_nowait()

    def end(self, task: asyncio.Task[None]) -> None:
        """The stream has come to its end, or failed."""
        fault = asyncio.CancelledError() if task.cancelled() else task.exception()
        if not self.begun.done():
            if fault is not None and not self._has_left:
                self.begun.set_exception(fault)
            else:
                self.begun.cancel()
        self._fault, self._is_over = fault, True
        if self._batches.empty():
            self._batches.put_nowait(None)

    def __aiter__(self) -> _Reader:
        """The reader is its own iterator."""
        return self

    async def __anext__(self) -> list[Event]:
        """The next batch. Raises what the stream fails with."""
        events = None if self._is_over and self._batches.empty() else await self._batches.get()
        if events is not None:
            return events
        if self._fault is not None:
            raise self._fault
        raise StopAsyncIteration
