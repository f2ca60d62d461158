"""Calls that a model wrote as text at the end of its answer: they are read as the calls that they are.

Only outside a code fence, only of functions that were offered and may be called, and only where the required arguments
are there as the schema has them; all else stays text. A text without `<` costs one search.

Source: docs/gigachat-api.md, "Uncertain", 0: GigaChat-3-Ultra leaks calls so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import cached_property

from app.translate.dialogue import Answer, Call, Delta, End, Event, Failed, Finish, Part, Request, Text, Tool
from app.translate.gigachat.call_ids import make_call_id
from app.translate.gigachat.call_markup import WrittenCall, begins_calls, read_calls
from app.translate.gigachat.contract import AnswerReader, StreamReader
from app.translate.gigachat.names import FunctionNames
from app.translate.schemas.arguments import has_required, restore_arguments

MAX_HELD = 256 * 1024  # characters of a call: a longer text goes out
_MAX_TEXT = 2 * MAX_HELD  # of a whole answer that is looked through
_MAX_OPENING = 2048  # characters up to a function's name
_MARKS = re.compile(r"[<`~]")
_TOKENS = re.compile(r"<|`{3,}|~{3,}")
_FENCE = 3  # characters, or more
_TICKS = re.compile(r"(?:`{1,3}|~{1,3})\Z")
_TAIL = 64  # characters in which a closing tag may have begun
# How an answer ends that may end in a call.
_ENDS: frozenset[Finish] = frozenset({"stop", "uncalled"})


class CallSieve:
    """Holds back what may be calls at the end of a text that comes in pieces."""

    __slots__ = ("_closing", "_fence", "_held", "_is_sure", "_names", "_searched", "_size", "_tail", "_ticks")

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._fence = ""  # the character of the code fence that is open
        self._ticks = ""  # at the end of what went out: they may become a fence, or go on with one
        self._held: list[str] = []
        self._size = 0
        self._is_sure = False  # that what is held begins calls
        self._closing = re.compile("")  # of the block that is held
        self._searched = 0  # up to where it was looked for
        self._tail = ""

    def feed(self, text: str) -> str:
        """Take the next piece; returns the text that may go out by now."""
        if not self._held:
            if _MARKS.search(text) is None:
                self._ticks = ""
                return text
            return self._scan(text)
        self._held.append(text)
        self._size += len(text)
        if self._size > (MAX_HELD if self._is_sure else _MAX_OPENING):
            return self.finish()
        if not self._is_sure:
            return self._scan(self.finish())
        tail = self._tail + text
        self._tail = tail[-_TAIL:]
        if not self._searched and self._closing.search(tail) is None:
            return ""
        whole = "".join(self._held)
        self._held = [whole]
        end = self._find_end(whole)
        return whole[:end] + self._scan(whole[end:]) if end else ""

    def finish(self) -> str:
        """What is held, which is not held any more."""
        held = "".join(self._held)
        self._held, self._size, self._is_sure, self._searched, self._tail = [], 0, False, 0, ""
        return held

    def _scan(self, text: str) -> str:
        """Look for the beginning of calls in a text, and hold what begins there."""
        self.finish()
        before = len(self._ticks)
        # three of them are a fence already, whatever follows of them
        at = len(text) - len(text.lstrip(self._ticks[0])) + before if before == _FENCE else 0
        text = self._ticks + text
        while (token := _TOKENS.search(text, at)) is not None:
            at = token.end()
            mark = token[0][0]
            if mark != "<":
                self._fence = "" if self._fence == mark else self._fence or mark
            elif not self._fence:
                start = token.start()
                begins, closing = begins_calls(text[start : start + _MAX_OPENING], self._names)
                if begins == "no":
                    continue
                self._closing, self._searched = closing, 0
                end = self._find_end(text[start:]) if begins == "yes" else 0
                if not end:
                    self._held, self._size, self._is_sure = [text[start:]], len(text) - start, begins == "yes"
                    self._tail, self._ticks = text[-_TAIL:], ""
                    return text[before:start]
                at = start + end
        ticks = _TICKS.search(text[-_FENCE:])
        self._ticks = ticks[0] if ticks else ""
        return text[before:]

    def _find_end(self, text: str) -> int:
        """Where the calls end that a text begins with, if other text follows; 0 while they may be the last of it."""
        while (closed := self._closing.search(text, self._searched)) is not None:
            self._searched = max(1, closed.start())
            rest = text[closed.end() : closed.end() + _MAX_OPENING].lstrip()
            if not rest:
                return 0
            begins, closing = begins_calls(rest, self._names) if rest[0] == "<" else ("no", self._closing)
            if begins == "no":
                return closed.end()
            if begins == "open":
                return 0
            self._closing, self._searched = closing, closed.end() + 1
        return 0


class LeakedCalls:
    """Reads the calls that the answers to one request end in. `tell` hears how many were found, once an answer.

    It looks at the tools for the first text that has a mark, so that any other text costs nothing.
    """

    def __init__(self, request: Request, seed: str, tell: Callable[[int], None]) -> None:
        self._request = request
        self._seed = seed
        self._tell = tell

    @cached_property
    def _tools(self) -> dict[str, Tool]:
        """The functions that may be called, by the client's names and GigaChat's."""
        request = self._request
        names = FunctionNames(request)
        named = request.choice.name if request.choice.mode == "named" else None
        found: dict[str, Tool] = {}
        for tool in request.tools:
            if named in (None, tool.name):
                found.setdefault(tool.name, tool)
                found.setdefault(names.legal(tool.name), tool)
        return found

    def sieve(self) -> CallSieve:
        """What holds the end of one text back."""
        return CallSieve(self._tools)

    def read(self, text: str) -> list[Call]:
        """The calls that a text consists of; none where one of them does not fit."""
        written = read_calls(text, self._tools) if text else []
        calls = [call for number, one in enumerate(written) if (call := self._fit(one, number)) is not None]
        if not calls or len(calls) < len(written):
            return []
        self._tell(len(calls))
        return calls

    def _fit(self, written: WrittenCall, number: int) -> Call | None:
        tool = self._tools.get(written.name)
        if tool is None:
            return None
        schema = tool.parameters or {}
        arguments = restore_arguments(written.arguments, schema)
        if not has_required(arguments, schema):
            return None
        return Call(make_call_id(None, number, self._seed), tool.name, arguments)


class LeakReader:
    """An answer reader whose answers may end in leaked calls."""

    def __init__(self, reader: AnswerReader, leaked: LeakedCalls) -> None:
        self._reader = reader
        self._leaked = leaked

    def read(self, data: bytes) -> Answer | Failed:
        """A whole answer. Raises UnreadableError when it is none."""
        answer = self._reader.read(data)
        if isinstance(answer, Failed) or answer.finish not in _ENDS:
            return answer
        last = answer.parts[-1]
        if type(last) is not Text or "<" not in last.text or len(last.text) > _MAX_TEXT:
            return answer
        sieve = self._leaked.sieve()
        before = sieve.feed(last.text)
        if calls := self._leaked.read(sieve.finish()):
            text: list[Part] = [Text(before.rstrip())] if before.strip() else []
            answer.parts, answer.finish = [*answer.parts[:-1], *text, *calls], "calls"
        return answer

    def open_stream(self, index: int) -> StreamReader:
        """A reader of one choice's stream."""
        return LeakStreamReader(self._reader.open_stream(index), self._leaked)


