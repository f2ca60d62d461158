"""What an attack costs a gateway in a process of its own: its memory's peak, and how long it keeps others waiting."""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tests.running import Process

MEGABYTE = 2**20
# Seconds that nobody may wait for others' sake: fifty times what is measured on a machine with nothing else to do.
BLOCK = 2.5


@dataclass
class Costs:
    """`grown`: bytes by which the peak of resident memory rose; `longest`: seconds that /livez took at most."""

    grown: int = 0
    longest: float = 0.0
    probes: int = 0
    seconds: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def __str__(self) -> str:
        """For the report of a test that fails, and for people who want the figures."""
        return (
            f"+{self.grown / MEGABYTE:.0f} MB, longest block {self.longest * 1000:.0f} ms"
            f" in {self.probes} probes over {self.seconds:.1f} s"
        )


@contextmanager
def costs(process: Process) -> Iterator[Costs]:
    """Watch a gateway while something is done to it."""
    found, root = Costs(), Path(f"/proc/{process.popen.pid}")
    (root / "clear_refs").write_text("5")  # the peak is counted from here
    before = _status(root, "VmRSS")
    begun = time.monotonic()
    watcher = threading.Thread(target=_probe, args=(process.url, found))
    watcher.start()
    try:
        yield found
    finally:
        found.over.set()
        watcher.join()
        found.seconds = time.monotonic() - begun
        found.grown = _status(root, "VmHWM") - before
        print(found)


def _probe(url: str, found: Costs) -> None:
    """Ask /livez again and again; one that fails has taken as long as it took."""
    host = str(urlsplit(url).netloc)
    while not found.over.is_set():
        asked = time.monotonic()
        connection = http.client.HTTPConnection(host, timeout=60)
        with suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/livez")
            connection.getresponse().read()
        connection.close()
        found.longest = max(found.longest, time.monotonic() - asked)
        found.probes += 1
        time.sleep(0.01)


def _status(root: Path, name: str) -> int:
    line = re.search(rf"{name}:\s+(\d+) kB", (root / "status").read_text())
    assert line
    return int(line[1]) * 1024
