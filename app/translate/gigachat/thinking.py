"""`<think>...</think>` at the very start of an answer is reasoning; anywhere else it is text about XML.

Source: the translation rules, "Answers": models that write their reasoning into the content begin with it.
"""

from __future__ import annotations

from app.translate.dialogue import Text, Thought

_OPEN = "<think>"
_CLOSE = "</think>"
Piece = Text | Thought


class Thinking:
    """Tells an answer's reasoning from its text, in any slicing; blanks around the tags are neither.

    `settled`: all that follows is text, and need not be fed any more.
    """

    __slots__ = ("_held", "_open", "settled")

    def __init__(self) -> None:
        self._held = ""  # what may yet be a tag, or blanks before one
        self._open: bool | None = None  # None: not yet known; True: inside; False: behind, where blanks are left out
        self.settled = False

    def feed(self, text: str) -> list[Piece]:
        """What is known to be reasoning or text by now."""
        if self.settled:
            return [Text(text)] if text else []
        text, self._held = self._held + text, ""
        if self._open is None:
            begun = text.lstrip()
            if not begun.startswith(_OPEN):
                if _OPEN.startswith(begun):
                    self._held = text
                    return []
                self.settled = True
                return [Text(text)]
            self._open, text = True, begun[len(_OPEN) :]
        pieces: list[Piece] = []
        if self._open:
            thought, closed, text = text.partition(_CLOSE)
            if not closed:
                kept = _beginning(thought)
                self._held = thought[len(thought) - kept :]
                thought = thought[: len(thought) - kept]
            self._open = not closed
            if thought:
                pieces.append(Thought(thought))
        if not self._open and (text := text.lstrip()):
            self.settled = True
            pieces.append(Text(text))
        return pieces

    def finish(self) -> list[Piece]:
        """What was held back: nothing follows that could make a tag of it."""
        held, self._held, self.settled = self._held, "", True
        if not held:
            return []
        return [Thought(held) if self._open else Text(held)]


def divided(text: str) -> list[Piece]:
    """A whole answer's reasoning and text."""
    thinking = Thinking()
    pieces = thinking.feed(text)
    for held in thinking.finish():
        if pieces and type(pieces[-1]) is type(held):
            pieces[-1].text += held.text
        else:
            pieces.append(held)
    return pieces


def _beginning(text: str) -> int:
    """How many of the last characters may be the beginning of the closing tag."""
    return next((size for size in range(len(_CLOSE) - 1, 0, -1) if text.endswith(_CLOSE[:size])), 0)
