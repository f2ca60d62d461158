"""A connection over its life: broken bodies, expectations, pipelining, silence, slow heads, unread answers."""

from __future__ import annotations

import ast
import asyncio
import inspect
import logging
import signal
import socket
import time
from urllib.parse import urlsplit

import aiohttp
import orjson
import pytest
from aiohttp import web

from app.observe.labels import CLOSE_CAUSES
from app.sandbox import server
from app.server import http_connection
from app.server.http_connection import HttpConnection
from tests.running import GatewayStarter, Process, ProcessStarter, Running, environment, eventually
from tests.server.attackers import Attackers, answered
from tests.server.test_departures import value
from tests.server.test_drain import ready
from tests.watching import CHAT, asking, everything, raw, saying, told

BODY = orjson.dumps(saying("hi"))
HEAD = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\n".encode()
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
WHOLE = HEAD + f"Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Talk:
    """A connection on which bytes come and go one by one."""

    def __init__(self, gateway: Running) -> None:
        parts = urlsplit(gateway.url)
        self._address = parts.hostname, parts.port

    async def __aenter__(self) -> Talk:
        """Connect."""
        self.reader, self.writer = await asyncio.open_connection(*self._address)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave."""
        self.writer.close()

    async def say(self, *pieces: bytes) -> None:
        """Send, in packets of their own."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0.05)

    async def hear(self, seconds: float = 3.0) -> bytes:
        """All that comes until the gateway closes."""
        async with asyncio.timeout(seconds):
            return await self.reader.read()

    async def head(self) -> bytes:
        """The head of one answer."""
        async with asyncio.timeout(3):
            return await self.reader.readuntil(b"\r\n\r\n")


BROKEN = {
    "a size": (b"5\r\nhello\r\n", b"zz\r\n"),
    "the first size": (b"-5\r\n",),
    "the end of a chunk": (b"5\r\nhello", b"world\r\n"),
    "half a size": (b"5\r\nhello\r\n", b"5", b"g"),
    "the end": (b"0\r\n", b"\0\r\n"),
}


