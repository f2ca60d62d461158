"""OpenAI's stream of chat completion chunks, written from events.

Source: OpenAI's API reference (chat, streaming): a role chunk, deltas, a finish chunk, with `include_usage` one more
chunk with the usage and no choices, `[DONE]`. `feed` takes the events of one read and gives the bytes of one write.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from app import sse
from app.errors import GatewayError
from app.translate.dialogue import Begin, Delta, End, Event, Thought
from app.translate.openai.chat import fingerprint, usage
from app.translate.openai.failure import envelope

# Marks the place of the text, which stands last of the strings that vary.
_HERE = "\n"


class StreamWriter:
    """Writes one stream; `answer_id` is the id that every chunk bears."""

    def __init__(self, answer_id: str, *, include_usage: bool) -> None:
        self._answer_id = answer_id
        self._include_usage = include_usage
        self._head: dict[str, Any] = {}
        # A chunk of text is the same from one to the next but for its text: what stands around it is encoded once.
        self._before_text = b""
        self._after_text = b""

    def feed(self, events: Iterable[Event]) -> bytes:
        """The chunks for some events, framed; nothing for a failure, which the caller turns into `fail`."""
        written = []
        for event in events:
            if type(event) is Delta:
                written.append(self._delta(event))
            elif type(event) is End:
                written.append(self._end(event))
            elif type(event) is Begin:
                written.append(self._begin(event))
        return b"".join(written)

    def finish(self, closing: str) -> bytes:
        """The stream's regular end; `closing` is told in a comment before it, if there is something to tell."""
        return (sse.comment(closing) if closing else b"") + sse.encode(sse.DONE)

    def fail(self, error: GatewayError) -> bytes:
        """An error inside the stream: no `[DONE]` follows, so that nobody takes the answer for a whole one."""
        return sse.encode(envelope(error))

    def _begin(self, event: Begin) -> bytes:
        self._head = {
            "id": self._answer_id,
            "object": "chat.completion.chunk",
            "created": event.created,
            "model": event.model,
            "system_fingerprint": fingerprint(event.model),
        }
        self._before_text, _, self._after_text = self._chunk({"content": _HERE}, None).rpartition(orjson.dumps(_HERE))
        return self._chunk({"role": "assistant", "content": "", "refusal": None}, None)

    def _delta(self, event: Delta) -> bytes:
        if type(event.part) is Thought:
            return self._chunk({"reasoning_content": event.part.text}, None)
        return self._before_text + orjson.dumps(event.part.text) + self._after_text

    def _end(self, event: End) -> bytes:
        last = self._chunk({}, event.finish)
        if self._include_usage and event.usage is not None:
            last += sse.encode(orjson.dumps({**self._head, "choices": [], "usage": usage(event.usage)}))
        return last

    def _chunk(self, delta: dict[str, Any], finish: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {**self._head, "choices": [choice]}
        if self._include_usage:
            chunk["usage"] = None
        return sse.encode(orjson.dumps(chunk))
