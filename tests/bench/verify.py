"""Every answer is read to its last byte after the load: a fast wrong answer must not count."""

from __future__ import annotations

from typing import Any

import orjson

from . import payloads


class WrongAnswer(Exception):
    """A proxy answered something else than it should have."""


def answer(raw: bytes, chunks: int) -> None:
    """Check an answer, head included: a whole one, or a stream of so many chunks."""
    try:
        if chunks:
            _stream(raw, chunks)
        else:
            _whole(raw)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise WrongAnswer(f"{error!r} in {raw[-600:]!r}") from error


def _whole(raw: bytes) -> None:
    found = orjson.loads(_content(raw))
    choice = found["choices"][0]
    _equal("object", found["object"], "chat.completion")
    _equal("text", choice["message"]["content"], payloads.ANSWER)
    _equal("finish_reason", choice["finish_reason"], "stop")
    _equal("usage", found["usage"]["completion_tokens"] > 0, True)


def _stream(raw: bytes, chunks: int) -> None:
    """As many pieces of text as the upstream sent, the end, the usage."""
    events = _events(_content(raw))
    _equal("last event", events.pop(), b"[DONE]")
    answers: list[dict[str, Any]] = [orjson.loads(event) for event in events]
    choices = [choice for answer in answers for choice in answer["choices"]]
    pieces = [piece for choice in choices if (piece := choice["delta"].get("content"))]
    _equal("number of chunks", len(pieces), chunks)
    _equal("text", "".join(pieces), payloads.text(chunks))
    _equal("finish", [reason for choice in choices if (reason := choice.get("finish_reason"))], ["stop"])
    _equal("usage", len([answer for answer in answers if answer.get("usage")]), 1)


def _equal(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise WrongAnswer(f"{what}: expected {str(expected)[:120]!r}, found {str(found)[:120]!r}")


def _content(raw: bytes) -> bytes:
    """The content of a 200, out of its chunks where it is in chunks."""
    head, _, content = raw.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise WrongAnswer(f"not a 200: {raw[:600]!r}")
    if b"\r\ntransfer-encoding: chunked" not in head.lower():
        return content
    pieces: list[bytes] = []
    while True:
        size, _, content = content.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            _equal("after the last HTTP chunk", content, b"\r\n")
            return b"".join(pieces)
        pieces.append(content[:length])
        content = content[length + 2 :]


def _events(content: bytes) -> list[bytes]:
    """The data of every event; comments are skipped."""
    blocks = content.split(b"\n\n")
    _equal("after the last event", blocks.pop(), b"")
    events = [block.removeprefix(b"data: ") for block in blocks if not block.startswith(b":")]
    if not events:
        raise WrongAnswer("a stream without events")
    return events
