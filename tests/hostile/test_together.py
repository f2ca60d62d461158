"""All attacks at once against one gateway: it lives within its container's memory, and others are served."""

from __future__ import annotations

import asyncio
import gzip
import io
import itertools
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import orjson
import pytest

from tests.attaching import image, showing
from tests.hostile.conftest import CHAT, Attacked, chat
from tests.hostile.gigachat import STREAM, Hostile, answer, event, sends, whole
from tests.hostile.measuring import BLOCK
from tests.media.crafted import ATTACKS as IMAGES
from tests.resident import limit, watching
from tests.running import Process
from tests.unfinished import connected, head

SECONDS = 15.0
MIB = 2**20
# A process of its own, so that the attackers' own work does not count: what /livez took at most, how late the machine
# itself woke the probe at most, and how often it asked.
_PROBE = """
import socket, sys, threading, time
over, took, late = threading.Event(), [], []
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
slept = time.monotonic()
while not over.wait(0.05):
    begun = time.monotonic()
    late.append(begun - slept - 0.05)
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10) as sock:
        sock.sendall(b"GET /livez HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
        assert b"".join(iter(lambda: sock.recv(4096), b"")).startswith(b"HTTP/1.1 200 ")
    slept = time.monotonic()
    took.append(slept - begun)
print(max(took), max(late), len(took))
"""


class Siege:
    """The attackers, each of which does its work again and again; `done` counts how often by name."""

    def __init__(self, http: aiohttp.ClientSession, process: Process, hostile: Hostile) -> None:
        self.http, self.url, self.hostile = http, process.url, hostile
        self.done: Counter[str] = Counter()
        self._images = itertools.cycle([make() for make in IMAGES.values()])
        self._cyrillic = orjson.dumps({"messages": [{"role": "user", "content": "я" * 30_000_000}]})
        self._bomb = gzip.compress(b"[" * 64 * MIB) * 16
        hostile.marked = {
            b"attack:gzip": whole(gzip.compress(b'"' + b"a" * 300 * MIB), "Content-Encoding: gzip"),
            b"attack:endless": sends(STREAM, event(content="a" * 1000) * 100, times=None),
            b"attack:interim": sends(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100, times=None),
            b"attack:large": whole(answer("a" * MIB)),
        }
        hostile.answers["/endless"] = sends(b"", b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n", times=None)

    async def repeat(self, attack: Callable[[], Awaitable[None]]) -> None:
        """Attack until cancelled. What the gateway does to its attacker's connection is its own affair."""
        while True:
            try:
                async with asyncio.timeout(SECONDS):
                    await attack()
            except (OSError, aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(0.1)
            self.done[attack.__name__] += 1

    async def _post(self, body: Any, tenant: str, **headers: str) -> int:
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        sent = {"X-Tenant-ID": tenant, **{name.replace("_", "-"): value for name, value in headers.items()}}
        async with self.http.post(self.url + CHAT, data=io.BytesIO(data), headers=sent) as response:
            await response.read()
            return response.status

    async def images(self) -> None:
        """Ten files that are made to take memory and time."""
        await self._post(showing(*(image(next(self._images)) for _ in range(10))), "images")

    async def links(self) -> None:
        """A file server that never comes to its answer."""
        part = {"type": "image_url", "image_url": {"url": f"{self.hostile.url}/endless"}}
        await self._post(showing(part), "links")

    async def large(self) -> None:
        """A body of 60 MB, of letters that take two bytes each."""
        await self._post(self._cyrillic, "large")

    async def bombs(self) -> None:
        """A body that unpacks to a gigabyte."""
        await self._post(self._bomb, "bombs", Content_Encoding="gzip")

    async def upstream(self) -> None:
        """Each way in which GigaChat attacks."""
        for mark in ("gzip", "interim"):
            await self._post({"messages": [{"role": "user", "content": f"attack:{mark}"}]}, "upstream")
        await self._post({"messages": [{"role": "user", "content": "attack:endless"}], "stop": "zzz"}, "upstream")

    async def pages(self) -> None:
        """A web page that wants to spend tokens."""
        assert await self._post({"messages": []}, "pages", Origin="https://evil.example") == 403

    async def trickling(self) -> None:
        """A body of which a byte comes now and then."""
        async with connected(self.url) as client:
            await client.send(head(60_000_000, "X-Tenant-ID: trickling"))
            for _ in range(1000):
                await client.send(b"{")
                await asyncio.sleep(0.5)

    async def unread(self) -> None:
        """A large answer that nobody reads."""
        body = b'{"messages":[{"role":"user","content":"attack:large"}]}'
        async with connected(self.url, 4096) as client:
            await client.send(head(len(body), "X-Tenant-ID: unread") + body)
            await asyncio.sleep(5)

    async def silent(self) -> None:
        """A connection that says nothing, or half of a head."""
        async with connected(self.url) as client:
            await client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nX: " * (self.done["silent"] % 2))
            await asyncio.sleep(3)

    async def no_http(self) -> None:
        """What is no HTTP."""
        async with connected(self.url) as client:
            await client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 no HTTP at all\r\n\r\n")
            await client.answer(5)


@pytest.mark.long
async def test_all_attacks_at_once(
    hostile: Hostile, attacked: Attacked, http: aiohttp.ClientSession, tmp_path: Any
) -> None:
    """Memory stays below the container's limit, /livez answers within a second, a client's every chat is answered."""
    process = await attacked(GIGACHAT_TIMEOUT="60")
    port = process.url.rpartition(":")[2]
    probe = subprocess.Popen(
        [sys.executable, "-c", _PROBE, port], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    siege = Siege(http, process, hostile)
    crowd = {siege.images: 2, siege.large: 4, siege.trickling: 4, siege.unread: 10, siege.silent: 200, siege.no_http: 4}
    attacks = [one for attack, count in crowd.items() for one in [attack] * count]
    attacks += [siege.links, siege.bombs, siege.upstream, siege.pages]
    tasks = [asyncio.create_task(siege.repeat(attack)) for attack in attacks]
    waits, end = [], time.monotonic() + SECONDS
    with watching(process.popen.pid) as watch:
        while time.monotonic() < end:
            asked = time.monotonic()
            status, text = await chat(http, process, user="normal")
            waits.append(time.monotonic() - asked)
            assert status == 200, text
            await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
    longest, late, probes = map(float, probe.communicate("", 20)[0].split())
    print(f"peak {watch.peak / MIB:.0f} of {limit() / MIB:.0f} MiB, /livez {longest:.2f} s at most of {probes:.0f},")
    print(f"the machine itself {late:.2f} s,")
    print(f"chats {len(waits)}, {max(waits):.2f} s at most; attacks {dict(siege.done)}")
    assert not [fault for fault in found if not isinstance(fault, asyncio.CancelledError)]
    assert process.popen.poll() is None
    assert watch.peak < limit()
    assert longest < BLOCK + late
    assert probes > 50
    assert len(waits) > 10
    assert {attack.__name__ for attack in attacks} - {"trickling"} <= set(siege.done)
    assert not [line for line in process.lines() if line["event"] == "a bug of the gateway's own"]
