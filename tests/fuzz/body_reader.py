"""Request bodies as they come over a connection: lengths, chunked framing, encodings, pieces, ends; then the JSON.

The first two bytes of an input tell into which pieces the rest is cut and how the connection ends; the rest is what a
client sends. Behind aiohttp's own protocol stand the gateway's reader, its memory and the way of its answers.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import re
import sys
from functools import cache
from typing import Any

import orjson
from aiohttp import web

from app.admission.memory import Memory
from app.admission.weights import SMALL_BYTES, BodyWeight
from app.observe import metrics
from app.observe.connections import ConnectionObserver
from app.observe.request_record import RequestRecord
from app.server.app_keys import RECORD
from app.server.bodies import BodyBudget, json_object
from app.server.connection_table import Connections
from app.server.delivery import delivery
from app.server.drain import Drain
from app.server.heads import HeadBudget
from app.server.listener import connection_factory
from app.server.middlewares import failures, send_continue
from app.server.port import Port

_LIMIT = 1024 * 1024
_HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
_JSON = (
    '{"model": "м", "messages": [{"role": "user", "content": "a\\"\\u00e9\\ud83d\\ude00 😀"}], "n": [1, 2.5]}'.encode()
)
_ALLOWED = {b"100", b"200", b"400", b"408", b"413", b"415", b"431", b"501", b"503", b"505"}


def _chunked(*pieces: bytes) -> bytes:
    framed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return _HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n"


def _sized(body: bytes, more: bytes = b"") -> bytes:
    return _HEAD + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


SEEDS: list[bytes] = [
    b"\xff\x00" + _sized(_JSON),
    b"\x10\x01" + _sized(_JSON, b"Connection: close\r\n"),
    b"\x05\x00" + _chunked(_JSON[:20], _JSON[20:21], _JSON[21:]),
    b"\x40\x00" + _sized(gzip.compress(_JSON), b"Content-Encoding: gzip\r\n"),
    b"\x40\x00" + _sized(gzip.compress(b"[" * 2 * _LIMIT), b"Content-Encoding: gzip\r\n"),
    b"\x09\x01" + _sized(_JSON)[:-7],
    b"\x30\x00" + _sized(b"", b"Expect: 100-continue\r\n"),
    b"\xff\x00" + _sized(_JSON) + _sized(b"[]") + _chunked(b"{", b"}"),
    b"\xff\x00" + _sized(_JSON * 400),
    b"\xff\x00" + _sized(b'{"x": "' + b"a" * 40_000 + b'", "y": [' + b"{}," * 20_000 + b'"\xf0\x9f\x98\x80"]}'),
    b"\x03\x00" + _HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\n{}   \r\n0\r\nX: y\r\n\r\n",
]


class _Wire(asyncio.Transport):
    """The client's side of a connection: keeps what is written, and is never slow."""

    def __init__(self) -> None:
        super().__init__()
        self.out = bytearray()
        self.closed = False

    def write(self, data: Any) -> None:
        """Keep it."""
        self.out += data

    def is_closing(self) -> bool:
        """Whether the gateway has closed the connection."""
        return self.closed

    def close(self) -> None:
        """The gateway closes the connection."""
        self.closed = True

    abort = close

    def write_eof(self) -> None:
        """The gateway sends no more."""

    pause_reading = resume_reading = write_eof

    def is_reading(self) -> bool:
        """Whether more may come."""
        return not self.closed

    def can_write_eof(self) -> bool:
        """As TCP can."""
        return True

    def get_write_buffer_size(self) -> int:
        """Nothing waits."""
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing waits."""


class _Bugs(logging.Handler):
    """What must not be logged, whatever a client sends."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Bad HTTP is logged by aiohttp, and is no bug."""
        if record.name != "aiohttp.server" or not record.getMessage().startswith("Error handling request"):
            self.found.append(f"{record.getMessage()}\n{record.exc_info}")


class _World:
    """A gateway's reader without its GigaChat; made once, since a fuzzer has no time."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.memory, self.drain, self.bugs = Memory(2 * _LIMIT), Drain(), _Bugs()
        budget = BodyBudget(_LIMIT, 30, self.memory)
        self.loop.set_exception_handler(lambda _, context: self.bugs.found.append(repr(context)))
        for name in ("gpt2giga", "aiohttp.server", "asyncio"):
            logging.getLogger(name).addHandler(self.bugs)

        async def handler(request: web.Request) -> web.Response:
            request[RECORD] = RequestRecord()
            with self.drain.admitted(), budget.hold("t") as held:
                body, _ = json_object(await held.read(request))
                return web.Response(body=b"%d" % len(body))

        app = web.Application(middlewares=[delivery(self.drain, self.memory), failures], client_max_size=0)
        app.router.add_route("*", "/{path:.*}", handler, expect_handler=send_continue)
        self.runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
        self.loop.run_until_complete(self.runner.setup())
        server = self.runner.server
        assert server is not None
        self.connect = connection_factory(server, self.loop.run_until_complete(self._port()))

    async def _port(self) -> Port:
        loop, observer = asyncio.get_running_loop(), ConnectionObserver(metrics.shared(), "main", 100)
        return Port(loop, Connections(100, observer), HeadBudget(), self.drain, None, 75.0, _LIMIT)

    async def connection(self, pieces: list[bytes], *, half_closed: bool) -> bytes:
        """A connection over which these pieces come; what was answered."""
        protocol, wire = self.connect(), _Wire()
        protocol.connection_made(wire)
        for piece in pieces:
            if wire.closed:
                break
            protocol.data_received(piece)
            await asyncio.sleep(0)
        for _ in range(8):
            await asyncio.sleep(0)
        if half_closed:
            protocol.eof_received()
        protocol.connection_lost(None)
        for _ in range(8):
            await asyncio.sleep(0)
        return bytes(wire.out)


@cache
def _world() -> _World:
    return _World()


def run_one(data: bytes) -> None:
    """Every request is answered in the envelope or left, nothing stays held, and the weight is no less than what is."""
    step, ending, sent = (data[0] if data else 0) * 16 + 1, data[1:2], data[2:]
    step = max(step, len(sent) // 2000)
    pieces = [sent[at : at + step] for at in range(0, len(sent), step)]
    world = _world()
    out = world.loop.run_until_complete(world.connection(pieces, half_closed=ending == b"\x01"))
    found, world.bugs.found = world.bugs.found, []
    assert not found, found
    assert world.memory.left == world.memory.limit, "memory is still held"
    assert not world.drain.under_way
    statuses = {bytes(one) for one in re.findall(rb"^HTTP/1\.[01] (\d{3})", out)}
    assert statuses <= _ALLOWED, statuses
    _weigh(sent[sent.find(b"\r\n\r\n") + 4 :], step)


def _weigh(body: bytes, step: int) -> None:
    """However a body is cut into pieces, its weight covers what its JSON takes."""
    weight = BodyWeight()
    for at in range(0, len(body), step):
        weight.feed(body[at : at + step])
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return
    if len(body) > SMALL_BYTES:
        assert weight.text + weight.marks.weight + 1024 >= _size(parsed), (
            weight.text,
            weight.marks.weight,
            _size(parsed),
        )


def _size(value: Any) -> int:
    """Bytes of a parsed value: short keys are kept by the parser, and single characters by Python."""
    if isinstance(value, dict):
        return sys.getsizeof(value) + sum(_size(key) * (len(key) > 64) + _size(one) for key, one in value.items())
    if isinstance(value, list):
        return sys.getsizeof(value) + sum(map(_size, value))
    return sys.getsizeof(value) if isinstance(value, str | float | int) and value not in ("", 0, 1) else 0
