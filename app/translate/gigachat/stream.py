"""GigaChat's contract v1, the answer side: a stream.

Source: GigaChat's REST API, "Streaming". A stream that just ends is a failure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from app import sse
from app.translate.dialogue import Begin, Call, Delta, End, Event, Failed, Text, Thought, Usage
from app.translate.gigachat.bodies import (
    FAILURES,
    count,
    finish,
    finished,
    first_choice,
    lenient,
    loads,
    read_usage,
    word,
)
from app.translate.gigachat.calls import UNASKED, Calls, state_in
from app.translate.gigachat.characters import Words
from app.translate.gigachat.thinking import Thinking


class StreamReader:
    """Reads one stream, in any slicing. After `feed` or `finish` gave an End or a Failed, nothing follows.

    `index` is the choice that the stream is, and stands in each event.
    """

    __slots__ = (
        "_begun",
        "_called",
        "_calls",
        "_decoder",
        "_end",
        "_halves",
        "_held",
        "_index",
        "_loads",
        "_over",
        "_text",
        "_thinking",
        "_thought",
    )

    def __init__(self, calls: Calls | None = None, index: int = 0) -> None:
        self._calls = calls or UNASKED
        self._loads = loads if self._calls.awaited else orjson.loads
        self._index = index
        self._decoder = sse.Decoder()
        self._begun = False
        self._over = False
        self._end: End | None = None
        self._halves = False  # half characters came: only the lenient parser lets them through
        self._text = Words()
        self._thought = Words()
        self._thinking: Thinking | None = Thinking()  # None: all that follows is text
        self._called: list[Call | Text] = []
        # Text waits where a call of the wanted format may follow: prose before it would spoil the JSON.
        self._held: list[Event] | None = [] if self._calls.as_function else None

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that are complete by now."""
        events: list[Event] = []
        if self._over:
            return events
        try:
            for data in self._decoder.feed(chunk):
                self._read(data, events)
        except sse.EventTooLarge as fault:
            self._fail(events, "upstream", str(fault))
        return events

    def finish(self) -> list[Event]:
        """The connection has ended. A finish reason ends a stream even without `[DONE]`; silence does not."""
        events: list[Event] = []
        for data in self._decoder.finish():
            if not self._over and not _cut_off(data):
                self._read(data, events)
        if not self._over and self._end is not None:
            self._close(events)
        elif not self._over:
            self._fail(events, "truncated", "")
        return events

    def _read(self, data: bytes, events: list[Event]) -> None:
        if self._over:
            return
        if data == sse.DONE:
            self._close(events)
            return
        try:
            body = self._loads(data)
        except orjson.JSONDecodeError:
            body = lenient(data)
            self._halves = True
        choice = first_choice(body)
        if choice is None:
            if not _only_usage(body):
                message = body.get("message") if isinstance(body, dict) else None
                self._fail(events, "upstream", word(message))
            elif self._end is not None:
                self._end.usage = self._usage(body)
            return
        if not self._begun:
            self._begun = True
            events.append(Begin(word(body.get("model")), count(body.get("created")), self._index))
        self._read_choice(choice, body, events)

    def _read_choice(self, choice: dict[str, Any], body: dict[str, Any], events: list[Event]) -> None:
        delta, ended = choice.get("delta"), choice.get("finish_reason")
        raw_finish = (word(ended) or None) if ended else None
        if isinstance(delta, dict):
            if thought := delta.get("reasoning_content"):
                self._think(str(thought), events)
            # a function_in_progress chunk holds the seconds left, not words
            content = delta.get("content")
            if content and (delta.get("role") or "assistant") == "assistant":
                self._say(content if isinstance(content, str) else str(content), events)
            if "function_call" in delta and raw_finish not in FAILURES:
                self._call(delta, events)
        if self._over:
            return
        if raw_finish in FAILURES:
            self._fail(events, "generation", "")
        elif ended:
            self._end = End(finish(raw_finish), raw_finish, self._usage(body), self._index)
        elif self._end is not None:
            self._end.usage = self._usage(body)

    def _usage(self, body: dict[str, Any]) -> Usage | None:
        """The usage of this chunk, or of the one that ended the answer: it may come in a later one."""
        return read_usage(body.get("usage") or None) or (self._end.usage if self._end is not None else None)

    def _say(self, text: str, events: list[Event]) -> None:
        if self._halves:
            text = self._text.feed(text)
        if not text:
            return
        if self._thinking is None and self._held is None:
            events.append(Delta(self._index, Text(text)))
        else:
            self._pieces([Text(text)] if self._thinking is None else self._thinking.feed(text), events)

    def _pieces(self, pieces: Iterable[Text | Thought], events: list[Event]) -> None:
        texts = events if self._held is None else self._held
        for piece in pieces:
            (texts if isinstance(piece, Text) else events).append(Delta(self._index, piece))
        if self._thinking is not None and self._thinking.settled:
            self._thinking = None

    def _think(self, thought: str, events: list[Event]) -> None:
        if self._halves:
            thought = self._thought.feed(thought)
        if thought:
            events.append(Delta(self._index, Thought(thought)))

    def _call(self, delta: dict[str, Any], events: list[Event]) -> None:
        """A call comes whole. One that comes again, as it came, is the same."""
        given = delta["function_call"]
        if not isinstance(given, dict):
            return
        part = self._calls.read(given, state_in(delta), len(self._called))
        if isinstance(part, Failed):
            self._fail(events, part.reason, part.message)
            return
        if not self._known(part):
            self._release(events, worded=isinstance(part, Call))
            self._called.append(part)
            events.append(Delta(self._index, part))

    def _known(self, part: Call | Text) -> bool:
        """Whether a call has come already; after the wanted format's there is none but that."""
        return any(
            isinstance(one, Text)
            or (isinstance(part, Call) and one.name == part.name and one.arguments == part.arguments)
            for one in self._called
        )

    def _release(self, events: list[Event], *, worded: bool = True) -> None:
        """All that was held back; the text only where it is to be said."""
        if thought := self._thought.finish():
            events.append(Delta(self._index, Thought(thought)))
        if text := self._text.finish():
            self._say(text, events)
        if self._thinking is not None:
            self._pieces(self._thinking.finish(), events)
        if self._held is not None:
            events.extend(self._held if worded else ())
            self._held = None if worded else []

    def _close(self, events: list[Event]) -> None:
        """The regular end; one without an answer before it is none."""
        if not self._begun:
            self._fail(events, "truncated", "")
            return
        self._over = True
        self._release(events, worded=not any(isinstance(part, Text) for part in self._called))
        end = self._end or End("stop", None, None, self._index)
        end.finish = finished(end.finish, called=any(isinstance(part, Call) for part in self._called))
        events.append(end)

    def _fail(self, events: list[Event], reason: Any, message: str) -> None:
        self._over = True
        events.append(Failed(reason, message))


def _only_usage(body: Any) -> bool:
    """A chunk of OpenAI's kind, with a usage and no choices: nothing is wrong with it."""
    return isinstance(body, dict) and body.get("choices") == [] and "message" not in body


def _cut_off(data: bytes) -> bool:
    """Whether an event that no blank line closed was cut in its middle."""
    return data != sse.DONE and lenient(data) is None
