"""GigaChat's contract v1, the request side: a lossy writer that reports its losses.

Source: GigaChat's REST API, `POST /chat/completions` (request fields) and "Messages": one system message, first;
contents are strings; neighbours of one role are concatenated by the server.
"""

from __future__ import annotations

from typing import Any

from app.errors import INVALID_VALUE, GatewayError
from app.translate.dialogue import Note, Request, Turn

# "temperature: number > 0; below 0.001 = deterministic": what a client's 0 becomes.
DETERMINISTIC = 0.0001
_PARAGRAPH = "\n\n"
_LATE_SYSTEM = "[system] "
# A user message without a word: GigaChat wants text.
_BLANK = " "


def write(request: Request) -> tuple[dict[str, Any], list[Note]]:
    """The payload for one attempt, and what writing it cost. Raises GatewayError for what can't be asked at all."""
    notes: list[Note] = []
    payload: dict[str, Any] = {"model": request.model, "messages": _messages(request.turns, notes)}
    _write_sampling(request, payload, notes)
    if request.max_tokens is not None:
        payload["max_tokens"] = request.max_tokens
    for name, value in request.extra.items():
        if name == "repetition_penalty" and value == 0:
            raise GatewayError(INVALID_VALUE, "'repetition_penalty' must be greater than 0.", param=name)
        payload[name] = value
    if request.stream:
        payload["stream"] = True
    return payload, notes


def _write_sampling(request: Request, payload: dict[str, Any], notes: list[Note]) -> None:
    sampling = request.sampling
    if sampling.temperature is not None:
        payload["temperature"] = sampling.temperature
        if sampling.temperature == 0:
            payload["temperature"] = DETERMINISTIC
            notes.append(Note("equivalent", "temperature=0", "temperature"))
    if sampling.top_p is not None:
        payload["top_p"] = sampling.top_p


def _messages(turns: list[Turn], notes: list[Note]) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = []
    instructions: list[str] = []
    opening = True  # before the first assistant turn, where every system message is part of the one at the top
    worded = False
    for turn in turns:
        text = _text(turn)
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
        if turn.role == "user" and not text:
            notes.append(Note("adapted", "user.empty->space", turn.path))
            text = _BLANK
        written.append({"role": turn.role, "content": text})
    if not worded:
        path = turns[0].path if turns else "messages"
        raise GatewayError(INVALID_VALUE, f"'{path}' is empty: there is nothing to answer.", param=path)
    if instructions:
        if len(instructions) > 1 or turns[0].role != "system":
            notes.append(Note("equivalent", "system.joined", turns[0].path))
        written.insert(0, {"role": "system", "content": _PARAGRAPH.join(instructions)})
    return written


def _text(turn: Turn) -> str:
    """Parts joined by a newline; those of an assistant by nothing, since a newline would alter code."""
    parts = turn.parts
    if len(parts) == 1:
        return parts[0].text
    return ("" if turn.role == "assistant" else "\n").join(part.text for part in parts)
