"""What each model can do: one table, which a file of the operator's may override.

Source: docs/gigachat-api.md, "Limits, models, prices": litellm's price map has 8192 tokens as the longest answer of
generation 2; Pro and Max see images, the small models do not; every chat model has the same context. Of a model that is
not in the table nothing is expected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.translate.dialogue import Note, Request

_PREVIEW = "-preview"


@dataclass(frozen=True, slots=True)
class Ability:
    """One model. `output` is the longest answer in tokens; `images`: whether it sees them. None: not known.

    `context` is what prompt and answer have together, in tokens. Clients are told it; nothing is refused by it.
    """

    output: int | None = None
    images: bool | None = None
    context: int | None = None


_CONTEXT = 261_120
_SMALL = Ability(output=8192, images=False, context=_CONTEXT)  # the second generation serves names of the first
_LARGE = Ability(output=8192, images=True, context=_CONTEXT)
_NEW = Ability(context=_CONTEXT)

TABLE: dict[str, Ability] = {
    "GigaChat": _SMALL,
    "GigaChat-2": _SMALL,
    "GigaChat-Plus": _SMALL,
    "GigaChat-Pro": _LARGE,
    "GigaChat-Max": _LARGE,
    "GigaChat-2-Pro": _LARGE,
    "GigaChat-2-Max": _LARGE,
    "GigaChat-2-Reasoning": _NEW,
    "GigaChat-3-Lightning": _NEW,
    "GigaChat-3-Pro": _NEW,
    "GigaChat-3-Ultra": _NEW,
}


_VALUES: dict[str, tuple[type, str]] = {
    "output": (int, "a count of tokens"),
    "images": (bool, "true, false"),
    "context": (int, "a count of tokens"),
}


class Abilities:
    """The table with the operator's overrides; `vision` takes over from models that see no images (empty: none)."""

    def __init__(self, overrides: Mapping[str, Mapping[str, Any]] | None = None, vision: str = "") -> None:
        self._vision = vision
        self._table = dict(TABLE)
        for model, changes in (overrides or {}).items():
            self._table[model] = replace(self._table.get(model, Ability()), **changes)

    def of(self, model: str) -> Ability:
        """What a model can do; a preview can do what its model can."""
        return self._table.get(model) or self._table.get(model.removesuffix(_PREVIEW)) or Ability()

    def fit(self, request: Request, *, images: bool = False) -> tuple[Request, list[Note]]:
        """The request as its model can answer it; where that sees nothing of its images, as another one can."""
        notes: list[Note] = []
        ability = self.of(request.model)
        if images and ability.images is False and self._vision:
            request, ability = replace(request, model=self._vision), self.of(self._vision)
            notes.append(Note("adapted", f"{request.fields.model}->vision", request.fields.model))
        longest = ability.output
        if longest is not None and request.max_tokens is not None and request.max_tokens > longest:
            request = replace(request, max_tokens=longest)
            notes.append(Note("adapted", f"{request.fields.max_tokens}->clamped", request.fields.max_tokens))
        return request, notes


def _fits(value: object, kind: type) -> bool:
    return value is None or (type(value) is kind and (not isinstance(value, int) or kind is bool or value > 0))


def overrides(given: Any) -> dict[str, dict[str, Any]]:
    """The operator's table: `{"model": {"output": 8192, "images": true}}`. Raises ValueError."""
    if not isinstance(given, dict) or not all(isinstance(changes, dict) for changes in given.values()):
        raise ValueError('is not an object of objects: {"model": {"output": 8192, "images": true}}')
    for model, changes in given.items():
        for name, value in changes.items():
            if name not in _VALUES:
                raise ValueError(f"{model}: {name!r} is none of the abilities: {', '.join(_VALUES)}")
            kind, wanted = _VALUES[name]
            if not _fits(value, kind):
                raise ValueError(f"{model}: {name!r} has a value that it can't have: {wanted}, or null")
    return given