class LeakStreamReader:
    """A stream's reader whose text may end in leaked calls."""

    __slots__ = ("_called", "_index", "_leaked", "_reader", "_sieve")

    def __init__(self, reader: StreamReader, leaked: LeakedCalls) -> None:
        self._reader = reader
        self._leaked = leaked
        self._sieve: CallSieve | None = None  # made for the first text that has a mark
        self._called = False
        self._index = 0

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that are complete by now."""
        return self._sift(self._reader.feed(chunk))

    def finish(self) -> list[Event]:
        """The connection has ended."""
        return self._sift(self._reader.finish())

    def words(self) -> str:
        """What GigaChat has said so far."""
        return self._reader.words()

    def _sift(self, events: list[Event]) -> list[Event]:
        sifted: list[Event] = []
        for event in events:
            if type(event) is Delta and type(event.part) is Text and not self._called:
                self._index = event.index
                if words := self._hold_back(event.part.text):
                    sifted.append(event if words == event.part.text else Delta(event.index, Text(words)))
                continue
            if self._sieve is not None and (held := self._sieve.finish()):
                calls = self._leaked.read(held) if type(event) is End and event.finish in _ENDS else []
                sifted += [Delta(self._index, call) for call in calls] or [Delta(self._index, Text(held))]
                if calls and type(event) is End:
                    event.finish = "calls"
            self._called = self._called or (type(event) is Delta and type(event.part) is Call)
            sifted.append(event)
        return sifted

    def _hold_back(self, text: str) -> str:
        """The text that may go out by now."""
        if self._sieve is None:
            if _MARKS.search(text) is None:
                return text
            self._sieve = self._leaked.sieve()
        return self._sieve.feed(text)
