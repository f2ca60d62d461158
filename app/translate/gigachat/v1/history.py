"""The messages of a request for contract v1.

Source: docs/gigachat-api.md, "Order and roles" and "Function results": one system message, first; contents are strings;
neighbours of one role are concatenated by the server; one call a message, its result right behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.errors import INVALID_VALUE, GatewayError
from app.translate import big_integers
from app.translate.dialogue import Call, Media, Note, Request, Result, Text, Turn, Uploaded
from app.translate.gigachat import results
from app.translate.gigachat.call_ids import is_state, read_state
from app.translate.gigachat.names import FunctionNames
from app.translate.gigachat.v1.attachments import Attachments
from app.translate.pairing import Pairs

Message = dict[str, Any]

_PARAGRAPH = "\n\n"
_LATE_SYSTEM = "[system] "
_LOST_RESULT = "[tool result] "
_NAMELESS_CALL = "[tool call] "
# A user message without a word: GigaChat wants text.
_BLANK = " "


def write(
    request: Request,
    names: FunctionNames,
    notes: list[Note],
    *,
    state_echo: bool = True,
    instruction: str | None = None,
    files: Mapping[str, Uploaded] | None = None,
) -> list[Message]:
    """The messages; the gateway's own instruction ends the system message. Raises GatewayError for an empty request."""
    if instruction is None and (messages := _write_texts(request.turns)):
        return messages
    return _History(request, names, notes, files, state_echo=state_echo).write(instruction)


def _write_texts(turns: list[Turn]) -> list[Message]:
    """The messages of a conversation whose turns are all one text, and need no other; empty for any other."""
    messages: list[Message] = []
    for turn in turns:
        role, parts = turn.role, turn.parts
        text = parts[0].text if len(parts) == 1 and type(parts[0]) is Text else ""
        if not text or (role not in ("user", "assistant") and (messages or role == "tool")):
            return []
        messages.append({"role": role, "content": text})
    # whether there are any words is for `_History` to see
    return [] if messages and messages[0]["content"].isspace() else messages


