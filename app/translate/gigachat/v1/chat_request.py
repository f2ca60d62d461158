"""GigaChat's contract v1, the request side: a lossy writer that reports its losses.

Source: docs/gigachat-api.md, "POST /chat/completions" (request fields).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.errors import INVALID_VALUE, GatewayError
from app.translate.dialogue import Note, Request, Uploaded
from app.translate.gigachat.names import FunctionNames
from app.translate.gigachat.v1 import functions, history

# "temperature: number > 0; below 0.001 = deterministic": what a client's 0 becomes.
DETERMINISTIC = 0.0001


def write(
    request: Request,
    *,
    state_echo: bool = True,
    as_function: bool = False,
    files: Mapping[str, Uploaded] | None = None,
) -> tuple[dict[str, Any], list[Note]]:
    """The payload for one attempt, and what writing it cost. Raises GatewayError for what can't be asked at all.

    `state_echo`: GigaChat's own state goes back with its calls. `as_function`: the wanted format is written as a
    forced function, for models that ignore it. `files`: what GigaChat has, by the paths of the request's files; a dry
    write goes without.
    """
    notes: list[Note] = []
    names = FunctionNames(request)
    instruction = functions.MUST_CALL if functions.must_call(request) else None
    messages = history.write(request, names, notes, state_echo=state_echo, instruction=instruction, files=files)
    payload: dict[str, Any] = {"model": request.model, "messages": messages}
    _write_sampling(request, payload, notes)
    if request.max_tokens is not None:
        payload["max_tokens"] = request.max_tokens
    if request.tools or request.format is not None:
        functions.write(request, names, payload, notes, as_function=as_function)
    if request.reasoning is not None:
        payload["reasoning_effort"] = request.reasoning
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
            notes.append(Note("equivalent", f"{request.fields.temperature}=0", request.fields.temperature))
    if sampling.top_p is not None:
        payload["top_p"] = sampling.top_p
