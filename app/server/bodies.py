"""Request bodies, bounded one by one and all together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

from app.errors import INVALID_JSON, OVERLOADED, REQUEST_TOO_LARGE, GatewayError


class BodyBudget:
    """Memory for bodies: `each` is the limit of one, `together` that of all that are held at a time. Bytes."""

    def __init__(self, each: int, together: int) -> None:
        self._each = each
        self._left = together

    @asynccontextmanager
    async def held(self, request: web.Request) -> AsyncIterator[bytes]:
        """A request's body; its bytes count until the context ends. Raises GatewayError."""
        if (request.content_length or 0) > self._each:
            raise self._too_large()
        taken = 0
        chunks = []
        try:
            async for chunk in request.content.iter_any():
                taken += len(chunk)
                self._left -= len(chunk)
                if taken > self._each:
                    raise self._too_large()
                if self._left < 0:
                    raise GatewayError(OVERLOADED, "The gateway holds too many large requests. Try again shortly.")
                chunks.append(chunk)
            yield chunks[0] if len(chunks) == 1 else b"".join(chunks)
        finally:
            self._left += taken

    def _too_large(self) -> GatewayError:
        return GatewayError(
            REQUEST_TOO_LARGE, f"The request's body is larger than {self._each} bytes (GPT2GIGA_MAX_BODY_BYTES)."
        )


def json_object(data: bytes) -> dict[str, Any]:
    """The body as a JSON object. Raises GatewayError with the position of the fault."""
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as fault:
        where = f" at line {fault.lineno}, column {fault.colno}" if data.strip() else ""
        what = fault.msg.partition(":")[0] if data.strip() else "the body is empty"
        raise GatewayError(INVALID_JSON, f"The body is no valid JSON: {what}{where}.") from None
    if not isinstance(body, dict):
        raise GatewayError(INVALID_JSON, "The body must be a JSON object.")
    return body
