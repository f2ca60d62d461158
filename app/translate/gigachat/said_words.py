"""What GigaChat has said in a stream, kept to be counted where the stream breaks off: as few and as short as can be."""

from __future__ import annotations

MAX_CHARACTERS = 4 * 1024 * 1024  # no context of GigaChat's has so many
_MANY = 64  # pieces of text that are joined, so that less is held


class SaidWords:
    """The words of one stream. `add` takes one more piece of text."""

    __slots__ = ("_joined", "_left", "_pieces", "add")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self.add = self._pieces.append
        self._joined: list[str] = []
        self._left = MAX_CHARACTERS

    def join_many(self) -> None:
        """Keep many pieces as one."""
        if len(self._pieces) > _MANY:
            text = "".join(self._pieces)[: self._left]
            self._left -= len(text)
            self._joined.append(text)
            self._pieces.clear()

    def text(self) -> str:
        """All words."""
        return "".join([*self._joined, *self._pieces])[:MAX_CHARACTERS]
