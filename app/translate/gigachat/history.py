"""The messages of a request for contract v1.

Source: GigaChat's REST API, "Order and roles" and "Function results": one system message, first; contents are
strings; neighbours of one role are concatenated by the server; one call a message, its result right behind it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from app.errors import INVALID_VALUE, GatewayError
from app.translate.dialogue import Call, Media, Note, Refusal, Result, Text, Turn, Uploaded
from app.translate.gigachat import results
from app.translate.gigachat.attachments import Attachments
from app.translate.gigachat.names import Names
from app.translate.gigachat.stateids import is_state, state_of

Message = dict[str, Any]

_PARAGRAPH = "\n\n"
_LATE_SYSTEM = "[system] "
_LOST_RESULT = "[tool result] "
# A user message without a word: GigaChat wants text.
_BLANK = " "


def write(
    turns: list[Turn],
    names: Names,
    notes: list[Note],
    *,
    state_echo: bool = True,
    instruction: str | None = None,
    files: Mapping[str, Uploaded] | None = None,
) -> list[Message]:
    """The messages; the gateway's own instruction ends the system message. Raises GatewayError for an empty request."""
    return _History(turns, names, notes, files or {}, state_echo=state_echo).write(instruction)


class _History:
    """One pass over the turns."""

    def __init__(
        self, turns: list[Turn], names: Names, notes: list[Note], files: Mapping[str, Uploaded], *, state_echo: bool
    ) -> None:
        self._turns = turns
        self._names = names
        self._notes = notes
        self._files = files
        self._state_echo = state_echo
        self._written: list[Message] = []
        self._pairs: _Pairs | None = None  # made at the first call or result
        self._attachments: Attachments | None = None  # made at the first file
        self._late: list[tuple[str, list[Media]]] = []  # files that follow their turn in a user message
        self._renamed: set[str] = set()

    def write(self, instruction: str | None) -> list[Message]:
        """The messages, in order."""
        turns, written, notes = self._turns, self._written, self._notes
        instructions: list[str] = []
        opening = True  # before the first assistant turn, where every system message is part of the one at the top
        worded = False
        for turn in turns:
            parts = turn.parts
            first = parts[0] if len(parts) == 1 else None
            if type(first) is Text:  # the common case first
                text = first.text
            elif (said := self._parts(turn)) is not None:
                text = said
            else:
                opening, worded = opening and turn.role != "assistant", True
                continue
            worded = worded or bool(text.strip())
            if turn.role == "system":
                if not text:
                    notes.append(Note("equivalent", "system.empty", turn.path))
                elif opening:
                    instructions.append(text)
                else:
                    written.append({"role": "user", "content": _LATE_SYSTEM + text})
                    notes.append(Note("adapted", "system->user", turn.path))
                continue
            opening = opening and turn.role != "assistant"
            if turn.role == "tool":
                self._quote(text, turn)
                continue
            if turn.role == "user" and not text:
                notes.append(Note("adapted", "user.empty->space", turn.path))
                text = _BLANK
            written.append({"role": turn.role, "content": text})
        if not worded:
            self._refuse_empty()
        self._instruct(instructions, turns[0], instruction)
        return written

    def _refuse_empty(self) -> None:
        """No word was said: something must have been done, or shown."""
        if self._pairs is None and self._attachments is None:
            path = self._turns[0].path if self._turns else "messages"
            raise GatewayError(INVALID_VALUE, f"'{path}' is empty: there is nothing to answer.", param=path)

    def _instruct(self, instructions: list[str], first: Turn, own: str | None) -> None:
        """The one system message, where there is any."""
        if len(instructions) > 1 or (instructions and first.role != "system"):
            self._notes.append(Note("equivalent", "system.joined", first.path))
        if own is not None:
            instructions.append(own)
        if instructions:
            self._written.insert(0, {"role": "system", "content": _PARAGRAPH.join(instructions)})

    def _parts(self, turn: Turn) -> str | None:
        """The text of a turn of several parts; None: nothing is left to be said but what was written here."""
        words, calls, found, files = _sorted(turn)
        if len(words) + len(calls) + len(found) + len(files) < len(turn.parts):  # the rest are thoughts
            self._notes.append(Note("equivalent", "messages.reasoning", turn.path))
        # an assistant's parts are joined by nothing, since a newline would alter code
        text = ("" if turn.role == "assistant" else "\n").join(words)
        own = turn.role == "user"  # its files go with its words
        if not own:
            self._follow(files, "", turn)
        if calls:
            self._call(calls, text, turn)
            text = ""
        elif self._late and turn.role == "assistant" and text:
            self._written.append({"role": "assistant", "content": text})
            text = ""
        for result in found:
            if id(result) not in self._paired().used:
                self._quote(results.content(result), turn, result)
        self._attach()
        if own and files and self._kept().any_kept(files):
            self._written.extend(self._kept().write(text, files))
            return None
        return text if text or not (calls or found or files) else None

    def _paired(self) -> _Pairs:
        if self._pairs is None:
            self._pairs = _Pairs(self._turns)
        return self._pairs

    def _kept(self) -> Attachments:
        if self._attachments is None:
            self._attachments = Attachments(self._turns, self._files, self._notes)
        return self._attachments

    def _follow(self, files: list[Media], text: str, turn: Turn) -> None:
        """Files of what is no user message: they come in one behind it."""
        if files and self._kept().any_kept(files):
            self._notes.append(Note("adapted", "file->user", turn.path))
            self._late.append((text, files))

    def _attach(self) -> None:
        """Write the files that had to wait."""
        for text, files in self._late:
            self._written.extend(self._kept().write(text, files))
        self._late = []

    def _call(self, calls: list[Call], text: str, turn: Turn) -> None:
        """Call, result, call, result: GigaChat knows one call a message. The text stays with the first."""
        if len(calls) > 1:
            self._notes.append(Note("equivalent", "calls.unrolled", turn.path))
        for call in calls:
            name = self._name(call.name, turn)
            message: Message = {"role": "assistant", "content": text}
            message["function_call"] = {"name": name, "arguments": call.arguments}
            if self._state_echo and (state := _state(call)):
                message["functions_state_id"] = state
            self._written.append(message)
            self._written.append({"role": "function", "name": name, "content": self._result(call, turn)})
            text = ""

    def _result(self, call: Call, turn: Turn) -> str:
        result = self._paired().results.get(id(call))
        if result is not None:
            self._follow(_files(result), _LOST_RESULT + call.name, turn)
            return results.content(result)
        self._notes.append(Note("adapted", "call.no_result", turn.path))
        return results.NO_RESULT

    def _name(self, name: str, turn: Turn) -> str:
        legal = self._names.legal(name)
        if legal != name and name not in self._renamed:
            self._renamed.add(name)
            if not self._names.offered(name):  # else it is told once, where the tool stands
                self._notes.append(Note("equivalent", "function.renamed", turn.path))
        return legal

    def _quote(self, text: str, turn: Turn, result: Result | None = None) -> None:
        """A result without its call: GigaChat would refuse it as one."""
        said = f"{_LOST_RESULT}{result.name}: {text}" if result and result.name else _LOST_RESULT + text
        self._written.append({"role": "user", "content": said})
        self._notes.append(Note("adapted", "result->user", turn.path))
        if result is not None:
            self._follow(_files(result), "", turn)


