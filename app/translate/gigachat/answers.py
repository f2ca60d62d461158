"""GigaChat's contract v1, the answer side: whole answers and the stream.

Source: GigaChat's REST API, `POST /chat/completions` (response), "Streaming" and "Usage". Answers are read leniently:
unknown keys, a missing usage, `content` missing or null are all taken; a stream that just ends is a failure.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from app import sse
from app.translate.dialogue import Answer, Begin, Delta, End, Event, Failed, Finish, Part, Text, Thought, Usage

FINISH: dict[str, Finish] = {
    "stop": "stop",
    "length": "length",
    "function_call": "tool_calls",
    "blacklist": "content_filter",  # the topic filter's own sentence is in the content
}
# The model gave up: no answer to hand on.
FAILURES = frozenset({"error", "function_call_error"})


class UnreadableError(ValueError):
    """GigaChat answered 200 with something that is no answer."""


def read(data: bytes) -> Answer | Failed:
    """A whole answer. Raises UnreadableError when it is none."""
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise UnreadableError("GigaChat's answer is not JSON") from None
    choice = _first_choice(body)
    if choice is None:
        raise UnreadableError("GigaChat's answer has no choices")
    raw_finish = choice.get("finish_reason")
    if raw_finish in FAILURES:
        return Failed("generation", "")
    message = choice.get("message") or {}
    parts: list[Part] = []
    if thought := message.get("reasoning_content"):
        parts.append(Thought(str(thought)))
    parts.append(Text(message.get("content") or ""))
    return Answer(
        model=_word(body.get("model")),
        created=_whole(body.get("created")),
        parts=parts,
        finish=finish(raw_finish),
        raw_finish=raw_finish,
        usage=read_usage(body.get("usage")),
    )


def finish(raw: Any) -> Finish:
    """OpenAI's word for GigaChat's; an unknown one is a plain stop."""
    return FINISH.get(raw, "stop") if isinstance(raw, str) else "stop"


def read_usage(raw: Any) -> Usage | None:
    """Tokens in one meaning. When the cached exceed the prompt's, this prompt count leaves the cached out: add them."""
    if not isinstance(raw, dict):
        return None
    prompt, completion = _whole(raw.get("prompt_tokens")), _whole(raw.get("completion_tokens"))
    total = _whole(raw.get("total_tokens")) or prompt + completion
    cached = raw.get("precached_prompt_tokens")
    cached = None if cached is None else _whole(cached)
    if cached is not None and cached > prompt:
        prompt, total = prompt + cached, total + cached
    return Usage(prompt, completion, total, cached, raw)


class StreamReader:
    """Reads one stream, in any slicing. After `feed` or `finish` gave an End or a Failed, nothing follows."""

    __slots__ = ("_begun", "_decoder", "_end", "_over", "_surrogate")

    def __init__(self) -> None:
        self._decoder = sse.Decoder()
        self._begun = False
        self._over = False
        self._end: End | None = None
        self._surrogate = ""  # the first half of a character that GigaChat cut in two

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that are complete by now."""
        events: list[Event] = []
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
            body = orjson.loads(data)
        except orjson.JSONDecodeError:
            body = _lenient(data)
        choice = _first_choice(body)
        if choice is None:
            if not _only_usage(body):
                message = body.get("message") if isinstance(body, dict) else None
                self._fail(events, "upstream", _word(message))
            return
        if not self._begun:
            self._begun = True
            events.append(Begin(_word(body.get("model")), _whole(body.get("created"))))
        self._read_choice(choice, body, events)

    def _read_choice(self, choice: dict[str, Any], body: dict[str, Any], events: list[Event]) -> None:
        delta = choice.get("delta")
        if isinstance(delta, dict):
            if thought := delta.get("reasoning_content"):
                events.append(Delta(0, Thought(str(thought))))
            content = delta.get("content")
            # a function_in_progress chunk holds the seconds left, not words
            if content and delta.get("role", "assistant") == "assistant":
                self._text(content, events)
        raw_finish = choice.get("finish_reason")
        if raw_finish is None:
            return
        if raw_finish in FAILURES:
            self._fail(events, "generation", "")
        else:
            self._end = End(finish(raw_finish), raw_finish, read_usage(body.get("usage")))

    def _text(self, content: Any, events: list[Event]) -> None:
        text = content if isinstance(content, str) else str(content)
        if self._surrogate or not text.isascii():
            text = self._joined(text)
        if text:
            events.append(Delta(0, Text(text)))

    def _joined(self, text: str) -> str:
        """Surrogate halves made whole; a half at the end waits for the next delta."""
        text, self._surrogate = self._surrogate + text, ""
        if "\ud800" <= text[-1] <= "\udbff":
            text, self._surrogate = text[:-1], text[-1]
        try:
            text.encode()
        except UnicodeEncodeError:
            return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return text

    def _close(self, events: list[Event]) -> None:
        self._over = True
        events.append(self._end or End("stop", None, None))

    def _fail(self, events: list[Event], reason: Any, message: str) -> None:
        self._over = True
        events.append(Failed(reason, message))


def _first_choice(body: Any) -> dict[str, Any] | None:
    choices = body.get("choices") if isinstance(body, dict) else None
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    return None


def _only_usage(body: Any) -> bool:
    """A chunk of OpenAI's kind, with a usage and no choices: nothing is wrong with it."""
    return isinstance(body, dict) and body.get("choices") == [] and "message" not in body


def _lenient(data: bytes) -> Any:
    """What orjson refuses and GigaChat has sent: a surrogate half, escaped."""
    try:
        return json.loads(data)
    except ValueError:
        return None


def _cut_off(data: bytes) -> bool:
    """Whether an event that no blank line closed was cut in its middle."""
    return data != sse.DONE and _lenient(data) is None


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: Any) -> int:
    """A count that may be missing, a float or a string."""
    try:
        return max(0, int(value or 0))
    except (TypeError, ValueError, OverflowError):
        return 0
