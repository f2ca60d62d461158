"""Server-sent events: the only place that knows how they are framed.

Source: the HTML standard, "Server-sent events" (text/event-stream), and the recorded streams of GigaChat.
"""

from __future__ import annotations

from collections.abc import Callable

CONTENT_TYPE = "text/event-stream"
DONE = b"[DONE]"
KEEPALIVE = b": keep-alive\n\n"

# One event carries a phrase; a function call with its arguments or an inline image may be larger, never this large.
MAX_EVENT_BYTES = 16 * 1024 * 1024
# JSON has one. Each costs an object, though it may hold nothing but its name.
MAX_LINES = 10_000

_PREFIX = b"data: "
_END = b"\n\n"
_BOM = b"\xef\xbb\xbf"


class EventTooLarge(ValueError):
    """An event did not end within MAX_EVENT_BYTES or MAX_LINES."""


def encode(data: bytes, event: bytes | None = None) -> bytes:
    """Frame one payload (a single line, as JSON is) as an event; `event` is its name, where a protocol names events."""
    if event is not None:
        return b"event: " + event + b"\n" + _PREFIX + data + _END
    return _PREFIX + data + _END


class Decoder:
    """Cuts a byte stream into the data of its events, in any slicing, with any of the three line ends.

    Only `data` is handed on: comments, names, ids and empty events are skipped. `large` sees every event that came in
    several pieces, with what follows it, before it is handed on, and may raise.
    """

    __slots__ = ("_carriage", "_large", "_rest", "_started")

    def __init__(self, large: Callable[[bytes], None] | None = None) -> None:
        self._rest = bytearray()  # an event that has begun
        self._large = large
        self._carriage = False
        self._started = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes, give the data of every event that is complete by now."""
        chunk = self._plain(chunk)
        if self._rest:
            if not self._closes(chunk):
                self._keep(chunk)
                return []
            chunk = self._joined(chunk)
        if not self._started:
            chunk = self._without_bom(chunk)
        blocks = chunk.split(_END)
        if rest := blocks.pop():
            self._keep(rest)
        found = []
        for block in blocks:
            if block.startswith(_PREFIX) and b"\n" not in block:
                found.append(block[6:])
            elif block and (data := _data(block)) is not None:
                found.append(data)
        return found

    def finish(self) -> list[bytes]:
        """The stream has ended: give the data of a last event that no blank line closed.

        The standard throws such an event away; a server that forgets the last line end is served all the same.
        The caller sees from the payload itself whether it was cut off.
        """
        rest = self._joined(b"")
        data = _data(rest if self._started else self._without_bom(rest))
        return [] if data is None else [data]

    def _closes(self, chunk: bytes) -> bool:
        """Whether the event that has begun ends in this piece."""
        return _END in chunk or (chunk.startswith(b"\n") and self._rest.endswith(b"\n"))

    def _keep(self, piece: bytes) -> None:
        self._rest += piece
        if len(self._rest) > MAX_EVENT_BYTES:
            raise EventTooLarge(f"an event of more than {MAX_EVENT_BYTES} bytes")

    def _joined(self, last: bytes) -> bytes:
        self._rest += last
        buffer = bytes(self._rest)
        self._rest.clear()
        if self._large is not None:
            self._large(buffer)
        return buffer

    def _plain(self, chunk: bytes) -> bytes:
        """Line ends as LF; a CR at the end of a chunk waits for what follows, since it may be half of a CRLF."""
        if self._carriage:
            chunk, self._carriage = b"\r" + chunk, False
        if b"\r" not in chunk:
            return chunk
        if chunk.endswith(b"\r"):
            chunk, self._carriage = chunk[:-1], True
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _without_bom(self, buffer: bytes) -> bytes:
        if len(buffer) < len(_BOM) and _BOM.startswith(buffer):
            return buffer
        self._started = True
        return buffer.removeprefix(_BOM)


def _data(block: bytes) -> bytes | None:
    if block.startswith(b":") and b"\n" not in block:
        return None
    if block.count(b"\n") > MAX_LINES:
        raise EventTooLarge(f"an event of more than {MAX_LINES} lines")
    lines = []
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        if name == b"data":
            lines.append(value.removeprefix(b" "))
    return b"\n".join(lines) if lines else None
