"""What is done to a stream of events on its way: the cut at a stop sequence, JSON taken out of prose, the gathering."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace

from app.translate.dialogue import Answer, Begin, Delta, End, Event, Text, Thought, Usage
from app.translate.fences import JsonOnly
from app.translate.stops import StopCutter

Batches = AsyncIterator[list[Event]]


async def cut(batches: Batches, stops: Sequence[str], ended: Callable[[str], Awaitable[Usage | None]]) -> Batches:
    """The events up to a stop sequence in the text. `ended` ends the upstream request and counts what was said.

    Thoughts are not cut, but they were said, and are counted.
    """
    cutter, said = StopCutter(stops), []
    async for events in batches:
        out: list[Event] = []
        for event in events:
            if type(event) is Delta and type(event.part) is Text:
                if words := cutter.feed(event.part.text):
                    said.append(words)
                    out.append(Delta(event.index, Text(words)))
                if cutter.found:
                    yield out
                    yield [End("stop", "stop", await ended("".join(said)), event.index)]
                    return
                continue
            # what was held back as the beginning of a sequence is none when no text follows
            if type(event) is not Begin and (words := cutter.finish()):
                said.append(words)
                out.append(Delta(event.index if isinstance(event, Delta | End) else 0, Text(words)))
            if type(event) is Delta and type(event.part) is Thought:
                said.append(event.part.text)
            out.append(event)
        if out:
            yield out


async def only_json(batches: Batches) -> Batches:
    """The events with the first JSON of the text, without what surrounds it; a text without JSON stays as it is."""
    filtering, prose = JsonOnly(), list[str]()
    async for events in batches:
        out: list[Event] = []
        for event in events:
            if type(event) is Delta and type(event.part) is Text:
                if words := filtering.feed(event.part.text):
                    out.append(Delta(event.index, Text(words)))
                elif not filtering.begun:
                    prose.append(event.part.text)
                continue
            if type(event) is End and prose and not filtering.begun:
                out.append(Delta(event.index, Text("".join(prose))))
            out.append(event)
        if out:
            yield out


async def gathered(batches: Batches) -> Answer:
    """A stream's events as one whole answer: neighbouring pieces of one kind are joined."""
    answer = Answer("", 0, [], "stop", None, None)
    async for events in batches:
        for event in events:
            if type(event) is Begin:
                answer.model, answer.created = event.model, event.created
            elif type(event) is End:
                answer.finish, answer.raw_finish, answer.usage = event.finish, event.raw_finish, event.usage
            elif type(event) is Delta:
                last = answer.parts[-1] if answer.parts else None
                part = event.part
                if isinstance(part, Text | Thought) and isinstance(last, type(part)):
                    answer.parts[-1] = replace(last, text=last.text + part.text)
                else:
                    answer.parts.append(part)
    return answer
