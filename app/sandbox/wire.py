"""What every handler needs: replies as GigaChat frames them, refusals, one request's facts, a connection's end."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from app.sandbox.faults import Fault
from app.sandbox.record import Record, readable
from app.sandbox.shelf import Owner, Upload
from app.sandbox.state import State
from app.sandbox.tokens import ACCOUNT

NOT_JSON = "Your request contains invalid JSON syntax."

# gigachat-api, section 6
MESSAGES: Mapping[int, str] = {
    400: NOT_JSON,
    401: "Unauthorized",
    402: "Payment Required",
    403: "Permission denied",
    404: "No such model",
    413: "Payload too large",
    422: "Invalid params: refused by the sandbox",
    429: "Too many requests",
    500: "Internal Server Error",
}

_PAGE = (
    "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


class Refused(Exception):
    """A request that GigaChat answers with an error status and a message."""

    def __init__(self, status: int, message: str = "") -> None:
        self.status = status
        self.message = message or phrase(status)
        super().__init__(self.status, self.message)


class Severed(Exception):
    """The connection was closed on purpose: nothing more can be sent."""


@dataclass(slots=True)
class Call:
    """One request, with what the sandbox knows about it. `offset` is how far the clock is off.

    `account` is whose token it bears, `upload` what the body of an upload was.
    """

    request: web.Request
    state: State
    record: Record
    offset: float = 0.0
    account: str = ACCOUNT
    upload: Upload = field(default_factory=Upload)

    @property
    def place(self) -> str:
        """Where the request goes, as faults and the record name it."""
        return self.record.where

    @property
    def owner(self) -> Owner:
        """Who asks, as files are bound to."""
        client = self.request.headers.get("X-Client-ID")
        return Owner(self.account, None if client is None else readable(client))

    def now(self) -> float:
        """The time by the server's clock, in Unix seconds."""
        return time.time() + self.offset

    def take(self, kind: str) -> Fault | None:
        """A fault of this kind that fires here and now."""
        if not self.state.faults:
            return None
        fault = self.state.faults.take(kind, self.place)
        if fault is not None:
            self.record.faults.append(kind)
        return fault

    def json(self) -> dict[str, Any]:
        """The body, which must be a JSON object."""
        body = self.record.body
        if not isinstance(body, dict):
            raise Refused(400, NOT_JSON)
        return body

    def sever(self, *, rst: bool = False) -> Severed:
        """Close the connection under the request; raise what this gives."""
        transport = self.request.transport
        if transport is not None:
            end(transport, rst=rst)
        return Severed()


CALL = web.RequestKey("call", Call)


def end(transport: asyncio.BaseTransport, *, rst: bool) -> None:
    """Close a connection: what was written goes out, then a FIN or a reset."""
    raw = transport.get_extra_info("socket")
    if rst and raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.close()


def phrase(status: int) -> str:
    """The message that goes with a status."""
    return MESSAGES.get(status) or _reason(status)


def reply(payload: Any, status: int = 200) -> web.Response:
    """Compact JSON in UTF-8; a 404 ends in a newline, as recorded."""
    body = orjson.dumps(payload)
    return web.Response(
        body=body + b"\n" if status == 404 else body,
        status=status,
        content_type="application/json",
        charset="utf-8",
    )


def refusal(status: int, message: str = "") -> web.Response:
    """An error in the shape of the API."""
    return reply({"status": status, "message": message or phrase(status)}, status)


def page(status: int) -> web.Response:
    """What a proxy in front of GigaChat answers: a page of nginx."""
    return web.Response(text=_PAGE.format(title=f"{status} {_reason(status)}"), status=status, content_type="text/html")


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
