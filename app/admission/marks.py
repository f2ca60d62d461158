"""Counts the marks of JSON that make values, from its bytes: `{`, `[`, `,`, and the quotes around texts.

`count_all` is fast, and no less than there are: it counts what stands in texts as well, such as the commas of a table.
`MarkCounter` leaves texts out. Its cost is that of the fast count twice or three times over.
"""

from __future__ import annotations

from typing import NamedTuple

# To parse more values would block the event loop for seconds. No model accepts so many.
MAX_VALUES = 500_000
# Bytes of memory for each mark: `{` for an object, what is read from it and what is written for it; `[` for a list; `"`
# for half of a string; `,` for a value.
_BRACE_BYTES, _BRACKET_BYTES, _QUOTE_BYTES, _COMMA_BYTES = 300, 70, 36, 40
_NO_MARKS = bytes(set(range(256)) - set(b'{[",'))


class Marks(NamedTuple):
    """How many of each there are. A value stands behind each comma, and one in each bracket that is not empty."""

    braces: int = 0
    lists: int = 0
    quotes: int = 0
    commas: int = 0

    def plus(self, other: Marks) -> Marks:
        """Both together."""
        braces, lists, quotes, commas = other
        return Marks(self.braces + braces, self.lists + lists, self.quotes + quotes, self.commas + commas)

    @property
    def weight(self) -> int:
        """Bytes of memory for everything except texts."""
        values = self.braces * _BRACE_BYTES + self.lists * _BRACKET_BYTES
        return values + self.quotes * _QUOTE_BYTES + self.commas * _COMMA_BYTES

    @property
    def are_too_many(self) -> bool:
        """Whether these are more values than are accepted; quotes are at most four a value, of itself and its key."""
        return max(self.braces + self.lists, self.commas, self.quotes // 8) > MAX_VALUES


def count_all(piece: bytes) -> Marks:
    """The marks of a piece, those in texts too."""
    marks = piece.translate(None, _NO_MARKS)
    if not marks:
        return _NONE
    braces, lists, commas = marks.count(b"{"), marks.count(b"["), marks.count(b",")
    return Marks(braces, lists, len(marks) - braces - lists - commas, commas)


class MarkCounter:
    """Counts a JSON text's marks outside of its texts, in pieces; up to the first fault, which ends the parsing too."""

    __slots__ = ("_escape", "_in_text", "found")

    def __init__(self) -> None:
        self.found = Marks()
        self._in_text = False
        self._escape = b""  # the backslash that the last piece has left without what it escapes

    def feed(self, piece: bytes) -> None:
        """Count the next piece."""
        if self._escape or b"\\" in piece:
            # Two backslashes are one of a text's; what is left of a row of them escapes what stands behind it.
            piece = (self._escape + piece).replace(b"\\\\", b"")
            self._escape = b"\\" if piece.endswith(b"\\") else b""
            piece = piece.replace(b'\\"', b"")
        parts = piece.translate(None, _NO_MARKS).split(b'"')
        outside = count_all(b"".join(parts[self._in_text :: 2]))
        self.found = self.found.plus(outside._replace(quotes=len(parts) - 1))
        self._in_text ^= len(parts) % 2 == 0


_NONE = Marks()
