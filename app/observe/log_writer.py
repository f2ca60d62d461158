"""Writes log lines in a separate thread, so that a log that nobody reads (a full pipe) never blocks the gateway.

The queue is limited. If it is full, new lines are dropped and counted, and one line in their place says how many are
missing. The order of lines is kept.
"""

from __future__ import annotations

import logging
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from time import monotonic, sleep

MAX_BYTES = 2 * 1024 * 1024  # of the queued lines, with their overhead
RESERVED_BYTES = 256 * 1024  # the part of it that is only for errors: they tell why other lines are missing
_OVERHEAD_BYTES = 64  # of a bytes object and its place in the queue
# PIPE_BUF of Linux: a write of this size is atomic, so that other programs' lines do not come between.
_PIECE_BYTES = 4096
# The pause after a batch. Lines of this time are written together, so that the thread wakes up less often.
_BATCH_SECONDS = 0.02
_POLL_SECONDS = 0.002
_NEWLINE = ord("\n")


class LogWriter:
    """The queue and its thread. Any thread may write, also in a signal handler or a destructor."""

    def __init__(self, descriptor: int, describe_loss: Callable[[int], bytes], max_bytes: int = MAX_BYTES) -> None:
        """`describe_loss` returns the line that says how many lines are missing."""
        self.dropped = 0  # lines since the start
        self._descriptor = descriptor
        self._describe_loss = describe_loss
        self._max_bytes = max_bytes
        self._max_usual_bytes = max_bytes - min(RESERVED_BYTES, max_bytes // 8)
        self._reset()

    def _reset(self) -> None:
        self._lines: deque[bytes | int] = deque()  # a number means that so many lines are missing in this place
        self._bytes = 0
        self._in_line = False  # the last write ended inside a line
        self._failing = False  # the last write failed
        self._idle = True
        self._stopped = False
        self._lock = threading.RLock()
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, unless it runs. The first line does this too."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
                self._thread.start()

    def write(self, line: bytes, level: int) -> None:
        """Queue a line, which ends in a line break. Drop it if there is no room."""
        line_bytes = len(line) + _OVERHEAD_BYTES
        with self._lock:
            size = self._bytes + line_bytes
            if size > self._max_usual_bytes and (level < logging.ERROR or size > self._max_bytes):
                self.dropped += 1
                self._note_missing(1)
            else:
                self._lines.append(line)
                self._bytes = size
            if not self._idle:
                return
            self._idle = False
        if self._thread is None:
            self.start()
        self._wake.put(None)

    def flush(self, seconds: float) -> bool:
        """Wait until all queued lines are written or dropped, at most this long. Returns whether they are."""
        end = monotonic() + seconds
        while not self._idle:
            if monotonic() > end:
                return False
            sleep(_POLL_SECONDS)
        return True

    def stop(self, seconds: float) -> None:
        """Write the queued lines, for at most this long, and stop the thread. A write that blocks keeps it alive."""
        self.flush(seconds)
        self._stopped = True
        self._wake.put(None)

    def begin_in_child(self) -> None:
        """Restart in a forked process. The parent's lines are forgotten: the parent writes them."""
        self._reset()

    def _note_missing(self, count: int) -> None:
        """Note at the queue's end that lines are missing."""
        last = self._lines[-1] if self._lines else None
        if isinstance(last, int):
            self._lines[-1] = last + count
        else:
            self._lines.append(count)

    def _run(self) -> None:
        while not self._stopped:
            self._write_queued()
            sleep(_BATCH_SECONDS)
            with self._lock:
                self._idle = self._has_nothing_to_write()
            if self._idle:
                self._wake.get()

    def _has_nothing_to_write(self) -> bool:
        """Whether the queue is empty, or the log is broken and the queue holds only a number of missing lines.

        That number is written together with the next line.
        """
        return not self._lines or (self._failing and len(self._lines) == 1 and isinstance(self._lines[0], int))

    def _write_queued(self) -> None:
        while not self._has_nothing_to_write():
            taken = self._take_piece()
            written = self._write(b"".join(self._describe_loss(one) if isinstance(one, int) else one for one in taken))
            with self._lock:
                self._bytes -= sum(len(one) + _OVERHEAD_BYTES for one in taken if isinstance(one, bytes))
                self._failing = not written
                if self._failing:
                    self._drop_all(taken)

    def _drop_all(self, taken: list[bytes | int]) -> None:
        """Drop and count the lines that could not be written and all that wait. Later lines try the log again."""
        dropped = [*taken, *self._lines]
        self.dropped += sum(isinstance(one, bytes) for one in dropped)
        missing = sum(one if isinstance(one, int) else 1 for one in dropped)
        self._lines.clear()
        self._lines.append(missing)
        self._bytes = 0

    def _take_piece(self) -> list[bytes | int]:
        """Take the lines of the next piece from the queue: at least one, and not more than an atomic write holds."""
        taken: list[bytes | int] = []
        left = _PIECE_BYTES
        with self._lock:
            while self._lines:
                first = self._lines[0]
                left -= len(first) if isinstance(first, bytes) else 128
                if left < 0 and taken:
                    break
                taken.append(self._lines.popleft())
        return taken

    def _write(self, piece: bytes) -> bool:
        """Write the whole piece. Returns whether that succeeded."""
        rest = memoryview(b"\n" + piece if self._in_line else piece)
        while rest:
            try:
                written = os.write(self._descriptor, rest)
            except BlockingIOError:  # another process that shares the descriptor made it non-blocking
                waiter = select.poll()
                waiter.register(self._descriptor, select.POLLOUT)
                waiter.poll()
                continue
            except OSError:
                return False
            self._in_line = rest[written - 1] != _NEWLINE
            rest = rest[written:]
        return True
