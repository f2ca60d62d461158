"""What the process for one image may take, and what it replies."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from app.media import worker
from tests.media import files
from tests.resident import MB

ROOM = 100 * MB


def limited(program: str) -> subprocess.CompletedProcess[bytes]:
    """Run lines in a process that has limited itself."""
    lines = f"from app.media.worker import restrict\nroom = restrict()\n{program}"
    return subprocess.run([sys.executable, "-c", lines], capture_output=True, timeout=60, check=False)


def test_memory() -> None:
    """What it was told it may take it can; half as much again it can't."""
    assert limited("held = bytearray(room)").returncode == 0
    done = limited("try:\n    held = bytearray(room * 3 // 2)\nexcept MemoryError:\n    print('none')")
    assert done.stdout == b"none\n"


@pytest.mark.long
@pytest.mark.parametrize("program", ["while True: pass", "import zlib\nwhile True: zlib.crc32(bytes(1 << 20))"])
def test_time(program: str) -> None:
    """Two seconds of a core, in Python and in C; then the process is gone."""
    begun = time.monotonic()
    assert limited(program).returncode == -signal.SIGPROF
    assert time.monotonic() - begun < 30


def test_files() -> None:
    """It writes no file, and opens few."""
    done = limited(
        "import tempfile\ntry:\n    open(tempfile.mktemp(), 'wb').write(b'x')\nexcept OSError:\n    print('none')"
    )
    assert done.stdout == b"none\n" or done.returncode == -signal.SIGXFSZ


@pytest.mark.parametrize(
    ("task", "data", "mime", "room", "reply"),
    [
        ("check", files.photo("PNG"), "image/png", ROOM, {"verdict": "passed"}),
        ("check", files.photo("JPEG"), "image/jpeg", None, {"verdict": "passed"}),
        ("check", files.photo("JPEG")[:-9], "image/jpeg", ROOM, {"verdict": "unreadable"}),
        ("convert", files.photo("GIF"), "image/gif", ROOM, {"verdict": "converted", "mime": "image/jpeg", "note": ""}),
        ("convert", b"text", "text/plain", ROOM, {"verdict": "unreadable"}),
        ("convert", files.photo("GIF"), "image/gif", 100, {"verdict": "too_many_pixels", "pixels": 64 * 48}),
    ],
)
def test_verdicts(task: str, data: bytes, mime: str, room: int | None, reply: dict[str, object]) -> None:
    """One word for each way that it can end."""
    told, made = worker.run_task(task, data, mime, 100_000, room)
    assert told == reply
    assert bool(made) == ("mime" in reply)


def test_too_large() -> None:
    """A JPEG that can't be made small enough."""
    assert worker.run_task("convert", files.photo("GIF"), "image/gif", 10, ROOM)[0] == {"verdict": "too_large"}
