"""The process for one image: what it is given, what it is not, and that it ends."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.media.child import Child, ChildResult
from tests.media import files
from tests.media.crafted import png
from tests.resident import MB, command, descendants, field

SMALL = files.photo("PNG")


def look(data: bytes, child: Child | None = None) -> ChildResult:
    """Have a PNG checked."""
    return (child or Child()).run(["check", str(len(data)), "image/png", "0", "pillow"], data, 0)


def at_check(parent: int) -> list[int]:
    """The processes that check an image: by the argument as a whole, since a fork bears its parent's line and path."""
    return [pid for pid in descendants(parent) if b"check" in command(pid).split(b"\0")]


@contextmanager
def at_work() -> Iterator[int]:
    """A process that is busy for most of a second; killed at the end."""
    child, data = Child(), png(6000, 6000)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(look, data, child)
        end = time.monotonic() + 10
        while not (found := at_check(os.getpid())):
            assert time.monotonic() < end
            time.sleep(0.001)
        try:
            yield found[0]
        finally:
            child.kill()
            future.result(10)


def test_a_reply() -> None:
    """A verdict, and the file that was made."""
    assert look(SMALL) == (b'{"verdict": "passed"}\n', b"", 0, True)
    data = files.photo("WEBP")
    reply, made, *_ = Child().run(["convert", str(len(data)), "-", "100000", "pillow"], data, 100_000)
    assert b'"converted"' in reply
    assert made.startswith(b"\xff\xd8\xff")


def test_more_than_was_asked_for() -> None:
    """A decoder that was taken over can't fill the gateway's memory."""
    data = files.photo("WEBP")
    assert Child().run(["convert", str(len(data)), "-", "100000", "pillow"], data, 10).output == b""


def test_what_it_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting, no socket, no terminal; a session of its own, and limits."""
    monkeypatch.setenv("GIGACHAT_CREDENTIALS", "c2VjcmV0")
    monkeypatch.setenv("GPT2GIGA_API_KEY", "secret")
    with socket.socket() as listening, at_work() as pid:
        listening.set_inheritable(True)
        listening.bind(("127.0.0.1", 0))
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert b"GIGACHAT" not in environment
        assert b"GPT2GIGA" not in environment
        assert b"PATH" not in {line.partition(b"=")[0] for line in environment.split(b"\0")}
        unexpected = {""}
        for _ in range(50):  # while it loads its libraries, each is open for a moment
            if not unexpected:
                break
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.005)
            os.kill(pid, signal.SIGSTOP)  # what is looked at must not change or end meanwhile
            opened = {os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()}
            unexpected = {target for target in opened if not target.startswith(("pipe:", "/dev/null"))}
        assert unexpected == set()
        assert os.getsid(pid) == os.getpgid(pid) == pid
        assert os.readlink(f"/proc/{pid}/cwd") == "/"


def test_it_is_light() -> None:
    """Nothing of the gateway is in it but what reads images."""
    with at_work() as pid:
        time.sleep(0.2)
        assert field(pid, "VmHWM") < 40 * MB
        assert b"aiohttp" not in Path(f"/proc/{pid}/maps").read_bytes()


def test_killed() -> None:
    """Before its start it never starts, later it ends at once; either is out of time, or nothing came."""
    child = Child()
    child.kill()
    assert look(SMALL, child) == (b"", b"", signal.SIGKILL, True)
    child, began = Child(), time.monotonic()
    threading.Timer(0.2, child.kill).start()
    ended = look(png(6000, 6000), child)
    assert (ended[0], time.monotonic() - began < 5) == (b"", True)


@pytest.mark.long
def test_it_dies_with_its_parent() -> None:
    """A gateway that is killed leaves nobody behind."""
    program = "from tests.media.test_child import look, png; look(png(6000, 6000))"
    parent = os.posix_spawn(sys.executable, [sys.executable, "-c", program], {**os.environ, "PYTHONPATH": os.getcwd()})
    try:
        end = time.monotonic() + 20
        while not (children := at_check(parent)):
            assert time.monotonic() < end
            time.sleep(0.001)
        time.sleep(0.2)
    finally:
        os.kill(parent, signal.SIGKILL)
        os.waitpid(parent, 0)
    end = time.monotonic() + 3
    while b"check" in command(children[0]).split(b"\0"):
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("program", ["/bin/false", "/bin/true"])
def test_the_program_is_not_there(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter that does not come to work is told from a file that is no good."""
    monkeypatch.setattr(sys, "executable", program)
    assert look(SMALL) == (b"", b"", 0, False)
    monkeypatch.setattr(sys, "executable", "/nonexistent")
    with pytest.raises(OSError):
        look(SMALL)
