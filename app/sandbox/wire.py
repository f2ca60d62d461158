"""The parts that all handlers use: the context of a request, responses in GigaChat's form, refusals, closing."""

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
from app.sandbox.file_store import Owner, Upload
from app.sandbox.record import Record, replace_invalid_utf8
from app.sandbox.state import State
from app.sandbox.tokens import ACCOUNT

NOT_JSON = "Your request contains invalid JSON syntax."

# docs/gigachat-api.md, "Errors"
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
    """The request is answered with an error status and a message."""

    def __init__(self, status: int, message: str = "") -> None:
        self.status = status
        self.message = message or phrase(status)
        super().__init__(self.status, self.message)


class Severed(Exception):
    """The connection was closed on purpose, so no response can be sent."""


@dataclass(slots=True)
class RequestContext:
    """The context of one request. `offset`: the seconds by which the server's clock is wrong.

    `account`: the account of its token. `upload`: the content of an upload.
    """

    request: web.Request
    state: State
    record: Record
    offset: float = 0.0
    account: str = ACCOUNT
    upload: Upload = field(default_factory=Upload)

    @property
    def place(self) -> str:
        """The endpoint's name for faults and records."""
        return self.record.where

    @property
    def owner(self) -> Owner:
        """The owner of files that this request uploads or uses."""
        client = self.request.headers.get("X-Client-ID")
        return Owner(self.account, None if client is None else replace_invalid_utf8(client))

    def now(self) -> float:
        """The time by the server's clock, in Unix seconds."""
        return time.time() + self.offset

    def fire(self, kind: str) -> Fault | None:
        """Fire a fault of this kind for this endpoint, and record it. Returns None if there is none."""
        if not self.state.faults:
            return None
        fault = self.state.faults.fire(kind, self.place)
        if fault is not None:
            self.record.faults.append(kind)
        return fault

    def json(self) -> dict[str, Any]:
        """The body, which must be a JSON object. Raises Refused."""
        body = self.record.body
        if not isinstance(body, dict):
            raise Refused(400, NOT_JSON)
        return body

    def sever(self, *, rst: bool = False) -> Severed:
        """Close the connection of the request. The caller must raise the returned exception."""
        transport = self.request.transport
        if transport is not None:
            end(transport, rst=rst)
        return Severed()


CONTEXT = web.RequestKey("call", RequestContext)


def end(transport: asyncio.BaseTransport, *, rst: bool) -> None:
    """Close a connection after the written data, by a FIN or a TCP reset."""
    raw = transport.get_extra_info("socket")
    if rst and raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.close()


def phrase(status: int) -> str:
    """The default message of a status."""
    return MESSAGES.get(status) or _reason(status)


def reply(payload: Any, status: int = 200) -> web.Response:
    """A response of compact JSON in UTF-8. A 404 ends in a line break, as recorded."""
    body = orjson.dumps(payload)
    return web.Response(
        body=body + b"\n" if status == 404 else body,
        status=status,
        content_type="application/json",
        charset="utf-8",
    )


def refusal(status: int, message: str = "") -> web.Response:
    """An error response in the API's form."""
    return reply({"status": status, "message": message or phrase(status)}, status)


def page(status: int) -> web.Response:
    """A page of nginx, as a proxy in front of GigaChat answers."""
    return web.Response(text=_PAGE.format(title=f"{status} {_reason(status)}"), status=status, content_type="text/html")


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
