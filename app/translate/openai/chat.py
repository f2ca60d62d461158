"""OpenAI's chat completions: a request read, a whole answer written.

Source: OpenAI's API reference (chat, create and object) as the `openai` package 3.54 types it.
"""

from __future__ import annotations

import hashlib
from typing import Any

from app.translate.dialogue import Answer, Note, Refusal, Request, Sampling, Text, Thought, Usage
from app.translate.models import ModelNames
from app.translate.openai import checks, messages
from app.translate.openai.parameters import sift

# GigaChat's max_tokens under the names by which clients ask for it; the first one given counts.
_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
# What names the conversation or its user, the narrowest first.
_SESSIONS = ("prompt_cache_key", "user", "safety_identifier")
_MAX_MODEL_NAME = 256


def read(body: dict[str, Any], names: ModelNames) -> tuple[Request, list[Note]]:
    """Read a request. Raises GatewayError (400) that names the field at the first thing that can't be."""
    if body.get("extra_body") is not None:
        body = {**checks.obj(body["extra_body"], "extra_body"), **body}
    model, notes = read_model(body.get("model"), names)
    passed, told = sift(body)
    notes += told
    stream = _flag(body.get("stream"), "stream")
    request = Request(
        model=model,
        turns=messages.read(body.get("messages"), notes),
        sampling=_sampling(body),
        stream=stream,
        include_usage=_include_usage(body.get("stream_options"), stream, notes),
        max_tokens=_max_tokens(body, notes),
        session=_session(body),
        extra=passed,
    )
    return request, notes


def read_model(value: Any, names: ModelNames, *, fallback: str | None = None) -> tuple[str, list[Note]]:
    """GigaChat's name for the `model` of a request; absent or null means the configured one."""
    if value is not None:
        checks.string(value, "model")
        if not value.strip() or len(value) > _MAX_MODEL_NAME:
            raise checks.invalid("model", "must be a model's name, or left out for the gateway's default.")
    model, notes = names.resolve(value, fallback=fallback)
    if not model:
        raise checks.invalid("model", "names a provider but no model.")
    return model, notes


def write(answer: Answer, answer_id: str) -> dict[str, Any]:
    """The body of a whole answer."""
    message: dict[str, Any] = {"role": "assistant", "content": text_of(answer), "refusal": None}
    if thoughts := "".join(part.text for part in answer.parts if isinstance(part, Thought)):
        message["reasoning_content"] = thoughts
    body: dict[str, Any] = {
        "id": answer_id,
        "object": "chat.completion",
        "created": answer.created,
        "model": answer.model,
        "choices": [{"index": 0, "message": message, "finish_reason": answer.finish}],
        "system_fingerprint": fingerprint(answer.model),
    }
    if answer.usage is not None:
        body["usage"] = usage(answer.usage)
    return body


def text_of(answer: Answer) -> str:
    """The words of an answer; GigaChat's own sentence when it declined."""
    return "".join(part.text for part in answer.parts if isinstance(part, Text | Refusal))


def usage(used: Usage) -> dict[str, Any]:
    """OpenAI's usage; cached tokens are a part of the prompt's."""
    body: dict[str, Any] = {
        "prompt_tokens": used.prompt,
        "completion_tokens": used.completion,
        "total_tokens": used.total,
    }
    if used.cached is not None:
        body["prompt_tokens_details"] = {"cached_tokens": used.cached}
    return body


_fingerprints: dict[str, str] = {}


def fingerprint(model: str) -> str:
    """A short hash of the build that answered, so that a client sees when it changes."""
    known = _fingerprints.get(model)
    if known is None:
        if len(_fingerprints) > 256:  # builds are few; a broken upstream must not grow this
            _fingerprints.clear()
        known = _fingerprints[model] = "fp_" + hashlib.blake2b(model.encode(), digest_size=5).hexdigest()
    return known


def _flag(value: Any, path: str) -> bool:
    return False if value is None else checks.boolean(value, path)


def _include_usage(options: Any, stream: bool, notes: list[Note]) -> bool:
    if options is None:
        return False
    options = checks.obj(options, "stream_options")
    wanted = _flag(options.get("include_usage"), "stream_options.include_usage")
    if not stream:
        notes.append(Note("equivalent", "stream_options", "stream_options"))
    return wanted


def _sampling(body: dict[str, Any]) -> Sampling:
    temperature, top_p = body.get("temperature"), body.get("top_p")
    return Sampling(
        None if temperature is None else checks.number(temperature, "temperature", 0),
        None if top_p is None else checks.number(top_p, "top_p", 0, 1),
    )


def _max_tokens(body: dict[str, Any], notes: list[Note]) -> int | None:
    given = [(name, checks.integer(body[name], name, 0)) for name in _LIMITS if body.get(name) is not None]
    if not given:
        return None
    name, limit = given[0]
    if limit == 0:  # several clients say "no limit" so
        notes.append(Note("adapted", f"{name}=0->unlimited", name))
        return None
    return limit


def _session(body: dict[str, Any]) -> str | None:
    for name in _SESSIONS:
        if body.get(name):
            return f"{name}:{body[name]}"
    return None
