"""OpenAI's list of models. Source: OpenAI's API reference (models): `id`, `object`, `created`, `owned_by`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.errors import MODEL_NOT_FOUND, GatewayError
from app.translate.abilities import Abilities
from app.translate.dialogue import Model
from app.translate.missing_models import say_missing
from app.translate.models import ModelNames, bare

# GigaChat does not say when a model was made, and typed clients need a number.
_CREATED = 0
_OWNER = "gpt2giga-proxy"
# GigaChat's kinds of models that have a context to be told; None: it is not known.
_CHATTING = frozenset({"chat", None})


def write_list(models: Sequence[Model], names: ModelNames, abilities: Abilities) -> dict[str, Any]:
    """GigaChat's models, then the aliases that are none of them."""
    have = {model.id: model for model in models}
    data = [_write(model, model, abilities) for model in models]
    for name in names.listed():
        if name not in have:
            target, _ = names.resolve(name)
            data.append(_write(Model(name, _OWNER, None), have.get(target) or Model(target, "", None), abilities))
    return {"object": "list", "data": data}


def write_one(name: str, models: Sequence[Model], names: ModelNames, abilities: Abilities) -> dict[str, Any]:
    """The model of this name, or what an alias of this name means. Raises GatewayError when no request could use it.

    While GigaChat's list is not known (empty) every name that could be its own is answered for.
    """
    target, _ = names.resolve(name)
    for model in models:
        if model.id == target:
            return {**_write(model, model, abilities), "id": name}
    if models and target == bare(name):
        message = say_missing(target, (model.id for model in models), name)
        raise GatewayError(MODEL_NOT_FOUND, message, param="model")
    return _write(Model(name, _OWNER, None), Model(target, "", None), abilities)


def _write(model: Model, answers: Model, abilities: Abilities) -> dict[str, Any]:
    """One entry; `answers` is the model that is meant. The context is what SDKs and agents look for to fill it."""
    body: dict[str, Any] = {"id": model.id, "object": "model", "created": _CREATED, "owned_by": model.owner or _OWNER}
    if model.kind is not None:
        body["type"] = model.kind
    context = abilities.of(answers.id).context
    if context is not None and answers.kind in _CHATTING:
        body["context_length"] = context
    return body
