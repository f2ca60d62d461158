"""Mixed traffic for minutes or hours, and whether memory grows for it: `python -m tests.bench.soak --minutes 60`.

Whole answers, with tools and without, streams in bursts and paced, errors of the upstream, clients that leave before
the answer and in the middle of a stream.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import orjson
import uvloop

from . import document, payloads, processes
from .processes import Process

MINUTES, RATE, WORKERS = 60.0, 150.0, 32
BOUND_MEGABYTES = 2.0
SAMPLE_SECONDS, TELL_SECONDS = 5.0, 30.0
PATIENCE_SECONDS = 60.0
SEED = 13
FAILED = 2
LEAVES_AFTER_BYTES = 2000
SETTINGS = {"GPT2GIGA_LOG_SAMPLE": "0"}  # else the log of hours fills the disk


@dataclass(slots=True, frozen=True)
class Kind:
    """One kind of request and its share; a client that leaves reads so many bytes before."""

    name: str
    share: int
    content: bytes
    reads: int | None = None


def _failure(status: int) -> bytes:
    request = orjson.loads(payloads.body("2k", payloads.WHOLE, 0))
    request["messages"][-1]["content"] += f" [bench:failure:{status}]"
    return orjson.dumps(request)


def _kinds() -> tuple[Kind, ...]:
    body = payloads.body
    return (
        Kind("whole", 30, body("2k", payloads.WHOLE, 0)),
        Kind("tools", 20, body("9k", payloads.WHOLE, 0)),
        Kind("burst", 15, body("2k", payloads.BURST, 100)),
        Kind("paced", 15, body("2k", payloads.PACED, 50)),
        Kind("upstream 400", 4, _failure(400)),
        Kind("upstream 422", 3, _failure(422)),
        Kind("upstream 500", 1, _failure(500)),
        Kind("leaves before", 6, body("2k", payloads.PACED, 50), 0),
        Kind("leaves in the middle", 6, body("9k", payloads.PACED, 50), LEAVES_AFTER_BYTES),
    )


@dataclass(slots=True)
class Soak:
    """What all clients share: the gateway, the time at which they stop, what came back by kind and status."""

    port: int
    end: float
    counts: Counter[str] = field(default_factory=Counter)
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))


async def _client(soak: Soak, kinds: tuple[Kind, ...], pause: float) -> None:
    """Ask until the end, each time on a new connection or on the last one, as it comes."""
    shares = [kind.share for kind in kinds]
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    while time.monotonic() < soak.end:
        kind = soak.chance.choices(kinds, shares)[0]
        if connection is None:
            connection = await asyncio.open_connection("127.0.0.1", soak.port)
        reader, writer = connection
        writer.write(payloads.http(kind.content, soak.port))
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                outcome = await (_answer(reader) if kind.reads is None else _leave(reader, kind.reads))
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            outcome = type(error).__name__
        soak.counts[f"{kind.name}: {outcome}"] += 1
        if not outcome.isdigit() or soak.chance.random() < 0.1:
            writer.transport.abort()
            connection = None
        await asyncio.sleep(soak.chance.expovariate(1 / pause))
    if connection is not None:
        connection[1].close()


async def _answer(reader: asyncio.StreamReader) -> str:
    """Read one answer to its end, give its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    _, told, rest = head.lower().partition(b"\r\ncontent-length:")
    if told:
        await reader.readexactly(int(rest.split(b"\r\n", 1)[0]))
    else:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    return head[9:12].decode()


async def _leave(reader: asyncio.StreamReader, count: int) -> str:
    if count:
        await reader.readexactly(count)
    else:
        await asyncio.sleep(0.001)
    return "left"


async def _watch(soak: Soak, process: Process, samples: list[float]) -> None:
    """Memory every few seconds; a line each half minute."""
    started = told = time.monotonic()
    while True:
        await asyncio.sleep(SAMPLE_SECONDS)
        samples.append(process.rss_megabytes())
        now = time.monotonic()
        if now - told >= TELL_SECONDS - 1:
            told = now
            print(
                f"{(now - started) / 60:5.1f} min  {samples[-1]:6.1f} MiB  {soak.counts.total():7d} requests",
                flush=True,
            )


async def _run(process: Process, minutes: float, rate: float) -> tuple[Soak, list[float]]:
    soak, samples = Soak(process.port, time.monotonic() + 60 * minutes), []  # type: tuple[Soak, list[float]]
    watching = asyncio.create_task(_watch(soak, process, samples))
    kinds = _kinds()
    try:
        await asyncio.gather(*(_client(soak, kinds, WORKERS / rate) for _ in range(WORKERS)))
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
    return soak, samples


def growth(samples: list[float]) -> float:
    """MiB from the beginning of the second half to its end: the medians of its first and its last fifth."""
    half = samples[len(samples) // 2 :]
    fifth = max(1, len(half) // 5)
    return statistics.median(half[-fifth:]) - statistics.median(half[:fifth])


def main() -> int:
    """Ask, tell, judge."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description="Whether memory grows.")
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"how long ({MINUTES:g})")
    parser.add_argument("--rate", type=float, default=RATE, help=f"requests a second, at most ({RATE:g})")
    parser.add_argument("--bound", type=float, default=BOUND_MEGABYTES, help=f"MiB, at most ({BOUND_MEGABYTES:g})")
    arguments = parser.parse_args()
    document.end_on_signals()
    try:
        with (
            processes.launcher() as launcher,
            launcher.upstream() as upstream,
            launcher.proxy("gateway", upstream.port, SETTINGS) as gateway,
        ):
            gateway.wait(processes.ask_chat)
            soak, samples = uvloop.run(_run(gateway, arguments.minutes, arguments.rate))
    except processes.NotReady as error:
        print(f"failed: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return document.INTERRUPTED
    for name, count in sorted(soak.counts.items()):
        print(f"{count:8d}  {name}")
    grown = growth(samples) if samples else 0.0
    print(f"second half: {grown:+.1f} MiB, at most {arguments.bound:g}")
    return 1 if grown > arguments.bound else 0


if __name__ == "__main__":
    sys.exit(main())
