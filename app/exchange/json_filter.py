"""JSON taken out of the words or the fence around it, in a stream of events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from io import StringIO

from app.translate.dialogue import Begin, Delta, End, Event, Text, Thought
from app.translate.json_extraction import JsonExtractor

# Words that wait for JSON: characters. No context of GigaChat's has so many.
MAX_HELD = 4 * 1024 * 1024
# JSON is told from prose bracket by bracket: others get their turn after so many characters.
_TURN = 64 * 1024


async def keep_json(
    batches: AsyncIterator[list[Event]], extractor: JsonExtractor, tell: Callable[[], None] = lambda: None
) -> AsyncIterator[list[Event]]:
    """The events with the first JSON of the text, without what surrounds it; a text without JSON stays as it is.

    Words before a call stay as well. A text that has not come to any JSON within MAX_HELD is one without. `tell` hears,
    once, that words were left out.
    """
    kept = _Kept(extractor, tell)
    async for events in batches:
        out: list[Event] = []
        for event in events:
            if type(event) is Delta and type(event.part) is Text:
                if words := await kept.take(event.part.text):
                    out.append(Delta(event.index, Text(words)))
                continue
            is_early = type(event) is Begin or (type(event) is Delta and type(event.part) is Thought)
            if not is_early and (words := kept.release()):
                out.append(Delta(event.index if isinstance(event, Delta | End) else 0, Text(words)))
            out.append(event)
        if out:
            yield out


class _Kept:
    """What is kept of one choice's text."""

    def __init__(self, extractor: JsonExtractor, tell: Callable[[], None]) -> None:
        self._extractor = extractor
        self._tell = tell
        self._prose = StringIO()
        self._is_prose = False  # the text is let through

    async def take(self, text: str) -> str:
        """The part of the next piece that goes out."""
        if self._is_prose:
            return text
        had_json = self._extractor.has_json
        words = await self._extract(text)
        if self._extractor.has_json:
            if not had_json and self._extractor.began:
                self._tell()
            return words
        self._prose.write(text)
        return self.release() if self._prose.tell() > MAX_HELD else ""

    def release(self) -> str:
        """The words that are no JSON, where none came; all text that follows is let through then."""
        if self._is_prose or self._extractor.has_json or not self._prose.tell():
            return ""
        self._is_prose = True
        return self._prose.getvalue()

    async def _extract(self, text: str) -> str:
        """The part of a text that is JSON. A long one does not keep the loop from others."""
        if len(text) <= _TURN:
            return self._extractor.feed(text)
        found = []
        for at in range(0, len(text), _TURN):
            found.append(self._extractor.feed(text[at : at + _TURN]))
            await asyncio.sleep(0)
        return "".join(found)
