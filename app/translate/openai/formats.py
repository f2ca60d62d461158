"""How an answer is to look and to end: OpenAI's `response_format`, `reasoning_effort`, `stop` and `n`, read.

Source: OpenAI's API reference (chat, create). A flat `json_schema` (`schema` beside `type`) is the Responses API's
and GigaChat's own form.
"""

from __future__ import annotations

from typing import Any

from app.translate.dialogue import Format, Note
from app.translate.openai import checks, unread_fields
from app.translate.openai.function_names import read_name

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
MAX_STOPS = 16  # OpenAI takes 4, editors send a dozen
MAX_STOP_CHARACTERS = 256  # each beginning of a sequence is looked for at the end of each piece
MAX_CHOICES = 4
_FORMAT = "response_format"
_INNER_FORMAT = "response_format.json_schema"
_INNER = frozenset({"name", "schema", "strict", "description"})
_SCHEMA_WORDS = frozenset({"type", "properties", "$ref", "anyOf", "oneOf", "allOf"})  # that no format has


def read_format(value: Any, notes: list[Note]) -> Format | None:
    """The format of `response_format`; None is any text."""
    if value is None or not (given := checks.php_obj(value, _FORMAT)):
        return None
    kind = given.get("type")
    if kind is None and not _has_no_schema(given):
        kind = "json_schema"
    if kind == "object" and isinstance(given.get("properties"), dict):  # the schema itself
        return Format(given)
    kind = checks.string(kind, f"{_FORMAT}.type")
    if kind == "text" or (kind == "json_object" and _has_no_schema(given)):
        unread_fields.tell(given, _FORMAT, frozenset({"type"}), "response_format", notes)
        return None if kind == "text" else Format(None)
    if kind not in ("json_schema", "json_object"):
        raise checks.invalid(f"{_FORMAT}.type", "must be 'text', 'json_object' or 'json_schema'.")
    if given.get("json_schema") in (None, {}, []) and given.get("schema") is not None:
        return _read_schema(given, _FORMAT, frozenset({"type", "json_schema"}), notes)
    unread_fields.tell(given, _FORMAT, frozenset({"type", "json_schema"}), "response_format", notes)
    if given.get("json_schema") is None:
        raise checks.missing(f"{_INNER_FORMAT}.schema", "send the JSON Schema of the answer.")
    inner = checks.obj(given["json_schema"], _INNER_FORMAT)
    return _read_schema(_wrap_bare_schema(inner), _INNER_FORMAT, frozenset(), notes)


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
    """The sequences before which an answer ends, each once; an empty one stops nothing."""
    if value is None:
        return []
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise checks.wrong("stop", "a string or an array of strings", value)
    for index, text in enumerate(checks.strings(value, "stop")):
        if len(text) > MAX_STOP_CHARACTERS:
            raise checks.invalid(f"stop[{index}]", f"is longer than {MAX_STOP_CHARACTERS} characters.")
    stops = list(dict.fromkeys(text for text in value if text))
    if len(stops) > MAX_STOPS:
        raise checks.invalid("stop", f"holds {len(stops)} different sequences; at most {MAX_STOPS} are taken.")
    return stops


def read_n(value: Any) -> int:
    """How many choices are wanted."""
    if value is None:
        return 1
    choices = checks.integer(value, "n", 1)
    if choices > MAX_CHOICES:
        raise checks.invalid("n", f"must be at most {MAX_CHOICES}.")
    return choices


def _has_no_schema(given: dict[str, Any]) -> bool:
    return unread_fields.asks_nothing(given.get("json_schema")) and unread_fields.asks_nothing(given.get("schema"))


def _wrap_bare_schema(given: dict[str, Any]) -> dict[str, Any]:
    """What stands in `json_schema`; a schema that stands there itself, with or without a name, is put inside."""
    if "schema" in given or _SCHEMA_WORDS.isdisjoint(given):
        return given
    beside: dict[str, Any] = {key: given[key] for key in ("name", "strict") if key in given}
    return {**beside, "schema": {key: value for key, value in given.items() if key not in beside}}


def _read_schema(given: dict[str, Any], path: str, more: frozenset[str], notes: list[Note]) -> Format:
    if given.get("schema") is None:
        raise checks.missing(f"{path}.schema", "send the JSON Schema of the answer.", given)
    schema = checks.php_obj(given["schema"], f"{path}.schema")
    strict, description = given.get("strict"), given.get("description")
    if description is not None and checks.string(description, f"{path}.description"):
        if schema and "description" not in schema:
            schema = {**schema, "description": description}
        elif schema.get("description") != description:  # the schema's own is nearer, and an empty schema stays empty
            notes.append(Note("dropped", "response_format.description", f"{path}.description"))
    unread_fields.tell(given, path, _INNER | more, "response_format", notes)
    asked = Format(schema, None if strict is None else checks.boolean(strict, f"{path}.strict"))
    if given.get("name") is not None:
        asked.name = read_name(given["name"], f"{path}.name")
    return asked
