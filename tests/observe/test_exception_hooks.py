"""What nobody catches is in the log, as its lines are, and a log that nobody reads does not keep a dying process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

START = """
import ctypes, gc, os, sys, threading, warnings
from app import standard_streams
standard_streams.prepare()
from app.observe import exception_hooks, logs
logs.configure("info", "json")
exception_hooks.install()
"""


def run(script: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """A process with the hooks set, and this."""
    command = [sys.executable, "-c", START + script]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, **options)


DEL = "class A:\n def __del__(self): 1/0\na = A(); del a; gc.collect()"
# what happens, exit code, level and event
BUGS = [
    ("raise ZeroDivisionError", 1, "critical", "the program ends by a bug of its own"),
    ("t = threading.Thread(target=lambda: 1/0); t.start(); t.join()", 0, "critical", "a thread died of a bug"),
    (DEL, 0, "error", "an exception that nobody can catch"),
    ("warnings.warn('careful', RuntimeWarning)", 0, "warning", "<string>:8: RuntimeWarning: careful"),
]


@pytest.mark.parametrize(("script", "code", "level", "event"), BUGS)
def test_it_is_a_line_of_the_log(script: str, code: int, level: str, event: str) -> None:
    """One JSON line with the traceback, nothing beside it, and Python's own exit code."""
    done = run(script)
    assert done.returncode == code
    (line,) = (json.loads(line) for line in done.stderr.splitlines())
    assert (line["level"], line["event"].partition("\n")[0].strip()) == (level, event)
    assert level == "warning" or "ZeroDivisionError" in line["traceback"]


def test_a_crash_of_native_code_tells_where() -> None:
    """The signal ends the process as before; the log has the lines of Python that led there."""
    done = run("def crashing(): ctypes.string_at(0)\ncrashing()")
    assert done.returncode == -signal.SIGSEGV
    assert "in crashing" in done.stderr


@pytest.mark.samples("exception")
@pytest.mark.parametrize("script", [BUGS[0][0], "ctypes.string_at(0)"], ids=["exception", "crash"])
def test_a_log_that_nobody_reads_keeps_no_dying_process(script: str) -> None:
    """The pipe is full before it starts: it ends all the same, at once or after the time for the last lines."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"\n" * 4096)
    os.set_blocking(writer, True)
    began = time.monotonic()
    env = {**os.environ, "PYTHONFAULTHANDLER": "1"}
    popen = subprocess.Popen([sys.executable, "-c", START + script], stderr=writer, env=env)
    try:
        assert popen.wait(15) in {1, -signal.SIGSEGV}
    finally:
        popen.kill()
        for one in (reader, writer):
            os.close(one)
    assert time.monotonic() - began < 6
