"""The framing of a chunked body (RFC 9112, 7.1), followed beside aiohttp's parser.

The parser tells nobody of a chunk that it refuses in the middle of a body: whoever reads the body waits for more until
the time for it is up. The protocol asks this module instead, and ends the body at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from aiohttp.http import RawRequestMessage

_TEXT = rb"[^\x00-\x08\x0a-\x1f\x7f]*"
# A size of up to 64 bits, then extensions, which the parser judges; of a line that has not ended, what has come of it.
_SIZE = re.compile(rb"""([0-9A-Fa-f]{1,16})(?:;(?:[-!#$%&'*+.^_`|~0-9A-Za-z;=]|"[^"\r\n]*")*)?\r\n""")
_PLAIN = re.compile(rb"(?!0)([0-9A-Fa-f]{1,8})\r\n")
_BEGINNING = re.compile(rb"[0-9A-Fa-f]{1,16}(?:;%b)?\r?" % _TEXT)
_TRAILER = re.compile(rb"(?:[-!#$%%&'*+.^_`|~0-9A-Za-z]+:%b)?\r\n" % _TEXT)
# Nobody has a use for more in extensions and trailers.
_LONGEST_LINE = 8 * 1024


def find_body(received: bytes, message: RawRequestMessage) -> bytes | None:
    """What has come of the body behind a message's head; None where another head stands first."""
    head, end, body = received.lstrip(b"\r\n").partition(b"\r\n\r\n")
    line = f"{message.method} {message.path} HTTP/".encode(errors="surrogateescape")
    is_its_own = end and head.startswith(line) and head.count(b"\r\n") == len(message.raw_headers)
    return body if is_its_own else None


class ChunkedBody:
    """Takes a body's bytes as they come, in pieces of any size."""

    __slots__ = ("_judge", "_left", "_line", "ended")

    def __init__(self) -> None:
        self.ended = False
        # of the class: a method of this object would hold the object, and so itself
        self._judge: Callable[[ChunkedBody, bytes], bool] = ChunkedBody._size
        self._line = b""
        self._left = 0  # bytes of the chunk that have not come yet

    def feed(self, data: bytes) -> bool:
        """Whether this can be the next part of a chunked body. What stands behind its end is not looked at."""
        position = 0
        while position < len(data) and not self.ended:
            if self._left:
                step = min(self._left, len(data) - position)
                self._left -= step
                position += step
                continue
            if not self._line and self._judge is ChunkedBody._size:
                position = self._skip_whole(data, position)
                if position == len(data):
                    break
            end = data.find(b"\n", position) + 1 or len(data)
            self._line += data[position:end]
            position = end
            if len(self._line) > _LONGEST_LINE or not self._judge(self, self._line):
                return False
            if self._line.endswith(b"\n"):
                self._line = b""
        return True

    @staticmethod
    def _skip_whole(data: bytes, position: int) -> int:
        """Where the next chunk begins that is not plain and whole: a body may be made of a million tiny ones."""
        while size := _PLAIN.match(data, position):
            end = size.end() + int(size[1], 16)
            if data[end : end + 2] != b"\r\n":
                break
            position = end + 2
        return position

    def _size(self, line: bytes) -> bool:
        """The line before a chunk."""
        if not line.endswith(b"\n"):
            return _BEGINNING.fullmatch(line) is not None
        found = _SIZE.fullmatch(line)
        if found is not None:
            self._left = int(found[1], 16)
            self._judge = ChunkedBody._chunk_end if self._left else ChunkedBody._trailer
        return found is not None

    def _chunk_end(self, line: bytes) -> bool:
        """The end of the line behind a chunk."""
        if line == b"\r\n":
            self._judge = ChunkedBody._size
        return line in {b"\r", b"\r\n"}

    def _trailer(self, line: bytes) -> bool:
        """A line behind the last chunk, judged when it is whole; an empty one ends the body."""
        self.ended = line == b"\r\n"
        return not line.endswith(b"\n") or _TRAILER.fullmatch(line) is not None
