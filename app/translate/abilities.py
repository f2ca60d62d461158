"""What each model can do: one table, which a file of the operator's may override.

Source: GigaChat's REST API, "Limits, models, prices": litellm's price map has 8192 tokens as the longest answer of
generation 2. A model that is not in the table is not limited.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.translate.dialogue import Note, Request

_PREVIEW = "-preview"


@dataclass(frozen=True, slots=True)
class Ability:
    """One model. `output` is the longest answer in tokens; None: not known."""

    output: int | None = None


_SECOND = Ability(output=8192)  # names of the first generation are served by the second

TABLE: dict[str, Ability] = {
    "GigaChat": _SECOND,
    "GigaChat-2": _SECOND,
    "GigaChat-Plus": _SECOND,
    "GigaChat-Pro": _SECOND,
    "GigaChat-Max": _SECOND,
    "GigaChat-2-Pro": _SECOND,
    "GigaChat-2-Max": _SECOND,
}


class Abilities:
    """The table with the operator's overrides."""

    def __init__(self, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._table = dict(TABLE)
        for model, changes in (overrides or {}).items():
            self._table[model] = replace(self._table.get(model, Ability()), **changes)

    def of(self, model: str) -> Ability:
        """What a model can do; a preview can do what its model can."""
        return self._table.get(model) or self._table.get(model.removesuffix(_PREVIEW)) or Ability()

    def fit(self, request: Request) -> tuple[Request, list[Note]]:
        """The request as its model can answer it: a longer answer than the model gives is not asked for."""
        longest = self.of(request.model).output
        if longest is None or request.max_tokens is None or request.max_tokens <= longest:
            return request, []
        note = Note("adapted", "max_tokens->clamped", "max_tokens")
        return replace(request, max_tokens=longest), [note]


def overrides(given: Any) -> dict[str, dict[str, Any]]:
    """The operator's table: `{"model": {"output": 8192}}`. Raises ValueError."""
    if not isinstance(given, dict) or not all(isinstance(changes, dict) for changes in given.values()):
        raise ValueError('is not an object of objects: {"model": {"output": 8192}}')
    for model, changes in given.items():
        for name, value in changes.items():
            if name != "output":
                raise ValueError(f"{model}: {name!r} is none of the abilities: output")
            if value is not None and (type(value) is not int or value <= 0):
                raise ValueError(f"{model}: 'output' has a value that it can't have: a count of tokens, or null")
    return given
