"""GigaChat's contract v1, the answer side: a stream.

Source: docs/gigachat-api.md, "Streaming". A stream that just ends is a failure. What is kept between events is bounded,
and an event costs no more than its own size.
"""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO
from typing import Any

import orjson

from app import sse
from app.translate.dialogue import Begin, Call, Delta, End, Event, Failed, Text, Thought, Usage
from app.translate.gigachat.lenient_json import parse_leniently, read_count, read_name, read_text
from app.translate.gigachat.said_words import MANY, SaidWords
from app.translate.gigachat.surrogates import SurrogateJoiner
from app.translate.gigachat.think_tags import ThinkTagSplitter
from app.translate.gigachat.v1 import bodies
from app.translate.gigachat.v1.bodies import FAILURES, find_choice, find_plain_text, is_only_usage, read_usage
from app.translate.gigachat.v1.call_pieces import CallPieces
from app.translate.gigachat.v1.calls import UNASKED_CALLS, CallReader, begins_with_call, find_state, is_repeated

# GigaChat gives one call in an answer. The calls of a stream are kept, to know one that comes again.
MAX_CALLS = 128
MAX_CALL_BYTES = sse.MAX_EVENT_BYTES
MAX_HELD = 4 * 1024 * 1024


class StreamReader:
    """Reads one stream, in any slicing. After `feed` or `finish` gave an End or a Failed, nothing follows.

    `index` is the choice that the stream is, and stands in each event. `max_call_bytes` limits the events with calls,
    all together. `max_held` limits the characters of text that wait for the wanted format's call: a longer text is the
    answer. `cached_contained` is as in `read_usage`.
    """

    __slots__ = (
        "_cached_contained",
        "_called",
        "_called_bytes",
        "_calls",
        "_decoder",
        "_end",
        "_flows",
        "_has_begun",
        "_has_halves",
        "_held",
        "_index",
        "_is_over",
        "_loads",
        "_max_call_bytes",
        "_max_held",
        "_pieces",
        "_said",
        "_splitter",
        "_text",
        "_thought",
    )

    def __init__(
        self,
        calls: CallReader | None = None,
        index: int = 0,
        *,
        max_call_bytes: int = MAX_CALL_BYTES,
        max_held: int = MAX_HELD,
        cached_contained: bool = False,
    ) -> None:
        self._calls = calls or UNASKED_CALLS
        self._loads = bodies.loads if self._calls.expects_calls else orjson.loads
        self._index = index
        self._max_call_bytes = max_call_bytes
        self._max_held = max_held
        self._cached_contained = cached_contained
        self._decoder = sse.Decoder(bodies.refuse_bomb)
        self._said = SaidWords()
        self._has_begun = False
        self._is_over = False
        self._end: End | None = None
        self._has_halves = False  # half characters came, which only the lenient parser lets through
        self._text = SurrogateJoiner()
        self._thought = SurrogateJoiner()
        self._splitter: ThinkTagSplitter | None = ThinkTagSplitter()  # None where all that follows is text
        self._flows = False  # an answer is under way whose text is only handed on
        self._called: list[Call | Text] = []
        self._pieces: CallPieces | None = None  # of a call that may not be whole yet
        self._called_bytes = 0
        # Text is held where a call of the wanted format may follow, since text before it would spoil the JSON.
        self._held: StringIO | None = StringIO() if self._calls.as_function else None

    def feed(self, chunk: bytes) -> list[Event]:
        """Take the next bytes; returns the events that are complete by now."""
        events: list[Event] = []
        if self._is_over:
            return events
        said = self._said.pieces
        try:
            for data in self._decoder.feed(chunk):
                # as nearly all events of an answer are; any other is read in full
                if self._flows and (text := find_plain_text(data)):
                    events.append(Delta(self._index, Text(text)))
                    said.append(text)
                else:
                    self._read(data, events)
        except sse.EventTooLarge as fault:
            self._fail(events, "upstream", str(fault))
        if len(said) > MANY:
            self._said.join()
        return events

    def words(self) -> str:
        """What GigaChat has said so far, to be counted: its calls are not in it."""
        return self._said.text()

    def finish(self) -> list[Event]:
        """The connection has ended. A finish reason ends a stream even without `[DONE]`; silence does not."""
        events: list[Event] = []
        try:
            for data in self._decoder.finish():
                if not self._is_over and not bodies.is_cut_off(data):
                    self._read(data, events)
        except sse.EventTooLarge as fault:
            self._fail(events, "upstream", str(fault))
        if not self._is_over and self._end is not None:
            self._close(events)
        elif not self._is_over:
            self._fail(events, "truncated", "")
        return events

    def _read(self, data: bytes, events: list[Event]) -> None:
        if self._is_over:
            return
        if data == sse.DONE:
            self._close(events)
            return
        try:
            body = self._loads(data)
        except orjson.JSONDecodeError:
            body = parse_leniently(data)
            self._has_halves, self._flows = True, False
        choice = find_choice(body)
        if choice is None:
            if not is_only_usage(body):
                message = body.get("message") if isinstance(body, dict) else None
                self._fail(events, "upstream", read_text(message))
            elif self._end is not None:
                self._end.usage = self._usage(body)
            return
        if not self._has_begun:
            self._has_begun = True
            begin = Begin(read_name(body.get("model")), read_count(body.get("created")), self._index)
            begin.called = begins_with_call(choice.get("delta")) and not self._calls.as_function
            events.append(begin)
        self._read_choice(choice, body, events, data)

    def _read_choice(self, choice: dict[str, Any], body: dict[str, Any], events: list[Event], data: bytes) -> None:
        delta, ended = choice.get("delta"), choice.get("finish_reason")
        raw_finish = (read_name(ended) or None) if ended else None
        if isinstance(delta, dict):
            self._read_delta(delta, events)
            if raw_finish not in FAILURES and ("function_call" in delta or self._pieces is not None):
                self._add_call(delta, events, len(data))
        if self._is_over:
            return
        if raw_finish in FAILURES:
            self._fail(events, "generation", "")
        elif ended:
            self._flows = False
            self._end = End(bodies.read_finish(raw_finish), raw_finish, self._usage(body), self._index)
            if self._pieces is not None and self._pieces.is_whole():
                self._finish_call(events)
        elif self._end is not None:
            self._end.usage = self._usage(body)

    def _read_delta(self, delta: dict[str, Any], events: list[Event]) -> None:
        if thought := delta.get("reasoning_content"):
            self._said.pieces.append(str(thought))
            self._add_thought(str(thought), events)
        # a function_in_progress chunk holds the seconds left, not words
        content = delta.get("content")
        if content and (delta.get("role") or "assistant") == "assistant":
            self._said.pieces.append(str(content))
            self._add_text(str(content), events)

    def _usage(self, body: dict[str, Any]) -> Usage | None:
        """The usage of this chunk, or of the one that ended the answer: it may come in a later one."""
        told = read_usage(body.get("usage") or None, cached_contained=self._cached_contained)
        return told or (self._end.usage if self._end is not None else None)

    def _add_text(self, text: str, events: list[Event]) -> None:
        if self._has_halves:
            text = self._text.feed(text)
        if not text:
            return
        if self._splitter is None and self._held is None:
            events.append(Delta(self._index, Text(text)))
            self._flows = self._end is None and self._pieces is None and not self._has_halves
        else:
            pieces = [Text(text)] if self._splitter is None else self._splitter.feed(text)
            self._add_pieces(pieces, events)

    def _add_pieces(self, pieces: Iterable[Text | Thought], events: list[Event]) -> None:
        for piece in pieces:
            if self._held is None or isinstance(piece, Thought):
                events.append(Delta(self._index, piece))
            elif not self._has_format():  # text behind the wanted format's call is left out
                self._held.write(piece.text)
                if self._held.tell() > self._max_held:
                    self._release_text(events)
        if self._splitter is not None and self._splitter.settled:
            self._splitter = None

    def _add_thought(self, thought: str, events: list[Event]) -> None:
        if self._has_halves:
            thought = self._thought.feed(thought)
        if thought:
            events.append(Delta(self._index, Thought(thought)))

    def _add_call(self, delta: dict[str, Any], events: list[Event], size: int) -> None:
        """Add a call, or a piece of one: it goes on when it is whole, at the end or at the next call."""
        given, state = delta.get("function_call"), find_state(delta)
        if not isinstance(given, dict):
            if self._pieces is not None:  # the state may come behind the call
                self._pieces.add({}, state or self._pieces.state, size)
            return
        if self._pieces is not None and not self._pieces.add(given, state, size):
            self._finish_call(events)
        if self._is_over:
            return
        if self._pieces is None:
            self._flows = False
            self._pieces = CallPieces(self._calls.knows)
            self._pieces.add(given, state, size)
        if self._called_bytes + self._pieces.size > self._max_call_bytes:
            self._fail(events, "upstream", "too many calls")

    def _finish_call(self, events: list[Event]) -> None:
        """Add the call whose pieces have come. One that comes again is left out."""
        pieces, self._pieces = self._pieces, None
        if pieces is None:
            return
        part = self._calls.read(pieces.read(), pieces.state, len(self._called))
        if isinstance(part, Failed):
            if self._end is None or self._end.finish != "length":  # the limit cuts calls off
                self._fail(events, part.reason, part.message)
        elif not is_repeated(part, self._called):
            self._called_bytes += pieces.size
            if len(self._called) >= MAX_CALLS:
                self._fail(events, "upstream", "too many calls")
                return
            self._release(events, with_text=isinstance(part, Call))
            self._called.append(part)
            events.append(Delta(self._index, part))

    def _has_format(self) -> bool:
        """Whether the wanted format's call has come, or has begun to."""
        begun = self._pieces is not None and self._calls.is_format(self._pieces.name)
        return begun or any(isinstance(part, Text) for part in self._called)

    def _release(self, events: list[Event], *, with_text: bool = True) -> None:
        """Release all that was held; the text only `with_text`."""
        if thought := self._thought.finish():
            events.append(Delta(self._index, Thought(thought)))
        if text := self._text.finish():
            self._add_text(text, events)
        if self._splitter is not None:
            self._add_pieces(self._splitter.finish(), events)
        if self._held is not None:
            if with_text:
                self._release_text(events)
            else:
                self._held = StringIO()

    def _release_text(self, events: list[Event]) -> None:
        """Release the held text; what follows it is not held any more."""
        if self._held is not None and self._held.tell():
            events.append(Delta(self._index, Text(self._held.getvalue())))
        self._held = None

    def _close(self, events: list[Event]) -> None:
        """End the stream regularly, or as a failure where no answer began."""
        if not self._has_begun:
            self._fail(events, "truncated", "")
            return
        self._finish_call(events)
        if self._is_over:
            return
        self._is_over, self._flows = True, False
        self._release(events, with_text=not self._has_format())
        end = self._end or End("stop", None, None, self._index)
        called = any(isinstance(part, Call) for part in self._called)
        end.finish = bodies.decide_finish(end.finish, called=called, answered=bool(self._called))
        events.append(end)

    def _fail(self, events: list[Event], reason: Any, message: str) -> None:
        self._is_over, self._flows = True, False
        events.append(Failed(reason, message))
