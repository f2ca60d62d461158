"""Limits of what a server may send to the gateway's HTTP client before the body of its response.

aiohttp limits the size and number of headers of one response. It does not limit interim responses (1xx), nor responses
without a request on an idle connection. It also decodes content encodings to any size. So the gateway requests no
encoding and decodes none; `find_encoding` finds one that a server applied anyway.
Source: RFC 9110, 15.2 (interim responses) and 8.4 (content encodings); RFC 9112, 7 (transfer codings).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import dropwhile
from typing import Any, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.http_parser import RawResponseMessage
from aiohttp.streams import StreamReader
from multidict import CIMultiDictProxy

# An honest server sends one or two (100, 103).
MAX_INTERIM = 16
# Of all status lines and headers, interim responses included, up to the body. nginx sends 1 KB.
MAX_HEAD_BYTES = 256 * 1024
# The parser handles all bytes of one read, often 256 KB, which may hold 16,000 tiny responses. So it gets small slices.
_SLICE_BYTES = 4 * 1024
_UNENCODED = frozenset({"", "identity"})

ParsedResponse = tuple[RawResponseMessage, StreamReader]


class BoundedHandler(ResponseHandler):
    """One connection. It is closed if the server sends too much before its response, or a second response."""

    _answered = False

    def set_response_params(self, **params: Any) -> None:
        """Prepare for the response to the next request."""
        early = self._tail
        self._tail = b""
        super().set_response_params(**params)
        self._answered = False
        # _HeadParser has the four methods of aiohttp's parser that ResponseHandler calls.
        self._parser = cast("Any", _HeadParser(self, self._parser))
        if early:  # bytes that came before the request, which aiohttp limits: they are parsed as its response
            self._tail = early
            self._drain_tail()

    def feed_data(self, data: ParsedResponse, size: int = 0) -> None:
        """Pass the response on. Close the connection if it is a second one."""
        if self._answered:
            self.abort()
            return
        self._answered = True
        super().feed_data(data, size)

    def remove_head_parser(self, parser: Any) -> None:
        """Use aiohttp's parser directly from now on: the head is complete, and the body needs no limit here."""
        self._parser = parser


class SlicedHandler(BoundedHandler):
    """A connection to an untrusted server: the bytes after the head are parsed in small slices too."""

    def data_received(self, data: bytes) -> None:
        """Parse received bytes. Stop if the connection is closed meanwhile."""
        for start in range(0, len(data) or 1, _SLICE_BYTES):
            super().data_received(data[start : start + _SLICE_BYTES])
            if self.transport is None or self.transport.is_closing():
                return


class _HeadParser:
    """Replaces the parser until the final response's head is complete. Raises BadHttpMessage above a limit."""

    __slots__ = ("_handler", "_interim", "_parser", "_size")

    def __init__(self, handler: BoundedHandler, parser: Any) -> None:
        self._handler = handler
        self._parser = parser
        self._size = 0
        self._interim = 0

    def feed_data(self, data: bytes) -> tuple[Iterable[ParsedResponse], bool, bytes]:
        """Parse the heads in small slices, and the rest at once. Interim responses are dropped."""
        for start in range(0, len(data) or 1, _SLICE_BYTES):
            piece = data[start : start + _SLICE_BYTES]
            messages, upgraded, tail = self._parser.feed_data(piece)
            if len(messages) == 1 and messages[0][0].code >= 200:  # as nearly all heads come
                return self._finish_head(messages, data[start + _SLICE_BYTES :], upgraded, tail)
            final = list(dropwhile(_is_interim, messages))
            self._interim += len(messages) - len(final)
            self._size += len(piece)
            if self._interim > MAX_INTERIM:
                raise BadHttpMessage(f"more than {MAX_INTERIM} interim answers before the final one")
            if final:
                return self._finish_head(final, data[start + _SLICE_BYTES :], upgraded, tail)
            if self._size > MAX_HEAD_BYTES:
                raise BadHttpMessage(f"more than {MAX_HEAD_BYTES} bytes before the answer's body")
        return (), False, b""

    def _finish_head(
        self, final: list[ParsedResponse], rest: bytes, upgraded: bool, tail: bytes
    ) -> tuple[Iterable[ParsedResponse], bool, bytes]:
        self._handler.remove_head_parser(self._parser)
        if upgraded or not rest:
            return final, upgraded, tail + rest
        messages, upgraded, tail = self._parser.feed_data(rest)
        return [*final, *messages], upgraded, tail

    def feed_eof(self) -> Any:
        """The server has closed the connection."""
        return self._parser.feed_eof()

    def pause_reading(self) -> None:
        """The body's reader is full."""
        self._parser.pause_reading()


def limit_responses(connector: aiohttp.BaseConnector, handler: type[BoundedHandler] = BoundedHandler) -> None:
    """Make a connector create connections with these limits. They apply to connections to a proxy too."""
    connector._factory = cast("partial[ResponseHandler]", partial(handler, loop=connector._loop))


def find_encoding(headers: CIMultiDictProxy[str]) -> str | None:
    """A short description of the response's content encoding or transfer coding; None if it has none but `chunked`."""
    if "Content-Encoding" in headers:
        for coding in ",".join(headers.getall("Content-Encoding")).split(","):
            if coding.strip().lower() not in _UNENCODED:
                return f"Content-Encoding: {ascii(coding.strip()[:32])[1:-1]}"
    if "Transfer-Encoding" in headers:
        for coding in ",".join(headers.getall("Transfer-Encoding")).split(","):
            if coding.strip().lower() not in (*_UNENCODED, "chunked"):
                return f"Transfer-Encoding: {ascii(coding.strip()[:32])[1:-1]}"
    return None


def _is_interim(parsed: ParsedResponse) -> bool:
    """Whether a response is interim. 101 is final: the connection switches to another protocol."""
    return 100 <= parsed[0].code < 200 and parsed[0].code != 101
