"""How much memory a process and its children hold: what a container's limit counts."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

MB = 1_000_000
_COMPOSE = Path(__file__).resolve().parents[1] / "deploy" / "docker-compose.yml"
_STEP_SECONDS = 0.002


def descendants(pid: int) -> list[int]:
    """The processes that this one has started, and theirs."""
    found: list[int] = []
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for task in tasks:
        try:
            children = [int(child) for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
        except OSError:
            continue
        found += children
        for child in children:
            found += descendants(child)
    return found


def field(pid: int, name: str) -> int:
    """A field of /proc/PID/status, in bytes where it is in kB; 0 where the process is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    for line in text.splitlines():
        if line.startswith(name + ":"):
            number, _, unit = line.partition(":")[2].strip().partition(" ")
            return int(number.split("\t")[0]) * (1024 if unit == "kB" else 1)
    return 0


def command(pid: int) -> bytes:
    """The command line; nothing where the process is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def resident(pid: int) -> int:
    """Bytes that the process holds now, with what each child of it has held at most."""
    own = command(pid)
    # A child that has not begun its own program yet is its parent, for the kernel.
    children = [child for child in descendants(pid) if command(child) != own]
    return field(pid, "VmRSS") + sum(field(child, "VmHWM") for child in children)


def limit() -> int:
    """The gateway's `mem_limit` in the compose file, in bytes."""
    service = yaml.safe_load(_COMPOSE.read_text("utf-8"))["services"]["gpt2giga-proxy"]
    return int(service["mem_limit"].removesuffix("m")) * 1024 * 1024


def peak(pid: int) -> int:
    """The most that the process and each of its children has held, in bytes (VmHWM)."""
    return sum(field(one, "VmHWM") for one in (pid, *descendants(pid)))


def now(pid: int) -> int:
    """What they hold, in bytes (VmRSS)."""
    return sum(field(one, "VmRSS") for one in (pid, *descendants(pid)))


class Watch:
    """What was seen of a process while the context lasted: `before` and `peak` in bytes."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.before = self.peak = resident(pid)
        self._over = threading.Event()

    @property
    def growth(self) -> int:
        """By how much the peak is above what was before."""
        return self.peak - self.before

    def sample(self) -> None:
        """Look until the context ends."""
        while not self._over.is_set():
            self.peak = max(self.peak, resident(self._pid))
            time.sleep(_STEP_SECONDS)

    def end(self) -> None:
        """No more looks."""
        self._over.set()


@contextmanager
def watching(pid: int | None = None) -> Iterator[Watch]:
    """Watch a process, this one by default, from a thread."""
    watch = Watch(pid or os.getpid())
    thread = threading.Thread(target=watch.sample, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.end()
        thread.join()
