"""Bytecodes that the gateway's own code executes for a request and for a chunk: `python -m tests.bench.steps`.

Time follows them here, since the code runs cold, and unlike time they do not depend on the machine. Everything is in
one process and in one loop: the gateway with all that it does (key, log, metrics), the fake GigaChat, a client of plain
sockets. Only code of `app` counts. The figures belong to one minor version of Python.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import FrameType
from typing import Any

from aiohttp import web

from app import application
from app.config import Config
from app.observe import logs

from . import payloads, upstream
from .processes import gateway_settings

WARM_UP, TIMES = 8, 15
PACED_TIMES = 3  # a paced stream lasts as long as it lasts
SHORT, LONG = 10, 60  # chunks of the two streams whose difference counts
OPEN = 40  # streams under way while objects are counted
# What each figure was when it was last agreed on, by the minor version of Python.
LIMITS = Path(__file__).with_name("steps.json")
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
ROOM = 1.05
Place = tuple[str, str]


class Steps:
    """Counts bytecodes by module and function while its context lasts."""

    def __init__(self) -> None:
        self.places: Counter[Place] = Counter()

    @property
    def total(self) -> int:
        """All of them so far."""
        return self.places.total()

    def __enter__(self) -> Steps:
        """Frames that are entered from now on count."""
        sys.settrace(self._enter)
        return self

    def __exit__(self, *fault: object) -> None:
        """Stop counting."""
        sys.settrace(None)

    def _enter(self, frame: FrameType, event: str, _argument: Any) -> Callable[..., Any] | None:
        module = frame.f_globals.get("__name__", "")  # generated methods have no file, but a module
        if not module.startswith("app."):
            return None
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        place = module, frame.f_code.co_qualname
        places = self.places

        def count(_frame: FrameType, event: str, _argument: Any) -> Callable[..., Any]:
            if event == "opcode":
                places[place] += 1
            return count

        return count


class Client:
    """One kept-alive connection that asks and takes each answer whole."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Client:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *fault: object) -> None:
        """Leave."""
        self._writer.close()

    async def ask(self, content: bytes) -> bytes:
        """One request's whole answer, its head left out."""
        await self.send(content)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise AssertionError(head)
        _, found, rest = head.partition(b"\r\ncontent-length: ")
        if found:
            return await self._reader.readexactly(int(rest.split(b"\r\n")[0]))
        return await self._reader.readuntil(b"\r\n0\r\n\r\n")

    async def send(self, content: bytes) -> None:
        """Ask, and take nothing."""
        self._writer.write(payloads.http(content, self._port))
        await self._writer.drain()


@contextlib.asynccontextmanager
async def serve() -> AsyncIterator[tuple[int, int]]:
    """The gateway before the fake GigaChat; gives the ports of both."""
    loop = asyncio.get_running_loop()
    behind = await loop.create_server(lambda: upstream.GigaChat(loop), "127.0.0.1", 0)
    fake: int = behind.sockets[0].getsockname()[1]
    config = Config.load(gateway_settings(8090, fake), None)
    logs.configure(config.log_level, config.log_format)
    runner = web.AppRunner(application.build(config), handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1], fake
    finally:
        await runner.cleanup()
        behind.close()


async def count_request(port: int, content: bytes, times: int = TIMES) -> tuple[float, Counter[Place]]:
    """The median over some requests, and the places of one of them."""
    async with Client(port) as client:
        for _ in range(min(WARM_UP, times)):
            await client.ask(content)
        found = []
        for _ in range(times):
            with Steps() as steps:
                await client.ask(content)
                await asyncio.sleep(0.01)  # what is done after the answer is part of it
            found.append(steps)
    found.sort(key=lambda one: one.total)
    return found[times // 2].total, found[times // 2].places


async def count_chunk(port: int, shape: str) -> tuple[float, Counter[Place]]:
    """What one more chunk of a stream costs; the places are those of the longer stream less those of the shorter."""
    times = PACED_TIMES if shape == payloads.PACED else TIMES
    short, few = await count_request(port, payloads.body("2k", shape, SHORT), times)
    long, many = await count_request(port, payloads.body("2k", shape, LONG), times)
    return (long - short) / (LONG - SHORT), many - few


async def count_objects(port: int) -> float:
    """Objects that the garbage collector visits for each open stream, those of client and GigaChat included."""
    clients = [Client(port) for _ in range(OPEN)]
    content = payloads.body("2k", payloads.PACED, 500)
    for client in clients:
        await client.__aenter__()
    gc.collect()
    before = len(gc.get_objects())
    for client in clients:
        await client.send(content)
    await asyncio.sleep(1.0)
    gc.collect()
    found = (len(gc.get_objects()) - before) / OPEN
    for client in clients:
        await client.__aexit__()
    return found


async def measure() -> dict[str, tuple[float, Counter[Place]]]:
    """All figures, by their names."""
    async with serve() as (port, fake):
        found = {
            f"request {payload}": await count_request(port, payloads.body(payload, payloads.WHOLE, 0))
            for payload in payloads.PAYLOADS
        }
        found["stream"] = await count_request(port, payloads.body("2k", payloads.BURST, 1))
        found["burst chunk"] = await count_chunk(port, payloads.BURST)
        found["paced chunk"] = await count_chunk(port, payloads.PACED)
        found["objects of a stream"] = await count_objects(port) - await count_objects(fake), Counter()
    return found


def read_limits() -> dict[str, dict[str, float]]:
    """The committed figures."""
    return json.loads(LIMITS.read_text()) if LIMITS.exists() else {}


def find_raised(figures: dict[str, float], limits: dict[str, float]) -> dict[str, str]:
    """The figures that are beyond their limits' room, or have none; each with both."""
    return {
        name: f"{figure:g}, limit {limits.get(name, 0):g}"
        for name, figure in figures.items()
        if figure > limits.get(name, 0) * ROOM
    }


def _tell(name: str, places: Counter[Place], by: str, most: int) -> None:
    told: Counter[str] = Counter()
    for (module, function), count in places.items():
        told[module if by == "module" else f"{module} {function}"] += count
    print(f"\n{name}")
    for place, count in told.most_common(most):
        print(f"{count:7} {place}")


def main() -> None:
    """Measure and print: JSON, or a table of places."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.steps", description=__doc__.splitlines()[0])
    parser.add_argument("--by", choices=("module", "function"), help="where the steps are")
    parser.add_argument("--most", type=int, default=60, metavar="N", help="places of each figure (60)")
    parser.add_argument("--write", action="store_true", help="make the figures this Python's limits")
    arguments = parser.parse_args()
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        with contextlib.redirect_stderr(nowhere):  # the gateway's log would bury the figures
            found = asyncio.run(measure())
        logs.flush()
    figures = {name: round(value, 1) for name, (value, _) in found.items()}
    print(json.dumps(figures, indent=2))
    if arguments.by:
        for name, (_, places) in found.items():
            if places:
                several = f", of {LONG - SHORT} of them" if name.endswith("chunk") else ""
                _tell(name + several, places, arguments.by, arguments.most)
    if arguments.write:
        limits = read_limits() | {VERSION: figures}
        LIMITS.write_text(json.dumps(limits, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
