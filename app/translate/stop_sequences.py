"""Stop sequences, which GigaChat does not know: an answer is cut before the first of them.

Source: OpenAI's API reference (chat, create, `stop`): no sequence is part of the answer. How many are taken, and how
long they may be, is decided where a client's request is read.
"""

from __future__ import annotations

from collections.abc import Sequence


class StopCutter:
    """Cuts a text that comes in pieces before the first stop sequence.

    Text that may be the beginning of a sequence is held until it can't be one. `found` is the sequence that came,
    None before it: nothing follows it.
    """

    __slots__ = ("_held", "_sequences", "found")

    def __init__(self, sequences: Sequence[str]) -> None:
        self.found: str | None = None
        self._sequences = sequences
        self._held = ""

    def feed(self, text: str) -> str:
        """Take the next piece; returns the text that may go out by now."""
        if self.found is not None:
            return ""
        text = self._held + text
        # The sequence that is complete first wins, so that the slicing makes no difference.
        matches = [
            (at + len(sequence), at, sequence) for sequence in self._sequences if (at := text.find(sequence)) >= 0
        ]
        if matches:
            _end, start, self.found = min(matches)
            self._held = ""
            return text[:start]
        held = max((_count_beginning(sequence, text) for sequence in self._sequences), default=0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def finish(self) -> str:
        """The text has ended: returns what was held."""
        held = self._held
        self._held = ""
        return held


def _count_beginning(sequence: str, text: str) -> int:
    """How many of the text's last characters the sequence begins with. For most texts it is 0, after one search.

    A sequence's length is limited where it is read, and with it the cost of a piece of text.
    """
    at = max(0, len(text) - len(sequence) + 1)
    while (at := text.find(sequence[0], at)) >= 0:
        if sequence.startswith(text[at:]):
            return len(text) - at
        at += 1
    return 0
