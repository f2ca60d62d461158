"""`<think>...</think>` at the very start of an answer is reasoning; anywhere else it is text about XML.

Models that write their reasoning into the content begin with it. Source: docs/gigachat-api.md,
"POST /chat/completions".
"""

from __future__ import annotations

from enum import Enum, auto

from app.translate.dialogue import Text, Thought

_OPENING = "<think>"
_CLOSING = "</think>"
_MAX_BLANKS = 4096  # before a tag: they are held, and searched again with each piece
Piece = Text | Thought


class _Position(Enum):
    """Where the text stands that comes next."""

    START = auto()  # the opening tag may come
    INSIDE = auto()  # the tags surround it
    BEHIND = auto()  # the closing tag has come, and only blanks behind it


class ThinkTagSplitter:
    """Splits an answer into reasoning and text, in any slicing; blanks around the tags are neither.

    `settled`: all that follows is text, and need not be fed any more.
    """

    __slots__ = ("_held", "_position", "settled")

    def __init__(self) -> None:
        self._held = ""  # what may yet be a tag, or blanks before one
        self._position = _Position.START
        self.settled = False

    def feed(self, text: str) -> list[Piece]:
        """Take the next piece; returns the reasoning and text that are known by now."""
        if self.settled:
            return [Text(text)] if text else []
        text = self._held + text
        self._held = ""
        if self._position is _Position.START:
            begun = text.lstrip()
            if not begun.startswith(_OPENING):
                return self._read_start(text, begun)
            self._position = _Position.INSIDE
            text = begun[len(_OPENING) :]
        pieces: list[Piece] = []
        if self._position is _Position.INSIDE:
            thought, text = self._read_thought(text)
            if thought:
                pieces.append(Thought(thought))
        if self._position is _Position.BEHIND and (text := text.lstrip()):
            self.settled = True
            pieces.append(Text(text))
        return pieces

    def finish(self) -> list[Piece]:
        """The text has ended: returns what was held, since nothing makes a tag of it."""
        held = self._held
        self._held = ""
        self.settled = True
        if not held:
            return []
        return [Thought(held) if self._position is _Position.INSIDE else Text(held)]

    def _read_start(self, text: str, begun: str) -> list[Piece]:
        """Hold what may be the beginning of the opening tag; all else is text from here on."""
        if _OPENING.startswith(begun) and len(text) <= _MAX_BLANKS:
            self._held = text
            return []
        self.settled = True
        return [Text(text)]

    def _read_thought(self, text: str) -> tuple[str, str]:
        """The reasoning in a text inside the tags, and what follows the closing tag."""
        thought, closing, rest = text.partition(_CLOSING)
        if closing:
            self._position = _Position.BEHIND
            return thought, rest
        end = len(thought) - _count_beginning_of_closing(thought)
        self._held = thought[end:]
        return thought[:end], ""


def split_thoughts(text: str) -> list[Piece]:
    """A whole answer's reasoning and text."""
    if not text.lstrip().startswith(_OPENING):
        return [Text(text)] if text else []
    splitter = ThinkTagSplitter()
    pieces = splitter.feed(text)
    for held in splitter.finish():
        if pieces and type(pieces[-1]) is type(held):
            pieces[-1].text += held.text
        else:
            pieces.append(held)
    return pieces


def _count_beginning_of_closing(text: str) -> int:
    """How many of the last characters may be the beginning of the closing tag."""
    return next((size for size in range(len(_CLOSING) - 1, 0, -1) if text.endswith(_CLOSING[:size])), 0)
