"""HTTP that is not taken: what the parser refuses, and what it takes though the gateway does not. Pure functions.

No message repeats what came: it may hold a key.
"""

from __future__ import annotations

import re

from aiohttp import hdrs, http_exceptions
from aiohttp.http import HttpVersion10, HttpVersion11, RawRequestMessage
from yarl import URL

from app import errors
from app.errors import GatewayError
from app.server.heads import HEAD_BYTES, LINE_BYTES

# Of bodies. aiohttp knows more where their libraries are installed: what is taken does not depend on these.
ENCODINGS = ("gzip", "deflate")
_TLS = b"\x16\x03"
_FIRST = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ\r\n")
_WORDS = re.compile(r"[A-Za-z '`/-]{1,80}\.?")
_HTTP_2 = b"PRI * HTTP/2"
# The router looks at a path once for each slash: one of 64 KB would hold the loop for a second. No path needs so many.
_MOST_SLASHES = 64
# No shorter path can hold the loop.
SHORT_PATH = 1024
_NOWHERE = URL("*")


def of_fault(fault: BaseException | None, head: bytes) -> GatewayError:
    """The error for what the parser refused. `head`: what had come of it, for the operator's log to name its kind."""
    if isinstance(fault, http_exceptions.LineTooLong) or "Too many headers" in str(fault):
        return head_too_large()
    if isinstance(fault, http_exceptions.ContentEncodingError):  # before a body it lacks a library, behind one bytes
        return _unsupported_encoding() if "install" in fault.message else body_unreadable()
    if head.startswith(_TLS):
        return _invalid("This port speaks plain HTTP, not TLS: use http:// or a proxy that ends TLS.", "TLS")
    if head.startswith(_HTTP_2):
        return _invalid("This port speaks HTTP/1.1, not HTTP/2 with prior knowledge.", "HTTP/2")
    return _invalid(f"The request is no valid HTTP/1.1{_why(fault)}.", None if fault is None else type(fault).__name__)


def of_message(message: RawRequestMessage) -> GatewayError | None:
    """The error for a head that the parser takes and the gateway does not; None for all others."""
    if has_endless_path(message):
        return GatewayError(errors.UNKNOWN_URL, "This gateway has no such URL: its path has too many parts.")
    if message.version not in {HttpVersion11, HttpVersion10}:
        return _invalid("The request is no valid HTTP/1.1.")
    if message.method == hdrs.METH_CONNECT:
        return _invalid("This is no HTTP proxy: it does not take CONNECT.")
    if hdrs.TRANSFER_ENCODING in message.headers:
        if message.version == HttpVersion10:
            return _invalid("HTTP/1.0 has no Transfer-Encoding.")
        if message.headers[hdrs.TRANSFER_ENCODING].lower() != "chunked":
            return _invalid("Of transfer encodings only 'chunked' is taken, alone.")
    if hdrs.CONTENT_ENCODING in message.headers:
        encoding = ",".join(message.headers.getall(hdrs.CONTENT_ENCODING)).strip().lower()
        if encoding not in {"", "identity", *ENCODINGS}:
            return _unsupported_encoding()
    return head_too_large() if _size(message) > HEAD_BYTES else None


def has_endless_path(message: RawRequestMessage) -> bool:
    """Whether to look a path up would take too long."""
    return len(message.path) > SHORT_PATH and message.path.partition("?")[0].count("/") > _MOST_SLASHES


def without_path(message: RawRequestMessage) -> RawRequestMessage:
    """The same head with a path that nobody serves."""
    return message._replace(path=str(_NOWHERE), url=_NOWHERE)


def head_too_large() -> GatewayError:
    """The error for a head that is longer than anybody needs."""
    message = f"A header is longer than {LINE_BYTES} bytes, all together are longer than {HEAD_BYTES}, or are too many."
    return GatewayError(errors.HEADERS_TOO_LARGE, message)


def body_unreadable() -> GatewayError:
    """The error for a body that can't be decoded."""
    return GatewayError(errors.INVALID_JSON, "The request's body is cut off or wrongly encoded.")


def can_begin(data: bytes) -> bool:
    """Whether a request may begin so. The parser that is written in Python waits for a line's end to say no."""
    return data[0] in _FIRST


def chunk_invalid() -> GatewayError:
    """The error for a chunked body whose framing breaks."""
    return _invalid("The request's body is not validly chunked.")


def _why(fault: BaseException | None) -> str:
    """What the parser says, where these are its own words alone."""
    words = fault.message.partition(":")[0] if type(fault) is http_exceptions.BadHttpMessage else ""
    return f": {words.rstrip('.')}" if _WORDS.fullmatch(words) else ""


def _size(message: RawRequestMessage) -> int:
    return len(message.path) + sum(len(name) + len(value) + 4 for name, value in message.raw_headers)


def _invalid(message: str, detail: str | None = None) -> GatewayError:
    return GatewayError(errors.INVALID_HTTP, message, detail=detail)


def _unsupported_encoding() -> GatewayError:
    message = f"The request's body is encoded in a way that is not taken: take {' or '.join(ENCODINGS)}, or none."
    return GatewayError(errors.UNSUPPORTED_ENCODING, message)
