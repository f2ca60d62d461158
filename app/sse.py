"""Server-sent events: the only place that knows how they are framed.

Source: the HTML standard, "Server-sent events" (text/event-stream), and the recorded streams of GigaChat.
"""

from __future__ import annotations

CONTENT_TYPE = "text/event-stream"
DONE = b"[DONE]"
KEEPALIVE = b": keep-alive\n\n"

# One event carries a phrase; a function call with its arguments or an inline image may be larger, never this large.
MAX_EVENT_BYTES = 16 * 1024 * 1024

_PREFIX = b"data: "
_END = b"\n\n"
_BOM = b"\xef\xbb\xbf"


class EventTooLarge(ValueError):
    """An event did not end within MAX_EVENT_BYTES."""


def encode(data: bytes) -> bytes:
    """Frame one payload (a single line, as JSON is) as an event."""
    return _PREFIX + data + _END


def comment(text: str) -> bytes:
    """Frame a comment: parsers skip it, people and logs read it. `text` is one line."""
    return f": {text}\n\n".encode()


class Decoder:
    """Cuts a byte stream into the data of its events, in any slicing, with any of the three line ends.

    Only `data` is handed on: comments, names, ids and empty events are skipped.
    """

    __slots__ = ("_carriage", "_rest", "_size", "_started")

    def __init__(self) -> None:
        self._rest: list[bytes] = []  # an event that has begun, in pieces: joined once, when it ends
        self._size = 0
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
            elif (data := _data(block)) is not None:
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
        return _END in chunk or (chunk.startswith(b"\n") and self._rest[-1].endswith(b"\n"))

    def _keep(self, piece: bytes) -> None:
        if piece:
            self._rest.append(piece)
            self._size += len(piece)
        if self._size > MAX_EVENT_BYTES:
            raise EventTooLarge(f"an event of more than {MAX_EVENT_BYTES} bytes")

    def _joined(self, last: bytes) -> bytes:
        buffer = b"".join((*self._rest, last))
        self._rest.clear()
        self._size = 0
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
    lines = []
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        if name == b"data":
            lines.append(value.removeprefix(b" "))
    return b"\n".join(lines) if lines else None