@pytest.mark.parametrize("head", [CHUNKED, b"\r\n" + CHUNKED], ids=["plain", "behind an empty line"])
@pytest.mark.parametrize("pieces", BROKEN.values(), ids=BROKEN)
async def test_a_broken_chunk_is_told_at_once(
    head: bytes, pieces: tuple[bytes, ...], gateway: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """Behind a good head it is a 400 within a moment, not when the time of the body is up; the connection ends."""
    caplog.set_level(logging.INFO, "gpt2giga")
    async with Talk(gateway) as talk:
        await talk.say(head[: len(head) // 2], head[len(head) // 2 :], *pieces)
        answer = await talk.hear()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"code":"invalid_http"' in answer
    line = await told(caplog)
    assert (line["endpoint"], line["error_type"], line["error"]) == ("chat", "invalid_request", "invalid_http")
    assert "Traceback" not in everything(caplog)


async def test_a_broken_chunk_of_a_body_that_nobody_reads(gateway: Running, caplog: pytest.LogCaptureFixture) -> None:
    """The answer is out: the connection ends, without a word in the log."""
    async with Talk(gateway) as talk:
        await talk.say(CHUNKED.replace(CHAT.encode(), b"/nowhere"), b"5\r\nhello\r\n")
        assert b" 404 " in await talk.head()
        await talk.say(b"zz\r\n")
        await talk.hear()
    assert "Traceback" not in everything(caplog)


async def test_chunks_in_many_pieces(gateway: Running) -> None:
    """A good body is read, byte by byte, and so is the next one on the same connection."""
    body = b"".join(b"%x;a=b\r\n%b\r\n" % (len(part), part) for part in (BODY[:1], BODY[1:50], BODY[50:]))
    async with Talk(gateway) as talk:
        for _ in range(2):
            for byte in CHUNKED + body + b"0\r\nA: b\r\n\r\n":
                talk.writer.write(bytes([byte]))
                await asyncio.sleep(0)
            head = await talk.head()
            assert head.startswith(b"HTTP/1.1 200 ")
            answer = await talk.reader.readexactly(int(head.partition(b"Content-Length: ")[2].split()[0]))
            assert orjson.loads(answer)["choices"][0]["message"]["content"] == "hi"


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_leave_to_send_a_body(version: str, gateway: Running) -> None:
    """`100 Continue` goes to HTTP/1.1 alone: HTTP/1.0 knows no interim answer."""
    head = WHOLE.replace(b"HTTP/1.1", f"HTTP/{version}".encode()).replace(
        b"Content-Length", b"Connection: close\r\nExpect: 100-continue\r\nContent-Length"
    )
    answer = await raw(gateway, head)
    assert answer.count(b"100 Continue") == (version == "1.1")
    assert answer.endswith(b"}") or b'"object":"chat.completion"' in answer


@pytest.mark.parametrize("path", ["/livez", "/nowhere", CHAT])
async def test_an_expectation_that_nobody_knows(path: str, gateway: Running) -> None:
    """One answer, in the envelope or as if nothing were expected."""
    request = WHOLE.replace(CHAT.encode(), path.encode()).replace(
        b"Content-Length", b"Expect: miracles\r\nContent-Length"
    )
    async with Talk(gateway) as talk:
        await talk.say(request)
        head = await talk.head()
        assert head.startswith(b"HTTP/1.1 200 " if path == CHAT else b"HTTP/1.1 400 ")
        assert b"Server: gpt2giga-proxy\r\n" in head
        assert b"application/json" in head


async def test_pipelining(gateway: Running) -> None:
    """Hundreds of requests in one packet get hundreds of answers."""
    async with Talk(gateway) as talk:
        talk.writer.write(LIVEZ * 300 + LIVEZ.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert (await talk.hear(5)).count(b"HTTP/1.1 200 ") == 301


async def test_too_much_behind_a_request_under_way(gateway: Running, sandbox: server.Running) -> None:
    """What is sent behind it is not gathered without end: the request is answered, and is the last one."""
    waiting = orjson.dumps(asking("sandbox:wait 1\nsandbox:say hi"))
    async with Talk(gateway) as talk:
        await talk.say(HEAD + f"Content-Length: {len(waiting)}\r\n\r\n".encode() + waiting)
        await eventually(lambda: sandbox.state.chatting == 1)
        more = LIVEZ[:-2] + b"A: " + b"b" * 50_000 + b"\r\n\r\n"
        for _ in range(20):
            talk.writer.write(more)
            await asyncio.sleep(0)
        answer = await talk.hear(5)
    assert b'"hi"' in answer
    assert answer.count(b"HTTP/1.1") <= 13


async def test_a_client_that_still_sends_reads_its_answer(gateway: Running) -> None:
    """A connection that is closed over unread bytes is reset: the rest is read away for a moment."""

    def send() -> bytes:
        parts = urlsplit(gateway.url)
        with socket.create_connection((parts.hostname, parts.port)) as sock:
            sock.settimeout(5)
            sock.sendall(HEAD + b"A: " + b"b" * 4_000_000)
            return answered(sock)

    for _ in range(5):
        assert (await asyncio.to_thread(send)).startswith(b"HTTP/1.0 431 ")


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_closes_its_half_has_left(
    stream: bool, gateway: Running, sandbox: server.Running, caplog: pytest.LogCaptureFixture
) -> None:
    """A FIN looks the same, whether the client still reads or not: GigaChat is let go."""
    caplog.set_level(logging.INFO, "gpt2giga")
    body = orjson.dumps(asking("sandbox:wait 30", stream=stream))
    async with Talk(gateway) as talk:
        await talk.say(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await eventually(lambda: sandbox.state.chatting == 1)
        talk.writer.write_eof()
        await eventually(lambda: sandbox.state.requests.of("chat")[0].outcome == "client_gone")
    assert (await told(caplog))["status"] == 499


SILENT = {"nothing": b"", "half a head": LIVEZ[:-2], "one byte": b"G", "an answered request": LIVEZ}


@pytest.mark.parametrize("sent", SILENT.values(), ids=SILENT)
async def test_silence_ends(sent: bytes, start_gateway: GatewayStarter) -> None:
    """A connection without a request ends in its time, whatever has been sent on it; it is counted."""
    gateway = await start_gateway(GPT2GIGA_IDLE_SECONDS="0.5")
    cause = "head" if sent and not sent.endswith(b"\r\n\r\n") else "idle"
    before = value("connections_closed_total", port="main", cause=cause)
    async with Talk(gateway) as talk:
        begun = time.monotonic()
        await talk.say(sent)
        await talk.hear(5)
        assert 0.4 < time.monotonic() - begun < 2
    await eventually(lambda: value("connections_closed_total", port="main", cause=cause) == before + 1)


async def test_who_leaves_is_not_cut_off(start_gateway: GatewayStarter) -> None:
    """Clients that close their connection, before, during and behind a request, are counted nowhere."""
    gateway = await start_gateway()
    before = {cause: value("connections_closed_total", port="main", cause=cause) for cause in CLOSE_CAUSES}
    for pieces in ([], [LIVEZ], [WHOLE], [HEAD[:-9]], [WHOLE[: -len(BODY)], BODY], [LIVEZ, WHOLE[:-1], BODY[-1:]]):
        async with Talk(gateway) as talk:
            for piece in pieces:
                await talk.say(piece)
                await asyncio.sleep(0.1)
    await eventually(lambda: value("connections", port="main") == 0)
    assert {cause: value("connections_closed_total", port="main", cause=cause) for cause in CLOSE_CAUSES} == before


async def test_a_head_that_trickles_ends(start_gateway: GatewayStarter) -> None:
    """A byte now and then gives it no more time; and the time begins anew behind each answer."""
    gateway = await start_gateway(GPT2GIGA_IDLE_SECONDS="0.6")
    async with Talk(gateway) as talk:
        for _ in range(3):  # longer in all than one head may take
            await asyncio.sleep(0.3)
            await talk.say(LIVEZ)
            assert b" 200 " in await talk.head()
            await talk.reader.readexactly(len(b'{"live":true}'))
        begun = time.monotonic()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):  # noqa: PT012 - whichever is first
            for byte in LIVEZ * 10:
                await talk.say(bytes([byte]))
                if talk.reader.at_eof():
                    raise ConnectionError
        assert time.monotonic() - begun < 2


@pytest.mark.samples("one")
@pytest.mark.parametrize("answers", [1, 100], ids=["one", "many"])
async def test_a_client_that_reads_no_answer(
    answers: int, start_gateway: GatewayStarter, caplog: pytest.LogCaptureFixture
) -> None:
    """What lies unread ends with the idle time, also where no request is under way any more; no task is left."""
    gateway = await start_gateway(GPT2GIGA_IDLE_SECONDS="1")
    before, tasks = value("connections_closed_total", port="main", cause="unread"), len(asyncio.all_tasks())
    with Attackers(gateway.url) as attackers:
        attackers.connect(3, receive=1024)
        for client in attackers.clients:  # so that little of an answer lies in the system's buffers
            client.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * answers)
        await eventually(lambda: value("connections", port="main") >= 3)
        await eventually(lambda: value("connections", port="main") == 0, 8)
    if answers > 1:
        assert value("connections_closed_total", port="main", cause="unread") == before + 3
    await eventually(lambda: len(asyncio.all_tasks()) <= tasks)
    assert "Traceback" not in everything(caplog)


async def test_answers_while_draining_are_the_last(
    sandbox: server.Running, start_process: ProcessStarter, http: aiohttp.ClientSession
) -> None:
    """A kept connection ends with the next answer, so that its client goes elsewhere; idle ones hold up nothing."""
    process: Process = start_process(env=environment(sandbox))
    await ready(process, http)
    async with (
        Talk(Running(process.url, web.Application())) as busy,
        Talk(Running(process.url, web.Application())) as kept,
    ):
        body = orjson.dumps(asking("sandbox:wait 1\nsandbox:say hi"))
        await busy.say(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await kept.say(LIVEZ)
        assert b"Connection: close" not in await kept.head()
        process.popen.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.3)
        await kept.say(LIVEZ)
        assert b"Connection: close\r\n" in await kept.hear()
        assert b"Connection: close\r\n" in await busy.hear(5)
    assert await asyncio.to_thread(process.popen.wait, 8) == 0


def test_nothing_private_of_aiohttp_is_used() -> None:
    """Every name with an underscore that the module asks an object for is its own, and hides none of aiohttp's."""
    own_names = set(HttpConnection.__slots__) | set(vars(HttpConnection))
    tree = ast.parse(inspect.getsource(http_connection))
    asked = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr.startswith("_")}
    assert asked - {"__init__"} <= own_names
    bases = {name for base in web.RequestHandler.__mro__ for name in vars(base) if name.startswith("_")}
    assert {name for name in own_names & bases if not name.startswith("__")} == set()
