"""JSON out of the prose or the fence that a model wrapped it in."""

from __future__ import annotations

import re

_CLOSES = {"{": "}", "[": "]"}
_OPENING = re.compile(r'\{\s*(["}]|\Z)')  # braces of prose ("{name}") go on otherwise


class JsonOnly:
    """Lets the first JSON object of a text through, which comes in pieces, and nothing around it."""

    __slots__ = ("_depth", "_escaped", "_held", "_over", "_quoted")

    def __init__(self) -> None:
        self._depth = 0
        self._quoted = False
        self._escaped = False
        self._over = False
        self._held = ""  # a brace that may open an object: what follows it is not there yet

    @property
    def begun(self) -> bool:
        """Whether there was any JSON so far."""
        return self._over or self._depth > 0

    def feed(self, text: str) -> str:
        """The part of the text that is JSON."""
        start = 0
        if not self._depth:
            if self._over:
                return ""
            text = self._held + text
            found = _OPENING.search(text)
            self._held = text[found.start() :] if found and not found[1] else ""
            if not found or self._held:
                return ""
            start = found.start()
        for at in range(start, len(text)):
            self._step(text[at])
            if not self._depth:
                self._over = True
                return text[start : at + 1]
        return text[start:]

    def _step(self, char: str) -> None:
        if self._escaped:
            self._escaped = False
        elif self._quoted:
            self._escaped = char == "\\"
            self._quoted = char != '"'
        elif char == '"':
            self._quoted = True
        elif char in _CLOSES:
            self._depth += 1
        elif char in _CLOSES.values():
            self._depth -= 1


def looks_like_json(text: str, kind: object = "object") -> bool:
    """Whether an answer that begins so is JSON of this kind: its first character tells."""
    return text.lstrip()[:1] == ("[" if kind == "array" else "{")
