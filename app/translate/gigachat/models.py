"""GigaChat's list of models. Source: docs/gigachat-api.md, "Models": `id`, `owned_by`, `type`."""

from __future__ import annotations

from typing import Any

import orjson

from app.translate.dialogue import Model

# GigaChat has a dozen models. Each name becomes part of the answers that list them, and a label.
_MAX_MODELS = 1000
_MAX_NAME = 256  # characters


def read(data: bytes) -> list[Model]:
    """The models of a list; what can't be read is left out."""
    try:
        items = orjson.loads(data)["data"][:_MAX_MODELS]
        return [_read_model(item) for item in items if isinstance(item, dict) and _is_name(item.get("id"))]
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return []


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_NAME


def _read_model(item: dict[str, Any]) -> Model:
    kind = item.get("type")
    owner = str(item.get("owned_by") or "")[:_MAX_NAME]
    return Model(item["id"], owner, kind[:_MAX_NAME] if isinstance(kind, str) else None)
