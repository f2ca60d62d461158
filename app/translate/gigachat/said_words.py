"""What GigaChat has said in a stream, kept to be counted where the stream breaks off: as few and as short as can be."""

from __future__ import annotations

MAX_CHARACTERS = 4 * 1024 * 1024  # no context of GigaChat's has so many
MANY = 64  # pieces of text that are joined, so that less is held


class SaidWords:
    """The words of one stream. Whoever reads it adds them to `pieces`, and calls `join` when there are `MANY`."""

    __slots__ = ("_joined", "_left", "pieces")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._joined: list[str] = []
        self._left = MAX_CHARACTERS

    def join(self) -> None:
        """Keep the pieces as one."""
        text = "".join(self.pieces)[: self._left]
        self._left -= len(text)
        self._joined.append(text)
        self.pieces.clear()

    def text(self) -> str:
        """All words."""
        return "".join([*self._joined, *self.pieces])[:MAX_CHARACTERS]
