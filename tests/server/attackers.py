"""Hostile clients in numbers, on bare sockets, and a probe that watches a gateway meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.running import Process


class Attackers:
    """Connections that are all closed in the end."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname, parts.port)
        self.clients: list[socket.socket] = []

    def __enter__(self) -> Attackers:
        """None yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """All leave."""
        for client in self.clients:
            client.close()

    def connect(self, count: int, receive: int = 0) -> list[socket.socket]:
        """So many more. `receive`: how many bytes of an answer their systems take for them, where it is few."""
        found = []
        for _ in range(count):
            client = socket.socket()
            if receive:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
            client.settimeout(5)
            client.connect(self._address)
            client.setblocking(False)
            found.append(client)
        self.clients += found
        return found

    async def send(self, data: bytes, seconds: float = 0.0) -> None:
        """From each client; what the gateway does not take at once is tried again for some time."""
        left = dict.fromkeys(self.clients, 0)
        end = time.monotonic() + seconds
        while left:
            for client in list(left):
                try:
                    left[client] += client.send(data[left[client] :])
                except BlockingIOError:
                    continue
                except OSError:
                    left[client] = len(data)
                if left[client] >= len(data):
                    del left[client]
            if time.monotonic() >= end:
                return
            await asyncio.sleep(0.01)

    def ended(self) -> int:
        """How many the gateway has closed; what it sent them is thrown away."""
        return sum(_ended(client) for client in self.clients)


def _ended(client: socket.socket) -> bool:
    try:
        while client.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def answered(client: socket.socket, seconds: float = 5.0) -> bytes:
    """All that comes until the gateway closes, or the time is up."""
    client.settimeout(seconds)
    got = b""
    with contextlib.suppress(OSError):
        while data := client.recv(65536):
            got += data
    return got


def files(process: Process) -> int:
    """Its open files."""
    return len(os.listdir(f"/proc/{process.popen.pid}/fd"))


def probe(url: str) -> float:
    """How long /livez takes on a connection of its own; it has to be 200."""
    parts, begun = urlsplit(url), time.monotonic()
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as sock:
        sock.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: sock.recv(4096), b""))
    took = time.monotonic() - begun
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    return took


class Watch(threading.Thread):
    """Asks a process for /livez ten times a second, and counts its open files."""

    def __init__(self, process: Process) -> None:
        super().__init__(name="watch")
        self._process = process
        self._over = threading.Event()
        self.took: list[float] = []
        self.files = 0
        self.fault: Exception | None = None

    def run(self) -> None:
        """Until it is over, or /livez fails."""
        over = False
        while not over and self.fault is None:
            over = self._over.wait(0.1)
            try:
                self.took.append(probe(self._process.url))
            except Exception as fault:  # noqa: BLE001 - the test tells it
                self.fault = fault
            self.files = max(self.files, files(self._process))

    def end(self) -> None:
        """Stop asking."""
        self._over.set()
        self.join()


@contextlib.contextmanager
def watched(process: Process, longest: float = 1.0) -> Iterator[Watch]:
    """/livez has to answer within this time, throughout."""
    watch = Watch(process)
    watch.start()
    try:
        yield watch
    finally:
        watch.end()
    assert watch.fault is None, repr(watch.fault)
    print(f"/livez: {max(watch.took) * 1000:.0f} ms at the most of {len(watch.took)}, {watch.files} files")
    assert max(watch.took) < longest


@contextlib.contextmanager
def held_files(count: int) -> Iterator[tuple[int, ...]]:
    """Descriptors to leave to a process, which knows nothing of them."""
    descriptors = tuple(os.open(os.devnull, os.O_RDONLY) for _ in range(count))
    try:
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
