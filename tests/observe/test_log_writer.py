"""The writer of log lines: bounded, in order, counting what it loses; neither killed nor kept busy by a broken log."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from app.observe.log_writer import MAX_BYTES, LogWriter
from tests.running import no_longer_than

Beginner = Callable[..., LogWriter]


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe."""
    reader, writer = os.pipe()
    yield reader, writer
    for one in (reader, writer):
        with contextlib.suppress(OSError):
            os.close(one)


@pytest.fixture
def begin(pipe: tuple[int, int]) -> Iterator[Beginner]:
    """Begin to write into the pipe; nothing writes there any more when the test is over."""
    logs: list[LogWriter] = []

    def begin(most: int = MAX_BYTES) -> LogWriter:
        logs.append(LogWriter(pipe[1], tell, most))
        return logs[-1]

    yield begin
    os.close(pipe[0])
    for log in logs:
        log.stop(5)


def tell(count: int) -> bytes:
    """How the tests' writer tells what is missing."""
    return b"lost %d\n" % count


def fill(writer: int) -> None:
    """Leave no room in a pipe: what is written from now on waits."""
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"." * 4_095 + b"\n")
    os.set_blocking(writer, True)


def read(reader: int, whole: Callable[[bytes], bool], pause: float = 0.0) -> bytes:
    """What comes out of a pipe until it is whole; a pause after each piece makes a slow reader."""
    data = b""
    with no_longer_than(20):
        while not whole(data):
            data += os.read(reader, 4_096)
            time.sleep(pause)
    return data


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_errors_have_room_of_their_own(pipe: tuple[int, int], begin: Beginner) -> None:
    """While good news fill the queue, errors still come into it; each gap is told in its place."""
    reader, writer = pipe
    fill(writer)
    log = begin(400_000)
    for _ in range(5_000):
        log.write(b"i" * 99 + b"\n", logging.INFO)
    for _ in range(100):
        log.write(b"e" * 99 + b"\n", logging.ERROR)
    assert log.dropped > 1_000
    data = read(reader, lambda data: data.count(b"e\n") == 100)
    assert sum(int(one) for one in re.findall(rb"lost (\d+)", data)) == log.dropped
    assert data.split(b"i\n")[-1].startswith(b"lost ")


def test_the_queue_is_bounded(begin: Beginner) -> None:
    """Errors too are dropped in the end, and a line that is larger than all the room."""
    log = begin(100_000)
    for _ in range(3_000):
        log.write(b"e" * 1_000, logging.ERROR)
    log.write(b"x" * 200_000, logging.ERROR)
    waiting = (3_001 - log.dropped) * 1_000
    assert 90_000 < waiting < 100_000 + 65_536 + 4_096  # the queue, the pipe, and a piece on its way


def test_a_write_that_fails_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, pipe: tuple[int, int], begin: Beginner
) -> None:
    """Each try has a new line as its reason; when writing works again the log tells what it lost."""
    reader, writer = pipe
    real, tries, broken = os.write, 0, True

    def write(descriptor: int, data: bytes) -> int:
        nonlocal tries
        if descriptor != writer:
            return real(descriptor, data)
        tries += 1
        if broken:
            raise OSError(28, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    log = begin()
    for number in range(3):
        log.write(b"lost\n", logging.INFO)
        until(lambda number=number: log.dropped == number + 1)  # type: ignore[misc]
        time.sleep(0.1)
    assert tries == 3
    assert log.flush(5)
    broken = False
    log.write(b"kept\n", logging.INFO)
    assert log.flush(5)
    assert os.read(reader, 100) == b"lost 3\nkept\n"


def test_a_torn_line_is_ended(monkeypatch: pytest.MonkeyPatch, pipe: tuple[int, int], begin: Beginner) -> None:
    """A disk that fills in the middle of a line spoils that line and not the next."""
    reader, writer = pipe
    real, rooms = os.write, [4, 0]  # what the disk still takes, one write after another; then it has room again

    def write(descriptor: int, data: bytes) -> int:
        room = rooms.pop(0) if descriptor == writer and rooms else len(data)
        if room == 0:
            raise OSError(28, "No space left on device")
        return real(descriptor, data[:room])

    monkeypatch.setattr(os, "write", write)
    log = begin()
    log.write(b"first line\n", logging.INFO)
    until(lambda: log.dropped == 1)
    log.write(b"second\n", logging.INFO)
    assert log.flush(5)
    assert os.read(reader, 100) == b"firs\nlost 1\nsecond\n"


def test_a_descriptor_that_does_not_block_is_waited_for(pipe: tuple[int, int], begin: Beginner) -> None:
    """Whoever shares the pipe may have made it so: no line is lost, none is written twice."""
    reader, writer = pipe
    os.set_blocking(writer, False)
    log = begin()
    for number in range(5_000):
        log.write(b"%06d %s\n" % (number, b"x" * 50), logging.INFO)
    data = read(reader, lambda data: data.count(b"\n") == 5_000, pause=0.0002)
    assert [int(line[:6]) for line in data.splitlines()] == list(range(5_000))


def test_pieces_hold_whole_lines(pipe: tuple[int, int], begin: Beginner) -> None:
    """Another program that writes into the same pipe comes between lines, never into one."""
    reader, writer = pipe
    log = begin()

    def other() -> None:
        for _ in range(300):
            os.write(writer, b"other\n")

    thread = threading.Thread(target=other, daemon=True)
    thread.start()
    for _ in range(2_000):
        log.write(b"a" * 700 + b"\n", logging.INFO)
    data = read(reader, lambda data: data.count(b"\n") == 2_300)
    thread.join(5)
    assert set(data.splitlines()) == {b"other", b"a" * 700}


def test_a_forked_child_writes_its_own_lines() -> None:
    """It has no thread and no lines of its parent's, and its log works."""
    script = """
import logging, os, sys, time
from app.observe import logs
logs.configure("info", "json")
for number in range(200):
    logs.LOGGER.info("parent")
child = os.fork()
if child == 0:
    logs.LOGGER.info("child")
    logs.flush()
    os._exit(0)
os.waitpid(child, 0)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, timeout=20, check=True
    )
    events = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert (events.count("parent"), events.count("child")) == (200, 1)
