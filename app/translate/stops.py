"""Stop sequences, which GigaChat does not know: an answer is cut before the first of them.

Source: OpenAI's API reference (chat, create, `stop`): up to four sequences, none of which is part of the answer.
"""

from __future__ import annotations

from collections.abc import Sequence


class StopCutter:
    """Cuts a text that comes in pieces. Text that may be the beginning of a sequence is held back until it is none."""

    __slots__ = ("_held", "_sequences", "_starts", "found")

    def __init__(self, sequences: Sequence[str]) -> None:
        self.found = False  # nothing follows once a sequence was seen
        self._sequences = sequences
        self._starts = {sequence[:size] for sequence in sequences for size in range(1, len(sequence))}
        self._held = ""

    def feed(self, text: str) -> str:
        """The part of the text that may go out by now."""
        if self.found:
            return ""
        text = self._held + text
        # The one that is complete first, so that it does not matter how the text was cut in pieces.
        ends = [(at + len(sequence), at) for sequence in self._sequences if (at := text.find(sequence)) >= 0]
        if ends:
            self.found, self._held = True, ""
            return text[: min(ends)[1]]
        longest = max((len(start) for start in self._starts if text.endswith(start)), default=0)
        self._held = text[len(text) - longest :]
        return text[: len(text) - longest]

    def finish(self) -> str:
        """The text has ended: what was held back belongs to it."""
        held, self._held = self._held, ""
        return held
