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
# No count is larger: what is, came from a broken upstream, and a client's JSON could not carry it.
_MAX_COUNT = 2**53 - 1
_REPLACEMENT = "\ufffd"  # what stands for half a character whose other half never came


class UnreadableError(ValueError):
    """GigaChat answered 200 with something that is no answer."""


def read(data: bytes) -> Answer | Failed:
    """A whole answer. Raises UnreadableError when it is none."""
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        body = _lenient(data)
    if body is None:
        raise UnreadableError("GigaChat's answer is not JSON")
    choice = _first_choice(body)
    if choice is None:
        raise UnreadableError("GigaChat's answer has no choices")
    raw_finish = _word(choice.get("finish_reason")) or None
    if raw_finish in FAILURES:
        return Failed("generation", "")
    message = choice.get("message")
    if not isinstance(message, dict):
        message = {}
    parts: list[Part] = []
    if thought := message.get("reasoning_content"):
        parts.append(Thought(_whole_characters(str(thought))))
    parts.append(Text(_whole_characters(str(message.get("content") or ""))))
    return Answer(
        model=_word(body.get("model")),
        created=count(body.get("created")),
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
    prompt, completion = count(raw.get("prompt_tokens")), count(raw.get("completion_tokens"))
    total = count(raw.get("total_tokens")) or prompt + completion
    cached = raw.get("precached_prompt_tokens")
    cached = None if cached is None else count(cached)
    if cached is not None and cached > prompt:
        prompt, total = prompt + cached, total + cached
    return Usage(prompt, completion, total, cached, raw)


class _Words:
    """One kind of a stream's words, in which GigaChat may have cut a character in two."""

    __slots__ = ("_half",)

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        """Halves made whole; one at the end waits for the next delta."""
        text, self._half = self._half + text, ""
        if "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return _whole_characters(text)

    def finish(self) -> str:
        """What stands for a half that nothing followed."""
        half, self._half = self._half, ""
        return _REPLACEMENT if half else ""


class StreamReader:
    """Reads one stream, in any slicing. After `feed` or `finish` gave an End or a Failed, nothing follows."""

    __slots__ = ("_begun", "_decoder", "_end", "_halves", "_over", "_text", "_thought")

    def __init__(self) -> None:
        self._decoder = sse.Decoder()
        self._begun = False
        self._over = False
        self._end: End | None = None
        self._halves = False  # half characters came: only the lenient parser lets them through
        self._text = _Words()
        self._thought = _Words()

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
            body = orjson.loads(data)
        except orjson.JSONDecodeError:
            body = _lenient(data)
            self._halves = True
        choice = _first_choice(body)
        if choice is None:
            if not _only_usage(body):
                message = body.get("message") if isinstance(body, dict) else None
                self._fail(events, "upstream", _word(message))
            return
        if not self._begun:
            self._begun = True
            events.append(Begin(_word(body.get("model")), count(body.get("created"))))
        self._read_choice(choice, body, events)

    def _read_choice(self, choice: dict[str, Any], body: dict[str, Any], events: list[Event]) -> None:
        delta = choice.get("delta")
        if isinstance(delta, dict):
            if thought := delta.get("reasoning_content"):
                self._say(Thought(str(thought)), self._thought, events)
            # a function_in_progress chunk holds the seconds left, not words
            content = delta.get("content")
            if content and (delta.get("role") or "assistant") == "assistant":
                self._say(Text(content if isinstance(content, str) else str(content)), self._text, events)
        raw_finish = choice.get("finish_reason")
        if not raw_finish:
            return
        raw_finish = _word(raw_finish) or None
        if raw_finish in FAILURES:
            self._fail(events, "generation", "")
        else:
            self._end = End(finish(raw_finish), raw_finish, read_usage(body.get("usage")))

    def _say(self, part: Text | Thought, words: _Words, events: list[Event]) -> None:
        if self._halves:
            part.text = words.feed(part.text)
        if part.text:
            events.append(Delta(0, part))

    def _close(self, events: list[Event]) -> None:
        """The regular end; one without an answer before it is none."""
        if not self._begun:
            self._fail(events, "truncated", "")
            return
        self._over = True
        if thought := self._thought.finish():
            events.append(Delta(0, Thought(thought)))
        if text := self._text.finish():
            events.append(Delta(0, Text(text)))
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
    except (ValueError, RecursionError):
        return None


def _cut_off(data: bytes) -> bool:
    """Whether an event that no blank line closed was cut in its middle."""
    return data != sse.DONE and _lenient(data) is None


def _word(value: Any) -> str:
    return _whole_characters(value) if isinstance(value, str) else ""


def _whole_characters(text: str) -> str:
    """Surrogate halves side by side become the character that they are, a lone one its replacement."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def count(value: Any) -> int:
    """A count that may be missing, a float or a string."""
    try:
        return min(max(0, int(value or 0)), _MAX_COUNT)
    except (TypeError, ValueError, OverflowError):
        return 0
