"""Structured output: writes the JSON that `response_format` requests.

- a schema without `required`: any JSON object, whatever the schema says
- with `required` and `strict`: JSON that fits, with the optional fields; without `strict`: only the required fields
- a model that ignores formats writes prose

Source: docs/gigachat-api.md, "Structured output". The indentation is that of the recordings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from app.sandbox.scalars import find_type
from app.sandbox.values import invent, resolve

Writer = Callable[[str], str]


def wants_json(body: Mapping[str, Any]) -> bool:
    """Whether the request asks for JSON."""
    return "response_format" in body and body["response_format"]["type"] == "json_schema"


def build_json_writer(wanted: Mapping[str, Any]) -> Writer:
    """A function that converts a text to JSON of this valid `json_schema` format."""
    schema = wanted["schema"]
    root = resolve(schema, schema)
    branched = isinstance(root, dict) and not root.keys().isdisjoint(("anyOf", "oneOf", "enum", "const"))
    loose = not isinstance(root, dict) or (not branched and _is_open_object(root) and not _has_required(root, schema))

    def write(text: str) -> str:
        value = {"answer": text} if loose else invent(schema, full=wanted.get("strict", False))
        return json.dumps(value, ensure_ascii=False, indent=4)

    return write


# How a fault spoils JSON; the values are the fault's.
SPOILERS: Mapping[str, Callable[[str, Mapping[str, Any]], str]] = {
    "fenced_json": lambda text, _: f"```json\n{text}\n```",
    "json_in_words": lambda text, values: f"{values['before']}{text}{values['after']}",
    "json_raw": lambda text, _: text.replace('": "', '": "\n\t', 1),
    "json_broken": lambda text, _: text[: len(text) // 2],
    "json_empty": lambda _, __: "",
    "json_in_list": lambda text, _: f"[{text}]",
}


def _is_open_object(root: Mapping[str, Any]) -> bool:
    return "type" not in root or find_type(root) == "object"


def _has_required(root: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    united = root.get("allOf")
    parts = [root, *(resolve(part, schema) for part in united)] if isinstance(united, list) else [root]
    return any(isinstance(part, dict) and part.get("required") for part in parts)
