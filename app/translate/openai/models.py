"""OpenAI's list of models. Source: OpenAI's API reference (models): `id`, `object`, `created`, `owned_by`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.translate.dialogue import Model
from app.translate.models import ModelNames, bare

# GigaChat does not say when a model was made, and typed clients need a number.
_CREATED = 0
_OWNER = "gpt2giga-proxy"


def write_list(models: Sequence[Model], names: ModelNames) -> dict[str, Any]:
    """GigaChat's models, then the aliases that are none of them."""
    have = {model.id for model in models}
    aliases = [Model(name, _OWNER, None) for name in names.listed() if name not in have]
    return {"object": "list", "data": [_write(model) for model in (*models, *aliases)]}


def write_one(name: str, models: Sequence[Model], names: ModelNames) -> dict[str, Any] | None:
    """The model of this name, or what an alias of this name means; None when no request could use it.

    While GigaChat's list is not known (empty) every name that could be its own is answered for.
    """
    target, _ = names.resolve(name)
    for model in models:
        if model.id == target:
            return {**_write(model), "id": name}
    return None if models and target == bare(name) else _write(Model(name, _OWNER, None))


def _write(model: Model) -> dict[str, Any]:
    body = {"id": model.id, "object": "model", "created": _CREATED, "owned_by": model.owner or _OWNER}
    if model.kind is not None:
        body["type"] = model.kind
    return body
