"""GigaChat's list of models. Source: GigaChat's REST API, `GET /models`: `id`, `owned_by`, `type`."""

from __future__ import annotations

from typing import Any

import orjson

from app.translate.dialogue import Model


def read(data: bytes) -> list[Model]:
    """The models; anything unreadable is no model."""
    try:
        items = orjson.loads(data)["data"]
        return [_model(item) for item in items if isinstance(item, dict) and isinstance(item.get("id"), str)]
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return []


def _model(item: dict[str, Any]) -> Model:
    kind = item.get("type")
    return Model(item["id"], str(item.get("owned_by") or ""), kind if isinstance(kind, str) else None)
