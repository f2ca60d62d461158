"""A GigaChat of bare bytes, whose token and models are as they should be, and whose every other answer is an attack."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Attack = Callable[[asyncio.StreamWriter], Awaitable[None]]

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
OK = b"HTTP/1.1 200 OK\r\n"
STREAM = OK + b"Content-Type: text/event-stream\r\n\r\n"
CHUNKED = OK + b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def whole(body: bytes, *headers: str, status: str = "200 OK", kind: str = "application/json") -> bytes:
    """An answer with its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def answer(text: str = "да", **message: Any) -> bytes:
    """A whole answer of GigaChat's, as its body."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    body = {"choices": [choice], "created": 1, "model": "GigaChat", "object": "chat.completion", "usage": usage}
    return json.dumps(body, ensure_ascii=False).encode()


def event(finish: str | None = None, **delta: Any) -> bytes:
    """One event of a stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    body = {"choices": [choice], "created": 1, "model": "GigaChat"}
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


def sends(*parts: bytes, times: int | None = 1, pause: float = 0.0, after: bytes = b"") -> Attack:
    """Send the first part, then the others so many times, or without end; then `after`."""
    begin, *rest = parts

    async def attack(writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        piece, sent = b"".join(rest), 0
        while piece and (times is None or sent < times):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
            sent += 1
        writer.write(after)
        await writer.drain()

    return attack


@dataclass
class Hostile:
    """The server: `answers` by path, else it does what GigaChat does. A connection ends with an attack.

    `marked`: answers for requests whose body holds a mark, which come first.
    """

    port: int = 0
    answers: dict[str, Attack | bytes] = field(default_factory=dict)
    marked: dict[bytes, Attack | bytes] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    connections: int = 0

    @property
    def url(self) -> str:
        """The server's root."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        """What puts a gateway in front of it."""
        return {
            "GIGACHAT_CREDENTIALS": "a2V5OmtleQ==",
            "GIGACHAT_BASE_URL": f"{self.url}/v1",
            "GIGACHAT_MAX_CONCURRENCY": "100000",
            "GIGACHAT_AUTH_URL": f"{self.url}/oauth",
            "GPT2GIGA_FETCH_HOSTS": f"127.0.0.1:{self.port}",
        }

    def _usual(self, path: str) -> bytes:
        if path == "/oauth":
            return whole(json.dumps({"access_token": "t", "expires_at": int(time.time() + 1800) * 1000}).encode())
        if path == "/v1/models":
            return whole(b'{"data":[{"id":"GigaChat","object":"model","owned_by":"salutedevices"}]}')
        if path == "/v1/tokens/count":
            return whole(b'[{"tokens":1},{"tokens":1}]')
        if path.startswith("/v1/files"):
            return whole(b'{"id":"7f1d2c3a-1111-4222-8333-944445555666","mime_type":"image/png","purpose":"general"}')
        return whole(answer())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            while True:
                path, body = await _asked(reader)
                self.asked[path] += 1
                said = self.answers.get(path, self._usual(path))
                said = next((attack for mark, attack in self.marked.items() if mark in body), said)
                if not isinstance(said, bytes):
                    await said(writer)
                    writer.close()
                    await writer.wait_closed()
                    return
                writer.write(said)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()


async def _asked(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """The path and the body of a request."""
    head = await reader.readuntil(b"\r\n\r\n")
    found = _LENGTH.search(head)
    body = await reader.readexactly(int(found[1]) if found else 0)
    if b"chunked" in head.lower():
        body = await reader.readuntil(b"0\r\n\r\n")
    return head.split(b" ")[1].decode(), body


@asynccontextmanager
async def hostile_gigachat() -> AsyncIterator[Hostile]:
    """The server, listening until the context ends."""
    found, tasks = Hostile(), set[asyncio.Task[None]]()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(found.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    server.close()
    for task in list(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await server.wait_closed()
