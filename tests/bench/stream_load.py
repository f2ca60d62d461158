"""Many slow streams at a time: opened at a steady rate, read to their end, every chunk timed."""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from . import payloads, slow

_LAST_CHUNK = b"0\r\n\r\n"
_PATIENCE_SECONDS = 30  # after the time at which the last stream should have ended
PROBE_SECONDS = 0.02
SAMPLE_SECONDS = 0.5
_GOLDEN = 0.6180339887  # its multiples, without their whole parts, lie evenly in any number


@dataclass(slots=True, frozen=True)
class Plan:
    """So many streams, opened `rate` a second; each lasts until all have run together for `hold` seconds."""

    streams: int
    rate: float
    hold: float

    @property
    def ramp(self) -> float:
        """Seconds until the last one is opened."""
        return self.streams / self.rate

    @property
    def chunks(self) -> int:
        """Of each stream, one a second."""
        return round(self.ramp + self.hold) + 1


@dataclass(slots=True)
class Times:
    """What was seen, in seconds; delays and gaps only while all streams ran."""

    first: array[float] = field(default_factory=lambda: array("d"))
    delays: array[float] = field(default_factory=lambda: array("d"))
    gaps: array[float] = field(default_factory=lambda: array("d"))
    probes: array[float] = field(default_factory=lambda: array("d"))
    errors: Counter[str] = field(default_factory=Counter)
    peak_megabytes: float = 0.0


class Streams:
    """What the connections of one run share."""

    def __init__(self, plan: Plan, port: int) -> None:
        content = payloads.body("2k", slow.SLOW, plan.chunks)
        self.request = payloads.http(content, port)
        self.plan, self.port = plan, port
        self.times = Times()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ended = 0
        self._silent = plan.streams

    @property
    def all_run(self) -> bool:
        """All have had their first chunk, and none has ended."""
        return not self._silent and not self._ended

    def begin(self, seconds: float) -> None:
        """A stream has had its first chunk, so long after it was asked for."""
        self._silent -= 1
        self.times.first.append(seconds)

    def end(self, error: str | None, *, silent: bool) -> None:
        """A stream is over; one that failed before its first chunk is waited for no more."""
        if error is not None:
            self.times.errors[error] += 1
            self._silent -= silent
        else:
            self._ended += 1
        if self._ended + self.times.errors.total() == self.plan.streams and not self.done.done():
            self.done.set_result(None)

    def give_up(self) -> None:
        """Whatever still runs will not end."""
        if left := self.plan.streams - self._ended - self.times.errors.total():
            self.times.errors["not ended"] += left


class Stream(asyncio.Protocol):
    """One stream, on a connection of its own."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._rest = b""
        self._chunks = 0
        self._over = False
        self._asked = self._last = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask at once."""
        self._transport = cast("asyncio.Transport", transport)
        self._asked = time.monotonic()
        self._transport.write(self._streams.request)

    def connection_lost(self, exc: Exception | None) -> None:
        """Too early, unless the stream is over."""
        self._finish(f"closed {'in the middle' if self._chunks else 'before the first chunk'}: {exc!r}")

    def data_received(self, data: bytes) -> None:
        """Compare each chunk's time with now."""
        now = time.monotonic()
        data = self._rest + data
        if not self._chunks and data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 200 "):
            self._finish(data.partition(b"\r\n")[0].decode())
            return
        if not data.endswith(b"\r\n"):
            self._rest = data
            return
        self._rest = b""
        for sent in slow.sent(data):
            self._note(sent, now)
        if data.endswith(b"\r\n" + _LAST_CHUNK) or data == _LAST_CHUNK:
            missing = self._streams.plan.chunks - self._chunks
            self._finish(f"{missing} chunks missing" if missing else None)

    def _note(self, sent: float, now: float) -> None:
        if not self._chunks:
            self._streams.begin(now - self._asked)
        elif self._streams.all_run:
            self._streams.times.delays.append(now - sent)
            self._streams.times.gaps.append(now - self._last)
        self._chunks += 1
        self._last = now

    def _finish(self, error: str | None) -> None:
        if self._over:
            return
        self._over = True
        self._streams.end(error, silent=not self._chunks)
        if self._transport is not None:
            self._transport.close()


async def _probe(streams: Streams) -> None:
    """Ask /livez again and again: an answer waits as long as the process pauses."""
    reader, writer = await asyncio.open_connection("127.0.0.1", streams.port)
    request = f"GET /livez HTTP/1.1\r\nHost: 127.0.0.1:{streams.port}\r\n\r\n".encode()
    try:
        while True:
            started = time.monotonic()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            _, _, rest = head.lower().partition(b"content-length:")
            await reader.readexactly(int(rest.split(b"\r\n", 1)[0]))
            if streams.all_run:
                streams.times.probes.append(time.monotonic() - started)
            await asyncio.sleep(PROBE_SECONDS)
    finally:
        writer.close()


async def _open(streams: Streams) -> None:
    """Open the streams in time, each in a task of its own, so that one that is slow to open holds up no other."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    opening: set[asyncio.Task[None]] = set()
    for index in range(streams.plan.streams):
        # not in step with the streams opened a second before: their chunks would come in heaps
        due = start + (index + index * _GOLDEN % 1) / streams.plan.rate
        await asyncio.sleep(max(0.0, due - loop.time()))
        task = loop.create_task(_connect(streams))
        opening.add(task)
        task.add_done_callback(opening.discard)
    await asyncio.gather(*opening)


async def _connect(streams: Streams) -> None:
    try:
        await asyncio.get_running_loop().create_connection(lambda: Stream(streams), "127.0.0.1", streams.port)
    except OSError as error:
        streams.end(f"not connected: {error}", silent=True)


async def _watch(times: Times, megabytes: Callable[[], float]) -> None:
    while True:
        times.peak_megabytes = max(times.peak_megabytes, megabytes())
        await asyncio.sleep(SAMPLE_SECONDS)


async def drive(plan: Plan, port: int, megabytes: Callable[[], float], *, probe: bool) -> Times:
    """Run the plan to its end, asking for the memory meanwhile; with `probe`, /livez is asked all the time.

    Streams that neither end nor fail long after all should have ended are errors.
    """
    streams = Streams(plan, port)
    tasks = [asyncio.create_task(_open(streams)), asyncio.create_task(_watch(streams.times, megabytes))]
    if probe:
        tasks.append(asyncio.create_task(_probe(streams)))
    try:
        async with asyncio.timeout(plan.ramp + plan.chunks + _PATIENCE_SECONDS):
            await streams.done
    except TimeoutError:
        streams.give_up()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return streams.times
