"""OpenAI's stream of chat completion chunks, written from events.

Source: OpenAI's API reference (chat, streaming): for each choice a role chunk, deltas and a finish chunk, with
`include_usage` one more chunk with the usage and no choices, `[DONE]`. A call is a chunk with its id and name and one
with its arguments. `feed` takes the events of one read and gives the bytes of one write.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from app import sse
from app.errors import GatewayError
from app.translate.dialogue import Begin, Call, Delta, End, Event, Refusal, Text, Thought, Usage
from app.translate.openai import calls
from app.translate.openai.chat import fingerprint, finish_reason, total, usage
from app.translate.openai.failure import envelope

# Marks the place of the text, which stands last of the strings that vary.
_HERE = "\n"


class StreamWriter:
    """Writes one stream; `answer_id` is the id that every chunk bears.

    `legacy`: the client asked with `functions` and reads `function_call`.
    """

    def __init__(self, answer_id: str, *, include_usage: bool, legacy: bool = False) -> None:
        self._answer_id = answer_id
        self._include_usage = include_usage
        self._legacy = legacy
        self._head: dict[str, Any] = {}
        # A chunk of text is the same from one to the next but for its text: what stands around it is encoded once.
        self._around: dict[int, tuple[bytes, bytes]] = {}  # by choice
        self._calls: dict[int, int] = {}  # how many there were, by choice
        self._usages: list[Usage | None] = []

    def feed(self, events: Sequence[Event]) -> bytes:
        """The chunks for some events, framed; nothing for a failure, which the caller turns into `fail`."""
        written = []
        for event in events:
            if type(event) is Delta:
                written.append(self._delta(event))
            elif type(event) is End:
                written.append(self._end(event))
            elif type(event) is Begin:
                written.append(self._begin(event, events))
        return b"".join(written)

    def finish(self, closing: str) -> bytes:
        """The stream's regular end: the usage of all choices if it was asked for and counted, `[DONE]`.

        `closing` is told in a comment before `[DONE]`, if there is something to tell.
        """
        used = total(self._usages) if self._include_usage else None
        counted = b""
        if used is not None:
            counted = sse.encode(orjson.dumps({**self._head, "choices": [], "usage": usage(used)}))
        return counted + (sse.comment(closing) if closing else b"") + sse.encode(sse.DONE)

    def fail(self, error: GatewayError) -> bytes:
        """An error inside the stream: no `[DONE]` follows, so that nobody takes the answer for a whole one."""
        return sse.encode(envelope(error))

    def _begin(self, event: Begin, events: Sequence[Event]) -> bytes:
        if not self._head:  # all choices are one answer, with one head
            self._head = {
                "id": self._answer_id,
                "object": "chat.completion.chunk",
                "created": event.created,
                "model": event.model,
                "system_fingerprint": fingerprint(event.model),
            }
        before, _, after = self._chunk(event.index, {"content": _HERE}, None).rpartition(orjson.dumps(_HERE))
        self._around[event.index] = (before, after)
        # As OpenAI does: no text where the answer opens with a call, as far as it has come.
        kinds = {type(one.part) for one in events if type(one) is Delta and one.index == event.index}
        content = None if Call in kinds and Text not in kinds else ""
        return self._chunk(event.index, {"role": "assistant", "content": content, "refusal": None}, None)

    def _delta(self, event: Delta) -> bytes:
        part = event.part
        if type(part) is Text:
            before, after = self._around[event.index]
            return before + orjson.dumps(part.text) + after
        if isinstance(part, Thought):
            return self._chunk(event.index, {"reasoning_content": part.text}, None)
        if isinstance(part, Call):
            return self._call(event.index, part)
        if isinstance(part, Refusal):
            return self._chunk(event.index, {"content": part.text}, None)
        return b""  # a result, which no model gives

    def _call(self, index: int, call: Call) -> bytes:
        number = self._calls.get(index, 0)
        self._calls[index] = number + 1
        arguments = calls.write_arguments(call)
        if self._legacy:
            if number:  # this form has room for one
                return b""
            opening: dict[str, Any] = {"function_call": {"name": call.name, "arguments": ""}}
            rest: dict[str, Any] = {"function_call": {"arguments": arguments}}
        else:
            named = {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
            opening = {"tool_calls": [{"index": number, **named}]}
            rest = {"tool_calls": [{"index": number, "function": {"arguments": arguments}}]}
        return self._chunk(index, opening, None) + self._chunk(index, rest, None)

    def _end(self, event: End) -> bytes:
        self._usages.append(event.usage)
        return self._chunk(event.index, {}, finish_reason(event.finish, legacy=self._legacy))

    def _chunk(self, index: int, delta: dict[str, Any], finish: str | None) -> bytes:
        choice = {"index": index, "delta": delta, "finish_reason": finish}
        chunk = {**self._head, "choices": [choice]}
        if self._include_usage:
            chunk["usage"] = None
        return sse.encode(orjson.dumps(chunk))
