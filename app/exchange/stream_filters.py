"""What is done to a stream of events on its way: the cut at a stop sequence, and the gathering."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from io import StringIO

from app.translate.dialogue import Answer, Begin, Delta, End, Event, Text, Thought, Usage
from app.translate.joining import Joiner
from app.translate.stop_sequences import StopCutter

Batches = AsyncIterator[list[Event]]

# What is held to be counted: characters. No context of GigaChat's has so many.
MAX_HELD = 4 * 1024 * 1024
# Text behind a stop sequence in which a call is waited for: characters.
_MAX_UNSAID = 2000


class _Said(StringIO):
    """What was said so far, to be counted: as much of it as is held."""

    def add(self, words: str) -> None:
        if self.tell() < MAX_HELD:
            self.write(words)


Ended = Callable[[str, End | None], Awaitable[Usage | None]]


async def cut_at_stop(batches: Batches, stops: Sequence[str], ended: Ended, *, may_call: bool = False) -> Batches:
    """The events up to a stop sequence in the text. `ended` hears what was said, and gives the usage of it.

    It ends the upstream request, unless GigaChat's own end has come and is passed to it. Thoughts are not cut, but they
    were said, and are counted. A sequence ends the text and no call: where one may follow (`may_call`) it is waited
    for, behind so much text as a phrase before a call has.
    """
    cut = _Cut(stops, ended)
    async for events in batches:
        out: list[Event] = []
        for event in events:
            out += cut.take(event) if not cut.is_cut else await cut.take_after(event)
        if out:
            yield out
        if cut.is_cut and not cut.over and (not may_call or cut.unsaid > _MAX_UNSAID):
            yield [await cut.end(None)]
            return


class _Cut:
    """The cut of one choice."""

    def __init__(self, stops: Sequence[str], ended: Ended) -> None:
        self._cutter = StopCutter(stops)
        self._said = _Said()
        self._ended = ended
        self._index = 0
        self.unsaid = 0  # characters behind the sequence
        self.over = False

    @property
    def is_cut(self) -> bool:
        """Whether a sequence has come."""
        return self._cutter.found is not None

    def take(self, event: Event) -> list[Event]:
        """What goes out of an event before any sequence, or of the text that has it."""
        if isinstance(event, Delta | End):
            self._index = event.index
        if type(event) is Delta and type(event.part) is Text:
            return self._say(self._cutter.feed(event.part.text))
        # what was held back as the beginning of a sequence is none when no text follows
        out: list[Event] = [] if type(event) is Begin else self._say(self._cutter.finish())
        if type(event) is Delta and type(event.part) is Thought:
            self._said.add(event.part.text)
        return [*out, event]

    async def take_after(self, event: Event) -> list[Event]:
        """What goes out behind the sequence: calls, and the end."""
        if type(event) is End:
            self.over = True
            return [event if event.finish in ("calls", "filtered") else await self.end(event)]
        if type(event) is Delta and isinstance(event.part, Text | Thought):
            self.unsaid += len(event.part.text)
            return []
        return [event]

    async def end(self, gigachats: End | None) -> End:
        """The end at the sequence."""
        usage = await self._ended(self._said.getvalue(), gigachats)
        return End("stop", "stop", usage, self._index, self._cutter.found)

    def _say(self, words: str) -> list[Event]:
        if not words:
            return []
        self._said.add(words)
        return [Delta(self._index, Text(words))]


def _nothing() -> None:
    """No limit."""


async def gather(batches: Batches, within: Callable[[], None] = _nothing) -> Answer:
    """A stream's events as one whole answer. `within` raises when more has come than an answer may have."""
    joiner = Joiner()
    async for events in batches:
        within()
        joiner.feed(events)
    return joiner.answer()
