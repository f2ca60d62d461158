"""Estimates how much memory a JSON body will need, from its bytes, before it is parsed.

A text needs more memory than its bytes: Python stores one, two or four bytes per character, the payload for GigaChat
holds the text a second time, and Python keeps the UTF-8 form of a text that is not ASCII. An empty list has two bytes
in the body and 72 in memory. The weight is an upper bound of the memory held at one time until GigaChat has answered.
docs/memory.md shows the measurements, and tests/admission/test_weights.py repeats them.
"""

from __future__ import annotations

from typing import Any

from app.admission.marks import Marks, count_all

# A body up to this size is not examined. Each byte gets the weight of the worst case, a body of many tiny messages.
SMALL_BYTES = 16 * 1024
SMALL_FACTOR = 20

# Bytes for each value if there are few enough to count them.
_VALUE_BYTES, _MAX_WEIGHED_VALUES = 350, 1000
# Bytes of memory for each byte of a text, by the bytes that Python needs for its widest character.
_TEXT_FACTORS = {1: 2, 2: 4, 4: 6}

_FOUR_BYTE_LEADS = tuple(bytes([lead]) for lead in range(0xF0, 0xF5))  # how characters of four bytes begin in UTF-8
_SLICE_BYTES = 64 * 1024  # slices keep a long ASCII text (a file) separate from the wide texts around it
_MAX_LOOKS, _MAX_BACKSLASHES = 32, 64  # at quotes that may be escaped, and back along a row of backslashes
_ESCAPE_BYTES = len(b"\\u0000")


class BodyWeight:
    """The weight of one body, which is fed in pieces.

    It finds the quotes between texts, so that a wide character adds weight to its own text and not to a file beside it.
    """

    __slots__ = ("_ended_texts", "_open_bytes", "_open_width", "_partial_escape", "marks")

    def __init__(self) -> None:
        self.marks = Marks()  # those in texts too
        self._ended_texts = 0  # bytes for the texts that have ended
        self._open_bytes = 0  # of the text that has not ended
        self._open_width = 1  # bytes that Python needs for its widest character
        self._partial_escape = b""  # an escape that the last piece did not end

    @property
    def text(self) -> int:
        """Bytes for all texts so far."""
        return self._ended_texts + self._open_bytes * _TEXT_FACTORS[self._open_width]

    def feed(self, piece: bytes) -> None:
        """Add the weight of the next piece."""
        self.marks = self.marks.plus(count_all(piece))
        for at in range(0, len(piece), _SLICE_BYTES):
            self._feed_slice(piece[at : at + _SLICE_BYTES])

    def _feed_slice(self, piece: bytes) -> None:
        piece = self._partial_escape + piece
        has_backslash = b"\\" in piece
        end = _find_partial_escape(piece) if has_backslash else len(piece)
        self._partial_escape = piece[end:]
        piece = piece[:end]
        escapes = has_backslash and _has_escaped_letters(piece)
        first, last = _find_quote_after(piece, 0), _find_quote_before(piece, end)
        if first < 0 or last < first:  # no quote found: the piece belongs to the open text
            self._extend_text(piece, escapes)
            return
        self._extend_text(piece[:first], escapes)
        self._end_text()
        for texts in _split_off_wide(piece[first:last], escapes):
            self._extend_text(texts, escapes)
            self._end_text()
        self._extend_text(piece[last:], escapes)

    def _extend_text(self, piece: bytes, escapes: bool) -> None:
        """Add bytes to the open text. `escapes`: whether they may hold escaped letters (`\\u044f`)."""
        self._open_bytes += len(piece)
        if self._open_width < 4 and not piece.isascii():
            self._open_width = 4 if any(lead in piece for lead in _FOUR_BYTE_LEADS) else 2
        if escapes and self._open_width < 4 and b"\\u" in piece:  # two surrogates are one character of four bytes
            self._open_width = 4 if b"\\ud" in piece or b"\\uD" in piece else 2

    def _end_text(self) -> None:
        self._ended_texts = self.text
        self._open_bytes, self._open_width = 0, 1


def weigh_values(body: dict[str, Any]) -> int | None:
    """The weight of a parsed body's values; None if there are too many to count.

    It may be less than the estimate from the bytes, which also counts the brackets in texts, such as program code.
    """
    pending: list[Any] = [body]
    count = 1
    while pending:
        value = pending.pop()
        count += len(value)
        if count > _MAX_WEIGHED_VALUES:
            return None
        children = value.values() if isinstance(value, dict) else value
        pending += [child for child in children if isinstance(child, dict | list)]
    return count * _VALUE_BYTES


def _find_partial_escape(piece: bytes) -> int:
    """The position of an escape that continues after the piece; the piece's length if there is none."""
    at = piece.rfind(b"\\", max(0, len(piece) - _ESCAPE_BYTES + 1))
    unended = at >= 0 and not _is_escaped(piece, at) and piece[at + 1 : at + 2] in {b"", b"u"}
    return at if unended else len(piece)


def _has_escaped_letters(piece: bytes) -> bool:
    """Whether the piece may hold escaped letters (`\\u044f`). The first escapes are examined one by one."""
    at = piece.find(b"\\")
    for _ in range(_MAX_LOOKS):
        if at < 0 or piece.startswith(b"u", at + 1):
            return at >= 0
        at = piece.find(b"\\", at + 2)
    return b"\\u" in piece


def _find_quote_after(piece: bytes, at: int) -> int:
    """The position of the first unescaped quote from here on; -1 if it is not found in a few steps."""
    for _ in range(_MAX_LOOKS):
        at = piece.find(b'"', at)
        if at < 0 or not _is_escaped(piece, at):
            return at
        at += 1
    return -1


def _find_quote_before(piece: bytes, at: int) -> int:
    """The position of the last unescaped quote before this one; -1 if it is not found in a few steps."""
    for _ in range(_MAX_LOOKS):
        at = piece.rfind(b'"', 0, at)
        if at < 0 or not _is_escaped(piece, at):
            return at
    return -1


def _split_off_wide(texts: bytes, escapes: bool) -> list[bytes]:
    """Split texts into those before, with and after wide characters; one piece if there are no wide ones."""
    begin, end = _find_first_wide(texts), 0
    if begin < len(texts):
        end = len(texts) - _find_first_wide(texts[::-1])
    if escapes and (at := texts.find(b"\\u")) >= 0:
        begin, end = min(begin, at), max(end, texts.rfind(b"\\u"))
    left, right = _find_quote_before(texts, begin), _find_quote_after(texts, end)
    if end == 0 or left < 0 or right < 0:
        return [texts]
    return [texts[:left], texts[left:right], texts[right:]]


def _find_first_wide(texts: bytes) -> int:
    """The position of the first byte that is not ASCII; the length if there is none."""
    if texts.isascii():
        return len(texts)
    low, high = 0, len(texts)  # texts[:low] is ASCII, texts[:high] is not
    while high - low > 1:
        middle = (low + high) // 2
        if texts[low:middle].isascii():
            low = middle
        else:
            high = middle
    return low


def _is_escaped(piece: bytes, at: int) -> bool:
    """Whether the byte at this position is escaped: an odd number of backslashes stands before it."""
    before = piece[max(0, at - _MAX_BACKSLASHES) : at]
    backslashes = len(before) - len(before.rstrip(b"\\"))
    return backslashes == _MAX_BACKSLASHES or backslashes % 2 == 1
