"""Runs one process for one image: starts it, sends it the file, reads its output and ends it.

The process gets an almost empty environment, and no descriptors except pipes. It has its own process group, so that
a signal to the gateway's group does not end it: the gateway finishes its requests first.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

# The directory of this program. The process runs without `site`, so its import paths are passed to it.
_ROOT = str(Path(__file__).resolve().parent.parent.parent)
_START = """
import os, sys
sys.path[:0] = sys.argv.pop().split(os.pathsep)
from app.media.worker import main
main(sys.argv[1:])
"""
_INHERITED_VARIABLES = ("LD_LIBRARY_PATH", "SYSTEMROOT")
# These make glibc use one heap for all threads, and return freed memory early.
_MALLOC = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_MMAP_THRESHOLD_": "131072"}
_LINE_BYTES, _PART_BYTES = 1024, 256 * 1024
_OUT_OF_TIME = {signal.SIGPROF, signal.SIGXCPU, signal.SIGKILL}


class ChildResult(NamedTuple):
    """What a process has written, and how it ended."""

    reply: bytes = b""  # the first line
    output: bytes = b""  # the bytes after it
    signal: int = 0  # the signal that ended the process without a reply; 0 if none did
    started: bool = True  # whether the worker's code ran

    @property
    def out_of_time(self) -> bool:
        """Whether a time limit ended it: that of the process itself or that of the gateway."""
        return self.signal in _OUT_OF_TIME

    @property
    def detail(self) -> str | None:
        """How it was ended, for operators; None if no signal ended it."""
        if not self.signal:
            return None
        try:
            name = signal.Signals(self.signal).name
        except ValueError:  # one that has no name
            name = f"signal {self.signal}"
        return f"the process that read it was ended by {name}"


class Child:
    """One process. `run` blocks, so it is called in a thread. `kill` may be called from any thread at any time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False

    def run(self, arguments: list[str], data: bytes, max_bytes: int) -> ChildResult:
        """Run the program on a file. At most `max_bytes` of output are kept. Raises OSError if it cannot start."""
        with self._lock:
            if self._killed:
                return ChildResult(signal=signal.SIGKILL)
            self._process = process = _start(arguments)
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        try:
            with suppress(BrokenPipeError):
                process.stdin.write(data)
                process.stdin.close()
            reply = process.stdout.readline(_LINE_BYTES)
            output = _read_limited(process.stdout, max_bytes)
        finally:
            self.kill()
            with suppress(BrokenPipeError):
                process.stdin.close()
            process.stdout.close()
            code = process.wait()
        # Without a reply, an exit code of 0 or more means that the interpreter did not find the program.
        return ChildResult(reply, output, max(-code, 0) if not reply else 0, started=bool(reply) or code < 0)

    def kill(self) -> None:
        """End the process and all processes of its group."""
        with self._lock:
            self._killed = True
            if self._process is not None and self._process.returncode is None:
                with suppress(OSError):
                    os.killpg(self._process.pid, signal.SIGKILL)


def _read_limited(source: IO[bytes], max_bytes: int) -> bytes:
    """Read to the end. Returns nothing if there are more than `max_bytes`."""
    parts, left = [], max_bytes
    while part := source.read(_PART_BYTES):
        parts.append(part)
        left -= len(part)
        if left < 0:
            return b""
    return b"".join(parts)


def _start(arguments: list[str]) -> subprocess.Popen[bytes]:
    paths = dict.fromkeys([_ROOT, *(str(Path(path).resolve()) for path in sys.path)])
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-I", "-S", "-B", "-c", _START, *arguments, os.pathsep.join(paths)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ} | _MALLOC,
        cwd="/",
        start_new_session=True,
    )
