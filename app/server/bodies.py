"""Request bodies, bounded one by one and all together."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import orjson
from aiohttp import StreamReader, web

from app.admission.memory import Memory
from app.errors import INVALID_JSON, REQUEST_TOO_LARGE, GatewayError

# Millions of tiny values in one body would hold up everybody else for seconds, and take gigabytes.
_LARGE, _MOST_VALUES = 1024 * 1024, 500_000
_WIDE = (b"\xf0", b"\xf1", b"\xf2", b"\xf3", b"\xf4")  # how characters beyond the first 65,536 begin in UTF-8
_POSITION = re.compile(r": line \d+ column \d+.*", re.DOTALL)
# A client that sends nothing more of its body for so long gives its memory back.
STALLED_SECONDS = 30.0


class BodyBudget:
    """`each` is the limit of one body, in bytes; the memory is that of all that are held at a time."""

    def __init__(self, each: int, memory: Memory) -> None:
        self.each = each
        self.memory = memory

    def hold(self) -> HeldBody:
        """A context for one request's body, whose bytes count until it ends."""
        return HeldBody(self)


class HeldBody:
    """One request's body."""

    __slots__ = ("_each", "_share")

    def __init__(self, budget: BodyBudget) -> None:
        self._each = budget.each
        self._share = budget.memory.share()

    def __enter__(self) -> HeldBody:
        """Nothing is held yet."""
        return self

    def __exit__(self, *fault: object) -> None:
        """Give the memory back, whatever happened."""
        self._share.__exit__(*fault)

    async def read(self, request: web.Request) -> bytes:
        """The body. Raises GatewayError when it is too large, alone or with the others."""
        if (request.content_length or 0) > self._each:
            raise self._too_large()
        chunks = []
        while chunk := await _next(request.content):
            self._share.take(len(chunk))
            if self._share.taken > self._each:
                raise self._too_large()
            chunks.append(chunk)
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        if len(data) > _LARGE and any(mark in data for mark in _WIDE):
            self._share.take(3 * len(data))  # one such character makes all of its text four bytes each
        return data

    def _too_large(self) -> GatewayError:
        return GatewayError(
            REQUEST_TOO_LARGE, f"The request's body is larger than {self._each} bytes (GPT2GIGA_MAX_BODY_BYTES)."
        )


async def _next(content: StreamReader) -> bytes:
    """The next piece of a body; what has come already costs no time-out."""
    if content.is_eof():
        return content.read_nowait()
    try:
        async with asyncio.timeout(STALLED_SECONDS):
            return await content.readany()
    except TimeoutError as fault:  # a body that has stalled is one that is cut off: nothing can follow it either
        raise web.RequestPayloadError from fault


def _why(data: bytes, fault: orjson.JSONDecodeError) -> str:
    if not data.strip():
        return "the body is empty"
    try:
        data.decode()
    except UnicodeDecodeError as wrong:  # the parser says line 1, column 1 for these
        before = data[: wrong.start].decode()
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return f"not UTF-8 at line {line}, column {column}"
    return f"{_POSITION.sub('', fault.msg)} at line {fault.lineno}, column {fault.colno}"


def json_object(data: bytes) -> dict[str, Any]:
    """The body as a JSON object. Raises GatewayError with the position of the fault."""
    if len(data) > _LARGE and max(data.count(b"[") + data.count(b"{"), data.count(b",")) > _MOST_VALUES:
        raise GatewayError(INVALID_JSON, f"The body holds more than {_MOST_VALUES} values: no model reads as many.")
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as fault:
        raise GatewayError(INVALID_JSON, f"The body is no valid JSON: {_why(data, fault)}.") from None
    if not isinstance(body, dict):
        raise GatewayError(INVALID_JSON, "The body must be a JSON object.")
    return body
