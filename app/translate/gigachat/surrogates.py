"""Characters that GigaChat cut in two: a surrogate pair may come in two deltas, or only one half of it."""

from __future__ import annotations

_REPLACEMENT = "\ufffd"  # stands for a half whose other half never came


def join_surrogates(text: str) -> str:
    """The text with whole characters: two halves side by side become one, a lone half its replacement."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


class SurrogateJoiner:
    """Joins the halves in one kind of a stream's text (answer or reasoning), whose deltas may cut a character."""

    __slots__ = ("_half",)

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        """The text with whole characters; a half at its end waits for the next delta."""
        text = self._half + text
        self._half = ""
        if "\ud800" <= text[-1] <= "\udbff":
            self._half = text[-1]
            text = text[:-1]
        return join_surrogates(text)

    def finish(self) -> str:
        """The replacement of a half that nothing followed; empty where there is none."""
        half = self._half
        self._half = ""
        return _REPLACEMENT if half else ""
