"""OpenAI's chat completions: a request read, a whole answer written.

Source: OpenAI's API reference (chat, create and object) as the `openai` package 3.54 types it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from app.translate.dialogue import Answer, Call, Finish, Note, Refusal, Request, Sampling, Text, Thought, Usage
from app.translate.models import ModelNames
from app.translate.openai import calls, checks, formats, messages, rest, tools
from app.translate.openai.parameters import sift

# GigaChat's max_tokens under the names by which clients ask for it; the first one given counts.
_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
# What names the conversation or its user, the narrowest first.
_SESSIONS = ("prompt_cache_key", "user", "safety_identifier")
_MAX_MODEL_NAME = 256
# Fields that a plain chat does without.
_MORE = frozenset({*tools.FIELDS, *formats.FIELDS})


def read(body: dict[str, Any], names: ModelNames) -> tuple[Request, list[Note]]:
    """Read a request. Raises GatewayError (400) that names the field at the first thing that can't be."""
    more: list[Note] = []
    if body.get("extra_body") is not None:
        body = _united(body, more)
    model, notes = read_model(body.get("model"), names)
    passed, told = sift(body)
    notes += [*more, *told]
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
    if not _MORE.isdisjoint(body):
        _read_more(body, request, notes)
    return request, notes


def _united(body: dict[str, Any], notes: list[Note]) -> dict[str, Any]:
    """The body with the fields that an `extra_body` in it holds; what the body has itself comes first."""
    united = dict(body)
    for key, value in checks.obj(body["extra_body"], "extra_body").items():
        if body.get(key) is None:
            united[key] = value
        elif value not in rest.NOTHING and not checks.same(value, body[key]):
            notes.append(Note("dropped", "extra_body", f"extra_body.{checks.shown(key)}"))
    return united


def _read_more(body: dict[str, Any], request: Request, notes: list[Note]) -> None:
    """What a plain chat has not."""
    request.tools, request.choice, request.legacy_functions = tools.read(body, notes)
    request.format = formats.read_format(body.get("response_format"), notes)
    request.reasoning = formats.read_reasoning(body.get("reasoning_effort"), notes)
    request.stop = formats.read_stop(body.get("stop"))
    request.n = formats.read_n(body.get("n"))


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


def write(answers: Sequence[Answer], answer_id: str, *, legacy: bool = False) -> dict[str, Any]:
    """The body of a whole answer: one choice for each of GigaChat's answers, of which there is at least one.

    `legacy`: the client asked with `functions` and reads `function_call`.
    """
    first = answers[0]
    body: dict[str, Any] = {
        "id": answer_id,
        "object": "chat.completion",
        "created": first.created,
        "model": first.model,
        "choices": [
            {
                "index": index,
                "message": _message(answer, legacy=legacy),
                "finish_reason": finish_reason(answer.finish, legacy=legacy),
            }
            for index, answer in enumerate(answers)
        ],
        "system_fingerprint": fingerprint(first.model),
    }
    used = total(answer.usage for answer in answers)
    if used is not None:
        body["usage"] = usage(used)
    return body


def _message(answer: Answer, *, legacy: bool) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text_of(answer), "refusal": None}
    if thoughts := "".join(part.text for part in answer.parts if isinstance(part, Thought)):
        message["reasoning_content"] = thoughts
    called = [part for part in answer.parts if isinstance(part, Call)]
    if called:
        message["content"] = message["content"] or None
        if legacy:  # this form has room for one
            message["function_call"] = calls.write_function(called[0])
        else:
            message["tool_calls"] = [calls.write(call) for call in called]
    return message


def finish_reason(finish: Finish, *, legacy: bool) -> str:
    """OpenAI's word for the end of a choice."""
    return "function_call" if legacy and finish == "tool_calls" else finish


def text_of(answer: Answer) -> str:
    """The words of an answer; GigaChat's own sentence when it declined."""
    return "".join(part.text for part in answer.parts if isinstance(part, Text | Refusal))


def total(usages: Iterable[Usage | None]) -> Usage | None:
    """The sum over all choices; None when one of them was not counted: less than all would look like all."""
    given = list(usages)
    known = [used for used in given if used is not None]
    if len(known) < len(given):
        return None
    if len(known) < 2:
        return known[0] if known else None
    cached = [used.cached for used in known if used.cached is not None]
    return Usage(
        prompt=sum(used.prompt for used in known),
        completion=sum(used.completion for used in known),
        total=sum(used.total for used in known),
        cached=sum(cached) if cached else None,
        raw={},
    )


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
    asked = {key: value for key, value in options.items() if value is not False}
    rest.tell(asked, "stream_options", frozenset({"include_usage"}), "stream_options", notes)
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
    notes += [Note("dropped", other, other) for other, asked in given[1:] if asked != limit]
    if limit == 0:  # several clients say "no limit" so
        notes.append(Note("adapted", f"{name}=0->unlimited", name))
        return None
    return limit


def _session(body: dict[str, Any]) -> str | None:
    for name in _SESSIONS:
        if body.get(name):
            return f"{name}:{body[name]}"
    return None
