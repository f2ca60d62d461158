"""Structured output: the JSON text that the model writes where `response_format` asks for it.

- `required` is missing: any JSON object, whatever the schema says
- `required` and `strict`: exact, with the optional fields too; without `strict`: the required fields alone
- a model that ignores formats writes prose

Source: gigachat-api, section 5.5; the indentation is that of the recordings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from app.sandbox.scalars import kind_of
from app.sandbox.values import invent, resolve

Written = Callable[[str], str]


def structured(body: Mapping[str, Any]) -> bool:
    """Does the request ask for JSON?"""
    return "response_format" in body and body["response_format"]["type"] == "json_schema"


def as_json(wanted: Mapping[str, Any]) -> Written:
    """How a text is written where a valid `json_schema` format is wanted."""
    schema = wanted["schema"]
    root = resolve(schema, schema)
    branched = isinstance(root, dict) and not root.keys().isdisjoint(("anyOf", "oneOf", "enum", "const"))
    loose = not isinstance(root, dict) or (not branched and _open(root) and not _requires(root, schema))

    def written(text: str) -> str:
        value = {"answer": text} if loose else invent(schema, full=wanted.get("strict", False))
        return json.dumps(value, ensure_ascii=False, indent=4)

    return written


def fenced(written: Written) -> Written:
    """The same JSON in a fence, as models like to write it."""
    return lambda text: f"```json\n{written(text)}\n```"


def _open(root: Mapping[str, Any]) -> bool:
    return "type" not in root or kind_of(root) == "object"


def _requires(root: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    united = root.get("allOf")
    parts = [root, *(resolve(part, schema) for part in united)] if isinstance(united, list) else [root]
    return any(isinstance(part, dict) and part.get("required") for part in parts)
