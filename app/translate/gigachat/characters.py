"""Characters that GigaChat cut in two: a surrogate pair may come in two deltas, or as one half alone."""

from __future__ import annotations

_REPLACEMENT = "\ufffd"  # what stands for half a character whose other half never came


def whole_characters(text: str) -> str:
    """Surrogate halves side by side become the character that they are, a lone one its replacement."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


class Words:
    """One kind of a stream's words, in which GigaChat may have cut a character in two."""

    __slots__ = ("_half",)

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        """Halves made whole; one at the end waits for the next delta."""
        text, self._half = self._half + text, ""
        if "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return whole_characters(text)

    def finish(self) -> str:
        """What stands for a half that nothing followed."""
        half, self._half = self._half, ""
        return _REPLACEMENT if half else ""
