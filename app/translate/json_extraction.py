"""JSON out of the prose or the fence that a model wrapped it in, piece by piece.

Models write line ends and tabs inside strings as they are; JSON wants them escaped, and so they go out.
"""

from __future__ import annotations

import re
from functools import cache

# Blanks are limited, since what may be an opening is held and searched again.
_BLANKS = r"[\s\ufeff]{0,256}"
_FENCE = rf"```[\w+-]{{0,32}}{_BLANKS}"
# At the start, or in a fence, an object may be empty and an array is no footnote; in prose ("{name}", "{}", "[1]") that
# is another matter.
_OBJECT = rf'\{{{_BLANKS}["}}]'
_ARRAY = rf'\[{_BLANKS}(?:[\[{{"\]\d-]|true|false|null)'
_OBJECT_IN_PROSE, _ARRAY_IN_PROSE = rf'\{{{_BLANKS}"', rf'\[{_BLANKS}["{{]'
_HELD = 640  # characters: the longest fence, and a bracket with blanks behind it
_BRACKET = re.compile(r'["{}\[\]]')
_QUOTE = re.compile(r'["\\\x00-\x1f]')
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


@cache
def _make_patterns(objects: bool, arrays: bool) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str] | None]:
    """What begins the JSON in a text and in the rest of one, and what begins another kind of JSON."""
    wanted = "|".join([_OBJECT] * objects + [_ARRAY] * arrays) or "(?!)"
    prose = "".join([f"|{_OBJECT_IN_PROSE}"] * objects + [f"|{_ARRAY_IN_PROSE}"] * arrays)
    others = "|".join([_ARRAY] * (not arrays) + [_OBJECT] * (not objects))
    return (
        re.compile(rf"(?:\A{_BLANKS}|{_FENCE})(?P<framed>{wanted}){prose}"),
        re.compile(rf"{_FENCE}(?P<framed>{wanted}){prose}"),
        re.compile(rf"(?:\A{_BLANKS}|{_FENCE})(?:{others})") if others else None,
    )


class JsonExtractor:
    """Extracts the first JSON of a text that comes in pieces: an object, or what `objects` and `arrays` allow.

    An array where an object is wanted, at the start or in a fence, is `misfit`: what is in it is not looked at.
    """

    __slots__ = (
        "_after",
        "_at_start",
        "_depth",
        "_escaped",
        "_first",
        "_held",
        "_misfits",
        "_quoted",
        "_read_before",
        "began",
        "ended",
        "is_framed",
        "misfit",
        "over",
    )

    def __init__(self, *, objects: bool = True, arrays: bool = False) -> None:
        self._first, self._after, self._misfits = _make_patterns(objects, arrays)
        self._at_start = True
        self._depth = 0
        self._quoted = False
        self._escaped = False
        self._held = ""  # the end of the prose: a bracket that may open the JSON
        self._read_before = 0
        self.began = self.ended = 0  # where the JSON stands, in characters from the start
        self.is_framed = False  # at the start, or in a fence
        self.over = False
        self.misfit = False

    @property
    def has_json(self) -> bool:
        """Whether there was any JSON so far."""
        return self.over or self._depth > 0

    def feed(self, text: str) -> str:
        """Take the next piece; returns the part of it that is JSON."""
        if self.over or self.misfit:
            return ""
        at = 0
        if not self._depth:
            text = self._held + text
            at = self._find_opening(text)
            if at < 0:
                return ""
        return self._read(text, at)

    def _find_opening(self, text: str) -> int:
        """Where the JSON begins; -1: not yet, and what may belong to its opening is held."""
        opening = (self._first if self._at_start else self._after).search(text)
        if self._misfits is not None and (self._at_start or "```" in text):
            misfit = self._misfits.search(text)
            if misfit and (self._at_start or misfit.start()) and not (opening and opening.start() < misfit.start()):
                self.misfit = True
                return -1
        if opening is not None:
            self._held = ""
            self.is_framed = opening["framed"] is not None
            at = opening.start("framed") if self.is_framed else opening.start()
            self.began = self._read_before + at
            return at
        if len(text) > _HELD:
            self._at_start = False
            self._read_before += len(text) - _HELD
            text = text[-_HELD:]
        self._held = text
        return -1

    def _read(self, text: str, start: int) -> str:
        """The JSON of a text that begins or goes on at `start`."""
        pieces: list[str] = []
        at = start
        while at < len(text):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            mark = (_QUOTE if self._quoted else _BRACKET).search(text, at)
            if mark is None:
                break
            at = mark.end()
            if mark[0] < " ":
                pieces += text[start : at - 1], _ESCAPES.get(mark[0]) or f"\\u{ord(mark[0]):04x}"
                start = at
                continue
            self._read_mark(mark[0])
            if not self._depth:
                self.over = True
                self.ended = self._read_before + at
                text = text[:at]
        self._read_before += len(text)
        pieces.append(text[start:])
        return "".join(pieces)

    def _read_mark(self, mark: str) -> None:
        if mark == '"':
            self._quoted = not self._quoted
        elif mark == "\\":
            self._escaped = True
        elif mark in "{[":
            self._depth += 1
        else:
            self._depth -= 1
