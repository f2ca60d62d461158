"""How an answer is to look and to end: OpenAI's `response_format`, `reasoning_effort`, `stop` and `n`, read.

Source: OpenAI's API reference (chat, create). A flat `json_schema` (`schema` beside `type`) is the Responses API's
and GigaChat's own form.
"""

from __future__ import annotations

from typing import Any

from app.translate.dialogue import Format, Note
from app.translate.openai import checks, rest, tools

FIELDS = ("response_format", "reasoning_effort", "stop", "n")
# What GigaChat's reasoning models know, for every word of OpenAI's.
EFFORTS: dict[str, str | None] = {
    "none": None,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
MAX_STOPS = 4
MAX_STOP_CHARACTERS = 256  # each beginning of a sequence is looked for at the end of each piece
MAX_CHOICES = 4
_INNER = frozenset({"name", "schema", "strict", "description"})


def read_format(value: Any, notes: list[Note]) -> Format | None:
    """The format of `response_format`; None is any text."""
    if value is None:
        return None
    given = checks.obj(value, "response_format")
    kind = checks.string(given.get("type"), "response_format.type")
    if kind == "text":
        rest.tell(given, "response_format", frozenset({"type"}), "response_format", notes)
        return None
    if kind == "json_object":
        rest.tell(given, "response_format", frozenset({"type"}), "response_format", notes)
        return Format(None)
    if kind != "json_schema":
        raise checks.invalid("response_format.type", "must be 'text', 'json_object' or 'json_schema'.")
    if given.get("json_schema") in (None, {}) and given.get("schema") is not None:
        return _schema(given, "response_format", frozenset({"type", "json_schema"}), notes)
    rest.tell(given, "response_format", frozenset({"type", "json_schema"}), "response_format", notes)
    inner = "response_format.json_schema"
    if given.get("json_schema") is None:
        raise checks.missing(f"{inner}.schema", "send the JSON Schema of the answer.")
    return _schema(checks.obj(given["json_schema"], inner), inner, frozenset(), notes)


def read_reasoning(value: Any, notes: list[Note]) -> str | None:
    """The effort that GigaChat knows."""
    if value is None:
        return None
    effort = checks.string(value, "reasoning_effort")
    if effort not in EFFORTS:
        raise checks.invalid("reasoning_effort", f"must be one of {', '.join(EFFORTS)}.")
    known = EFFORTS[effort]
    if known != effort:
        notes.append(Note("adapted", f"reasoning_effort={effort}->{known or 'default'}", "reasoning_effort"))
    return known


def read_stop(value: Any) -> list[str]:
    """The sequences before which an answer ends; an empty one stops nothing."""
    if value is None:
        return []
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise checks.wrong("stop", "a string or an array of strings", value)
    if len(value) > MAX_STOPS:
        raise checks.invalid("stop", f"holds {len(value)} sequences; at most {MAX_STOPS} are taken.")
    for index, text in enumerate(checks.strings(value, "stop")):
        if len(text) > MAX_STOP_CHARACTERS:
            raise checks.invalid(f"stop[{index}]", f"is longer than {MAX_STOP_CHARACTERS} characters.")
    return [text for text in value if text]


def read_n(value: Any) -> int:
    """How many choices are wanted."""
    if value is None:
        return 1
    choices = checks.integer(value, "n", 1)
    if choices > MAX_CHOICES:
        raise checks.invalid("n", f"must be at most {MAX_CHOICES}.")
    return choices


def _schema(given: dict[str, Any], path: str, more: frozenset[str], notes: list[Note]) -> Format:
    if given.get("schema") is None:
        raise checks.missing(f"{path}.schema", "send the JSON Schema of the answer.")
    schema = checks.obj(given["schema"], f"{path}.schema")
    strict, description = given.get("strict"), given.get("description")
    if description is not None and checks.string(description, f"{path}.description"):
        if schema and "description" not in schema:
            schema = {**schema, "description": description}
        elif schema.get("description") != description:  # the schema's own is nearer, and an empty schema stays empty
            notes.append(Note("dropped", "response_format.description", f"{path}.description"))
    rest.tell(given, path, _INNER | more, "response_format", notes)
    asked = Format(schema, None if strict is None else checks.boolean(strict, f"{path}.strict"))
    if given.get("name") is not None:
        asked.name = tools.name(given["name"], f"{path}.name")
    return asked
