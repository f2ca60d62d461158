"""Makes standard input, output and error safe to use, in whatever state the program was started.

A closed stream is opened on /dev/null. Otherwise the next file or socket would get its descriptor, and with it the
text that is printed. A write to a broken stream (`| head -1`, a full disk) is ignored: the exit code must tell whether
the command succeeded, not whether somebody read its output.
"""

from __future__ import annotations

import io
import os
import select
import sys
from typing import TextIO

_NAMES = ("stdin", "stdout", "stderr")
# Standard output waits for its reader (`| less`) without limit. Error messages must not keep the program running.
_STDERR_WAIT_SECONDS = 2.0
# A pipe that is writable accepts this much without blocking: PIPE_BUF of Linux.
_WRITE_BYTES = 4096


def prepare() -> None:
    """Open closed streams, and make writes unfailing. Call it before anything else opens a file."""
    for number, name in enumerate(_NAMES):
        if getattr(sys, name) is None:
            setattr(sys, name, _open_null(number))
    # A stream that other code has set (a test's capture) is left as it is.
    if sys.stdout is sys.__stdout__ or sys.__stdout__ is None:
        sys.stdout = _make_unfailing(sys.stdout, None)
    if sys.stderr is sys.__stderr__ or sys.__stderr__ is None:
        sys.stderr = _make_unfailing(sys.stderr, _STDERR_WAIT_SECONDS)


def _open_null(number: int) -> TextIO:
    """A stream on /dev/null with this descriptor, or with another one if this one is already in use."""
    try:
        os.fstat(number)
    except OSError:
        descriptor = os.open(os.devnull, os.O_RDWR)  # the system gives the lowest free number
        if descriptor != number:
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.set_inheritable(number, True)
        return open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False)
    return open(os.devnull, "r" if number == 0 else "w", encoding="utf-8")


class _UnfailingWriter(io.RawIOBase):
    """Writes to a stream's descriptor and never fails. It drops what cannot be written within `max_wait` seconds."""

    def __init__(self, stream: TextIO, max_wait: float | None) -> None:
        super().__init__()
        self._stream = stream  # a reference: the stream closes the descriptor when it is collected
        self._descriptor = stream.fileno()
        self._max_wait = max_wait

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: object) -> int:
        view = memoryview(data)  # type: ignore[arg-type] # the base's parameter is a buffer of any kind
        if not self._wait_until_writable():
            return view.nbytes
        try:
            return os.write(self._descriptor, view[:_WRITE_BYTES])
        except BlockingIOError:  # another process made the descriptor non-blocking, and filled the pipe
            return 0
        except OSError:
            return view.nbytes

    def _wait_until_writable(self) -> bool:
        """Wait until data can be written, and return whether it can. After one time-out it does not wait again."""
        waiter = select.poll()
        waiter.register(self._descriptor, select.POLLOUT)
        ready = bool(waiter.poll(None if self._max_wait is None else self._max_wait * 1000))
        if not ready:
            self._max_wait = 0.0
        return ready


def _make_unfailing(stream: TextIO, max_wait: float | None) -> TextIO:
    """A text stream on the same descriptor whose writes never fail."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(_UnfailingWriter(stream, max_wait)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
