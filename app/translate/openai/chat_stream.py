"""OpenAI's stream of chat completion chunks, written from events.

Source: OpenAI's API reference (chat, streaming): for each choice a role chunk, deltas and a finish chunk, with
`include_usage` one more chunk with the usage and no choices, `[DONE]`. A call is a chunk with its id and name and one
or more with its arguments: no line is longer than readers take. `feed` takes the events of one read and gives the bytes
of one write.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app import sse
from app.client_json import dumps, dumps_text
from app.errors import GatewayError
from app.translate.dialogue import Begin, Call, Delta, End, Event, Text, Thought, Usage
from app.translate.openai import calls
from app.translate.openai.chat_answer import fingerprint, finish_reason, total, usage
from app.translate.openai.failure import stream_event
from app.translate.text_pieces import SHORT, cut

# Marks the place of the text, which stands last of the strings that vary.
_HERE = "\n"


class StreamWriter:
    """Writes one stream; `answer_id` is the id that every chunk bears.

    `legacy`: the client asked with `functions` and reads `function_call`. `asked_model` is its name for the model, `n`
    the number of choices.
    """

    def __init__(
        self, answer_id: str, *, include_usage: bool, legacy: bool = False, asked_model: str = "", n: int = 1
    ) -> None:
        self._answer_id = answer_id
        self._n = n
        self._asked_model = asked_model
        self._index = 0  # the choice that is being written, or comes next
        self._include_usage = include_usage
        self._legacy = legacy
        self._head: dict[str, Any] = {}
        # A chunk of text is the same from one to the next but for its text: what stands around it is encoded once.
        self._around: dict[int, tuple[bytes, bytes]] = {}  # by choice
        self._calls: dict[int, int] = {}  # how many there were, by choice
        self._usages: list[Usage | None] = []

    def feed(self, events: Sequence[Event]) -> bytes:
        """The chunks for some events, framed; nothing for a failure, which the caller turns into `fail`."""
        written: list[bytes] = []
        for event in events:
            if type(event) is Delta:
                part = event.part
                if type(part) is Text and len(part.text) <= SHORT:  # as nearly all are
                    before, after = self._around[event.index]
                    written += (before, dumps_text(part.text), after)
                else:
                    written.append(self._delta(event))
            elif type(event) is End:
                written.append(self._end(event))
            elif type(event) is Begin:
                written.append(self._begin(event, events))
        return b"".join(written)

    def keepalive(self, now: int) -> bytes:
        """An empty delta of the choice that is being written, or comes next; nothing behind the last one.

        It bears the model asked for: nobody has answered yet. Nothing of a choice may follow its finish reason, which
        readers take from the last chunk.
        """
        if self._index >= self._n:
            return b""
        head = {
            "id": self._answer_id,
            "object": "chat.completion.chunk",
            "created": self._head.get("created", now),
            "model": self._asked_model,
        }
        return self._chunk(self._index, {}, None, head)

    def finish(self) -> bytes:
        """The stream's regular end: the usage of all choices if it was asked for and counted, `[DONE]`."""
        used = total(self._usages) if self._include_usage else None
        counted = b""
        if used is not None:
            counted = sse.encode(dumps({**self._head, "choices": [], "usage": usage(used)}))
        return counted + sse.encode(sse.DONE)

    def fail(self, error: GatewayError) -> bytes:
        """The error that ends the stream."""
        return stream_event(error)

    def _begin(self, event: Begin, events: Sequence[Event]) -> bytes:
        self._index = event.index
        if not self._head:  # all choices are one answer, with one head
            self._head = {
                "id": self._answer_id,
                "object": "chat.completion.chunk",
                "created": event.created,
                "model": event.model,
                "system_fingerprint": fingerprint(event.model),
            }
        before, _, after = self._chunk(event.index, {"content": _HERE}, None).rpartition(dumps_text(_HERE))
        self._around[event.index] = (before, after)
        # As OpenAI does: no text where the answer opens with a call, as far as it has come.
        kinds = {type(one.part) for one in events if type(one) is Delta and one.index == event.index}
        content = None if (event.called or Call in kinds) and Text not in kinds else ""
        return self._chunk(event.index, {"role": "assistant", "content": content, "refusal": None}, None)

    def _delta(self, event: Delta) -> bytes:
        part = event.part
        if isinstance(part, Text):
            before, after = self._around[event.index]
            return b"".join(before + dumps_text(piece) + after for piece in cut(part.text))
        if isinstance(part, Thought):
            pieces = cut(part.text)
            return b"".join(self._chunk(event.index, {"reasoning_content": piece}, None) for piece in pieces)
        if isinstance(part, Call):
            return self._call(event.index, part)
        return b""  # a result, which no model gives

    def _call(self, index: int, call: Call) -> bytes:
        number = self._calls.get(index, 0)
        self._calls[index] = number + 1
        pieces = cut(calls.write_arguments(call))
        if self._legacy:
            if number:  # this form has room for one
                return b""
            deltas: list[dict[str, Any]] = [{"function_call": {"name": call.name, "arguments": ""}}]
            deltas += [{"function_call": {"arguments": piece}} for piece in pieces]
        else:
            named = {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
            deltas = [{"tool_calls": [{"index": number, **named}]}]
            deltas += [{"tool_calls": [{"index": number, "function": {"arguments": piece}}]} for piece in pieces]
        return b"".join(self._chunk(index, delta, None) for delta in deltas)

    def _end(self, event: End) -> bytes:
        self._index = event.index + 1
        self._usages.append(event.usage)
        return self._chunk(event.index, {}, finish_reason(event.finish, legacy=self._legacy))

    def _chunk(
        self, index: int, delta: dict[str, Any], finish: str | None, head: dict[str, Any] | None = None
    ) -> bytes:
        choice = {"index": index, "delta": delta, "finish_reason": finish}
        chunk = {**(head or self._head), "choices": [choice]}
        if self._include_usage:
            chunk["usage"] = None
        return sse.encode(dumps(chunk))
