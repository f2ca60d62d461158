"""OpenAI's chat completions: a request, read; its answers are written as it asks for.

Source: OpenAI's API reference (chat, create and object) as the `openai` package 3.54 types it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.translate.dialogue import (
    Answer,
    Note,
    Request,
    Sampling,
)
from app.translate.field_names import FieldNames
from app.translate.models import ModelNames
from app.translate.openai import chat_answer, checks, formats, messages, tools, unread_fields
from app.translate.openai.chat_stream import StreamWriter
from app.translate.openai.parameters import sift

FIELDS = FieldNames(
    turns="messages", choice="tool_choice", format="response_format", schema="response_format.json_schema.schema"
)
# GigaChat's max_tokens under the names by which clients ask for it; the first one given counts.
_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
# What names the conversation or its user, the narrowest first.
_SESSIONS = ("prompt_cache_key", "user", "safety_identifier")
_CONVERSATION = "send the conversation as a list of {role, content}."
# What the conversation is called in Responses, bare completions, Gemini, Cohere and hand-made clients.
_CONVERSATIONS = frozenset(
    {"input", "inputs", "prompt", "contents", "content", "conversation", "history", "chat_history"}
)
_MAX_MODEL_NAME = 256


@dataclass(slots=True)
class ChatRequest:
    """A request in the dialogue's words, and what only the writers of its answers know."""

    request: Request
    notes: list[Note]
    include_usage: bool = False
    legacy: bool = False  # the client knows `functions` only: its answers have `function_call`
    asked_model: str = ""  # the client's name for it; GigaChat's where it gave none

    def write(self, answers: Sequence[Answer], answer_id: str) -> dict[str, Any]:
        """The body of a whole answer: one choice for each of GigaChat's answers, of which there is at least one."""
        return chat_answer.write(answers, answer_id, legacy=self.legacy)

    def stream_writer(self, answer_id: str) -> StreamWriter:
        """The writer of a streamed answer."""
        return StreamWriter(
            answer_id,
            include_usage=self.include_usage,
            legacy=self.legacy,
            asked_model=self.asked_model,
            n=self.request.n,
        )


def read(body: dict[str, Any], names: ModelNames) -> ChatRequest:
    """Read a request. Raises GatewayError (400) that names the field at the first thing that can't be."""
    more: list[Note] = []
    if body.get("extra_body") is not None:
        body = _united(body, more)
    model, notes = read_model(body.get("model"), names)
    passed, told = sift(body)
    notes += more + told
    stream = _flag(body.get("stream"), "stream")
    if body.get("messages") is None:
        raise checks.missing("messages", _CONVERSATION, body, _CONVERSATIONS)
    turns, sampling = messages.read(body["messages"], notes), _sampling(body)
    include_usage = _include_usage(body.get("stream_options"), stream, notes)
    request = Request(
        model=model,
        turns=turns,
        sampling=sampling,
        stream=stream,
        max_tokens=_max_tokens(body, notes),
        session=_session(body),
        extra=passed,
        fields=FIELDS,
    )
    found = ChatRequest(request, notes, include_usage, asked_model=body.get("model") or model)
    if not body.keys().isdisjoint(tools.FIELDS):
        request.tools, request.choice, found.legacy = tools.read(body, notes)
    if not body.keys().isdisjoint(formats.FIELDS):
        _read_formats(body, request, notes)
    return found


def _united(body: dict[str, Any], notes: list[Note]) -> dict[str, Any]:
    """The body with the fields that an `extra_body` in it holds; what the body has itself comes first."""
    united = dict(body)
    for key, value in checks.php_obj(body["extra_body"], "extra_body").items():
        if body.get(key) is None:
            united[key] = value
        elif not unread_fields.asks_nothing(value) and not checks.same(value, body[key]):
            notes.append(Note("dropped", "extra_body", f"extra_body.{checks.shown(key)}"))
    return united


def _read_formats(body: dict[str, Any], request: Request, notes: list[Note]) -> None:
    """How an answer is to look and to end."""
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


def _flag(value: Any, path: str) -> bool:
    return False if value is None else checks.boolean(value, path)


def _include_usage(options: Any, stream: bool, notes: list[Note]) -> bool:
    if options is None:
        return False
    options = checks.php_obj(options, "stream_options")
    wanted = _flag(options.get("include_usage"), "stream_options.include_usage")
    asked = {key: value for key, value in options.items() if value is not False}
    unread_fields.tell(asked, "stream_options", frozenset({"include_usage"}), "stream_options", notes)
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
    first, limit = "", None
    for name in _LIMITS:
        if body.get(name) is None:
            continue
        asked = checks.integer(body[name], name, -1)
        if limit is None:
            first, limit = name, asked
        elif asked != limit:
            notes.append(Note("dropped", name, name))
    if limit is not None and limit <= 0:  # several clients say "no limit" so
        notes.append(Note("adapted", f"{first}={limit}->unlimited", first))
        return None
    return limit


def _session(body: dict[str, Any]) -> str | None:
    if body.keys().isdisjoint(_SESSIONS):
        return None
    for name in _SESSIONS:
        if body.get(name):
            return f"{name}:{body[name]}"
    return None