def _files(result: Result) -> list[Media]:
    return [part for part in result.parts if isinstance(part, Media)]


def _sorted(turn: Turn) -> tuple[list[str], list[Call], list[Result], list[Media]]:
    """A turn's words, calls, results and files."""
    words = [part.text for part in turn.parts if isinstance(part, Text | Refusal)]
    calls = [part for part in turn.parts if isinstance(part, Call)]
    results = [part for part in turn.parts if isinstance(part, Result)]
    return words, calls, results, [part for part in turn.parts if isinstance(part, Media)]


class _Pairs:
    """Which result belongs to which call: forward from the call, in linear time.

    Ids repeat: calls of one id, side by side, get their results in order; a later one ends the wait of those before.
    """

    def __init__(self, turns: list[Turn]) -> None:
        self.results: dict[int, Result] = {}  # by the call's identity
        self.used: set[int] = set()
        waiting: dict[str, tuple[int, deque[Call]]] = {}
        round_ = 0  # of calls: assistant turns side by side are one
        before = ""
        for turn in turns:
            round_ += turn.role == "assistant" != before
            before = turn.role
            for part in turn.parts:
                if isinstance(part, Call):
                    key = _key(part.id, part.name)
                    if key not in waiting or waiting[key][0] != round_:
                        waiting[key] = (round_, deque())
                    waiting[key][1].append(part)
                elif isinstance(part, Result) and (known := waiting.get(_key(part.call_id, part.name))) and known[1]:
                    self.results[id(known[1].popleft())] = part
                    self.used.add(id(part))


def _key(call_id: str, name: str | None) -> str:
    """What a result finds its call by: the id, or the name where a protocol has no ids."""
    return call_id or f"\0{name}"


def _state(call: Call) -> str | None:
    return call.state if is_state(call.state) else state_of(call.id)