class _History:
    """One pass over the turns."""

    def __init__(
        self,
        request: Request,
        names: FunctionNames,
        notes: list[Note],
        files: Mapping[str, Uploaded] | None,
        *,
        state_echo: bool,
    ) -> None:
        self._turns = request.turns
        self._field = request.fields.turns
        self._names = names
        self._notes = notes
        self._files = files
        self._state_echo = state_echo
        self._written: list[Message] = []
        self._pairs: Pairs | None = None  # made for the first call or result
        self._attachments: Attachments | None = None  # made for the first file
        self._held_files: list[tuple[str, list[Media]]] = []  # files that follow their turn in a user message
        self._renamed: set[str] = set()
        self._instructions: list[str] = []  # of the one system message
        self._is_opening = True  # no assistant's turn has come: system messages belong to the one at the top

    def write(self, instruction: str | None) -> list[Message]:
        """The messages, in order."""
        has_words = False
        for turn in self._turns:
            parts = turn.parts
            # most turns are one text
            text = parts[0].text if len(parts) == 1 and type(parts[0]) is Text else self._write_parts(turn)
            if not has_words:
                has_words = text is None or bool(text.strip())
            if text is not None:
                self._write_text(text, turn)
            if turn.role == "assistant":
                self._is_opening = False
        if not has_words:
            self._refuse_empty()
        self._write_system(self._turns[0], instruction)
        return self._written

    def _write_text(self, text: str, turn: Turn) -> None:
        """Write the text of a turn, for which nothing was written yet."""
        if turn.role == "system":
            self._write_system_text(text, turn)
        elif turn.role == "tool":
            self._quote_result(text, turn)
        else:
            if turn.role == "user" and not text:
                self._notes.append(Note("adapted", "user.empty->space", turn.path))
                text = _BLANK
            self._written.append({"role": turn.role, "content": text})

    def _write_system_text(self, text: str, turn: Turn) -> None:
        """Keep a system message for the one at the top; a later one becomes a user's."""
        if not text:
            self._notes.append(Note("equivalent", "system.empty", turn.path))
        elif self._is_opening:
            self._instructions.append(text)
        else:
            self._written.append({"role": "user", "content": _LATE_SYSTEM + text})
            self._notes.append(Note("adapted", "system->user", turn.path))

    def _refuse_empty(self) -> None:
        """Refuse a request without a word, unless it has calls, results or files."""
        if self._pairs is None and self._attachments is None:
            path = self._turns[0].path if self._turns else self._field
            raise GatewayError(INVALID_VALUE, f"'{path}' is empty: there is nothing to answer.", param=path)

    def _write_system(self, first: Turn, own: str | None) -> None:
        """Write the one system message, where there is any instruction."""
        instructions = self._instructions
        if len(instructions) > 1 or (instructions and first.role != "system"):
            self._notes.append(Note("equivalent", "system.joined", first.path))
        if own is not None:
            instructions.append(own)
        if instructions:
            self._written.insert(0, {"role": "system", "content": _PARAGRAPH.join(instructions)})

    def _write_parts(self, turn: Turn) -> str | None:
        """Write the calls, results and files of a turn. Returns its text; None where no text is left to write."""
        words, calls, found, files = _sort_parts(turn)
        if len(words) + len(calls) + len(found) + len(files) < len(turn.parts):  # the rest are thoughts
            self._notes.append(Note("equivalent", f"{self._field}.reasoning", turn.path))
        # an assistant's parts are joined by nothing, since a newline would alter code
        text = ("" if turn.role == "assistant" else "\n").join(words)
        own = turn.role == "user"  # its files go with its words
        if not own:
            self._hold_files(files, "", turn)
        if calls:
            later = _find_later_words(turn) if found else []
            self._write_calls(calls, "".join(words[: len(words) - len(later)]), turn)
            text = "".join(later)
        elif self._held_files and turn.role == "assistant" and text:
            self._written.append({"role": "assistant", "content": text})
            text = ""
        for result in found:
            if id(result) not in self._get_pairs().used:
                self._quote_result(results.content(result), turn, result)
        self._write_held_files()
        if own and files and self._get_attachments().any_kept(files):
            self._written.extend(self._get_attachments().write(text, files))
            return None
        return text if text or not (calls or found or files) else None

    def _get_pairs(self) -> Pairs:
        if self._pairs is None:
            self._pairs = Pairs(self._turns)
            self._notes += [Note("adapted", "result.by_order", path) for path in self._pairs.guessed]
        return self._pairs

    def _get_attachments(self) -> Attachments:
        if self._attachments is None:
            self._attachments = Attachments(self._turns, self._files, self._notes)
        return self._attachments

    def _hold_files(self, files: list[Media], text: str, turn: Turn) -> None:
        """Hold files of a message that can't have any: a user message behind it gets them."""
        if files and self._get_attachments().any_kept(files):
            self._notes.append(Note("adapted", "file->user", turn.path))
            self._held_files.append((text, files))

    def _write_held_files(self) -> None:
        """Write the held files, each group in a user message."""
        for text, files in self._held_files:
            self._written.extend(self._get_attachments().write(text, files))
        self._held_files = []

    def _write_calls(self, calls: list[Call], text: str, turn: Turn) -> None:
        """Write each call with its result behind it: GigaChat knows one call a message. The first has the text."""
        if len(calls) > 1:
            self._notes.append(Note("equivalent", "calls.unrolled", turn.path))
        if text and not calls[0].name:
            self._written.append({"role": "assistant", "content": text})
            text = ""
        for call in calls:
            if not call.name:
                self._quote_call(call, turn)
                continue
            name = self._write_name(call.name, turn)
            message: Message = {"role": "assistant", "content": text}
            message["function_call"] = {"name": name, "arguments": call.arguments}
            if self._state_echo and (state := _find_state(call)):
                message["functions_state_id"] = state
            self._written.append(message)
            self._written.append({"role": "function", "name": name, "content": self._write_result(call, turn)})
            text = ""

    def _quote_call(self, call: Call, turn: Turn) -> None:
        """Write a call without a name, with its result, as a user's words: the model imitates its own words only."""
        said = _NAMELESS_CALL + big_integers.dumps(call.arguments).decode()
        result = self._get_pairs().results.get(id(call))
        if result is not None:
            said = f"{said}\n{_LOST_RESULT}{results.content(result)}"
            self._hold_files(_list_files(result), "", turn)
        self._written.append({"role": "user", "content": said})
        self._notes.append(Note("adapted", "call.unnamed->user", turn.path))

    def _write_result(self, call: Call, turn: Turn) -> str:
        result = self._get_pairs().results.get(id(call))
        if result is not None:
            self._hold_files(_list_files(result), _LOST_RESULT + call.name, turn)
            return results.content(result)
        self._notes.append(Note("adapted", "call.no_result", turn.path))
        return results.NO_RESULT

    def _write_name(self, name: str, turn: Turn) -> str:
        legal = self._names.legal(name)
        if legal != name and name not in self._renamed:
            self._renamed.add(name)
            if not self._names.offered(name):  # else the tool's own note tells it
                self._notes.append(Note("equivalent", "function.renamed", turn.path))
        return legal

    def _quote_result(self, text: str, turn: Turn, result: Result | None = None) -> None:
        """Write a result without a call as a user's words: GigaChat refuses it as a result."""
        said = f"{_LOST_RESULT}{result.name}: {text}" if result and result.name else _LOST_RESULT + text
        self._written.append({"role": "user", "content": said})
        self._notes.append(Note("adapted", "result->user", turn.path))
        if result is not None:
            self._hold_files(_list_files(result), "", turn)


def _find_later_words(turn: Turn) -> list[str]:
    """The words behind the last result of a message that holds its calls' results as well: they speak of these."""
    last = max(index for index, part in enumerate(turn.parts) if isinstance(part, Result))
    return [part.text for part in turn.parts[last:] if isinstance(part, Text)]


def _list_files(result: Result) -> list[Media]:
    return [part for part in result.parts if isinstance(part, Media)]


def _sort_parts(turn: Turn) -> tuple[list[str], list[Call], list[Result], list[Media]]:
    """Sort a turn's parts into words, calls, results and files."""
    words = [part.text for part in turn.parts if isinstance(part, Text)]
    calls = [part for part in turn.parts if isinstance(part, Call)]
    results = [part for part in turn.parts if isinstance(part, Result)]
    return words, calls, results, [part for part in turn.parts if isinstance(part, Media)]


def _find_state(call: Call) -> str | None:
    return call.state if is_state(call.state) else read_state(call.id)
