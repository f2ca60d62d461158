"""A fake GigaChat made of ready bytes, in a process of its own: fast enough never to be what is measured.

It knows the token, the list of models and chat completions of v1; a stream's shape and length come from the mark in the
request's last message (see payloads).
"""

from __future__ import annotations

import asyncio
import gc
import re
import sys
import time
from email.utils import formatdate
from functools import lru_cache
from typing import Any, cast

import orjson
import uvloop

from . import payloads, slow

BUILD = f"{payloads.MODEL}:2.0.28.2"
CREATED = 1768996176
USAGE = {"prompt_tokens": 412, "completion_tokens": 96, "total_tokens": 508, "precached_prompt_tokens": 0}
TOKEN_SECONDS = 1800
WRITES_PER_BURST = 10

_COMMON = (
    "Server: SynGX\r\nConnection: keep-alive\r\nAllow: GET, POST\r\n"
    "X-Request-Id: 5b3f6a3e-8f0d-4a55-9d0e-0d8a4c7b2f10\r\nX-Session-Id: 0c9f4f0e-1f5c-4a7d-8a55-6f4b8f6d2a11\r\n"
)
_STREAM_HEAD = (
    f"HTTP/1.1 200 OK\r\n{_COMMON}Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
    "Cache-Control: no-cache\r\n\r\n"
).encode()


def _json(value: object, status: str = "200 OK", extra: str = "") -> bytes:
    """A whole JSON answer with its head."""
    content = orjson.dumps(value)
    head = f"HTTP/1.1 {status}\r\n{_COMMON}{extra}Content-Type: application/json; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


_NOT_FOUND = _json({"status": 404, "message": "Not Found"}, "404 Not Found")
_NO_LENGTH = _json({"status": 411, "message": "Length Required"}, "411 Length Required")
_MODELS = _json(
    {
        "object": "list",
        "data": [
            {"id": name, "object": "model", "owned_by": "salutedevices", "type": kind}
            for name, kind in (("GigaChat", "chat"), ("GigaChat-2-Max", "chat"), ("Embeddings", "embedder"))
        ],
    }
)
_COMPLETION = _json(
    {
        "choices": [
            {"message": {"content": payloads.ANSWER, "role": "assistant"}, "index": 0, "finish_reason": "stop"},
        ],
        "created": CREATED,
        "model": BUILD,
        "object": "chat.completion",
        "usage": USAGE,
    }
)


_FAILURE = re.compile(rb"bench:failure:([45]\d\d)")


def _failure(status: int) -> bytes:
    return _json({"status": status, "message": "Failed as it was asked to"}, f"{status} Failed")


def _token() -> bytes:
    """An access token of the usual length; `expires_at` is in milliseconds."""
    answer = {
        "access_token": "eyJjdHkiOiJqd3QifQ." + "x" * 1260,
        "expires_at": int((time.time() + TOKEN_SECONDS) * 1000),
    }
    return _json(answer, extra=f"Date: {formatdate(usegmt=True)}\r\nCache-Control: no-cache, no-store\r\n")


def _event(choice: dict[str, Any], **rest: object) -> bytes:
    value = {"choices": [choice], "created": CREATED, "model": BUILD, "object": "chat.completion", **rest}
    return _http_chunk(b"data: " + orjson.dumps(value) + b"\n\n")


def _http_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@lru_cache(maxsize=16)
def _frames(chunks: int) -> tuple[bytes, ...]:
    """A stream's events, each in an HTTP chunk of its own; the last item is all that follows the text."""
    frames = []
    for index in range(chunks):
        role = {} if index else {"role": "assistant"}
        frames.append(_event({"delta": {"content": payloads.phrase(index), **role}, "index": 0}))
    last = _event({"delta": {"content": ""}, "index": 0, "finish_reason": "stop"}, usage=USAGE)
    return (*frames, last + _http_chunk(b"data: [DONE]\n\n") + _http_chunk(b""))


@lru_cache(maxsize=16)
def _burst(chunks: int) -> tuple[bytes, ...]:
    """The same stream in a few large writes."""
    frames = _frames(chunks)
    step = -(-len(frames) // WRITES_PER_BURST)
    return tuple(b"".join(frames[at : at + step]) for at in range(0, len(frames), step))


class GigaChat(asyncio.Protocol):
    """One kept-alive connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.WriteTransport | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers are written to."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """A stream that still runs stops at its next step."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete by now."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = _content_length(head)
            if length is None:
                self._write(_NO_LENGTH)
                self._buffer = b""
                return
            stop = end + 4 + length
            if len(self._buffer) < stop:
                return
            content, self._buffer = self._buffer[end + 4 : stop], self._buffer[stop:]
            self._answer(head.split(b" HTTP/1.", 1)[0], content)

    def _answer(self, what: bytes, content: bytes) -> None:
        if what == b"POST /v1/chat/completions":
            self._complete(orjson.loads(content))
        elif what == b"GET /v1/models":
            self._write(_MODELS)
        elif what == b"POST /api/v2/oauth":
            self._write(_token())
        else:
            self._write(_NOT_FOUND)

    def _complete(self, request: dict[str, Any]) -> None:
        last = orjson.dumps(request["messages"][-1])
        if failure := _FAILURE.search(last):
            self._write(_failure(int(failure[1])))
            return
        found = payloads.MARK.search(last)
        if request.get("stream") and (slowly := slow.MARK.search(last)):
            self._write(_STREAM_HEAD)
            self._slow(int(slowly[1]), 0, self._loop.time())
            return
        if not request.get("stream") or found is None:
            self._write(_COMPLETION)
            return
        chunks = int(found[2])
        self._write(_STREAM_HEAD)
        if found[1].decode() == payloads.PACED:
            self._paced(_frames(chunks), 0, self._loop.time())
        else:
            self._in_turns(_burst(chunks), 0)

    def _in_turns(self, writes: tuple[bytes, ...], index: int) -> None:
        """One write per turn of the loop, else they would all leave as one."""
        if self._write(writes[index]) and index + 1 < len(writes):
            self._loop.call_soon(self._in_turns, writes, index + 1)

    def _paced(self, frames: tuple[bytes, ...], index: int, due: float) -> None:
        """One event every PACE_SECONDS, counted from the first, so that delays do not add up."""
        if self._write(frames[index]) and index + 1 < len(frames):
            due += payloads.PACE_SECONDS
            self._loop.call_at(due, self._paced, frames, index + 1, due)

    def _slow(self, chunks: int, index: int, due: float) -> None:
        """One event a second, each with the time at which it leaves; all that ends a stream comes with the last."""
        role = {} if index else {"role": "assistant"}
        content = slow.text(index, time.monotonic())
        event = _event({"delta": {"content": content, **role}, "index": 0})
        if index + 1 == chunks:
            self._write(event + _frames(0)[0])
        elif self._write(event):
            due += slow.PACE_SECONDS
            self._loop.call_at(due, self._slow, chunks, index + 1, due)

    def _write(self, data: bytes) -> bool:
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(data)
        return True


def _content_length(head: bytes) -> int | None:
    """Length of a request's content, nothing for one in chunks."""
    lowered = head.lower()
    if b"\r\ntransfer-encoding:" in lowered:
        return None
    _, found, rest = lowered.partition(b"\r\ncontent-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


async def serve(port: int) -> None:
    """Listen until the process is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: GigaChat(loop), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    gc.disable()  # its pauses would be told as the proxy's
    slow.raise_file_limit()
    uvloop.run(serve(int(sys.argv[1])))
