"""GigaChat's list of models. Source: GigaChat's REST API, `GET /models`: `id`, `owned_by`, `type`."""

from __future__ import annotations

import orjson

from app.translate.dialogue import Model


def read(data: bytes) -> list[Model]:
    """The models; anything unreadable is no model."""
    try:
        items = orjson.loads(data)["data"]
        return [Model(str(item["id"]), str(item.get("owned_by") or ""), item.get("type")) for item in items]
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
        return []
