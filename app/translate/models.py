"""Models' names: what a client's name means at GigaChat.

Source: translation rules, "Models". OpenAI's, Anthropic's and Google's families mean the configured model, unless the
alias table says otherwise; every other name goes to GigaChat as it is, and its 404 is the answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from app.translate.dialogue import Note

FAMILIES = ("gpt-*", "chatgpt-*", "o1*", "o3*", "o4*", "codex-*", "claude-*", "gemini-*")
EMBEDDING_FAMILY = "text-embedding-*"
LISTED_ALIASES = ("gpt-3.5-turbo", "gpt-4", "gpt-4o")
_PREFIXES = ("openai/", "gigachat/")
_REMEMBERED = 256  # names whose meaning was looked up; clients use few, and hostile ones must not fill the memory
_BUILD = re.compile(r":\d+(\.\d+)*$")  # GigaChat:2.0.28.2, as answers name their model


@dataclass(slots=True)
class ModelNames:
    """The table of aliases, the most specific pattern first."""

    default: str
    embeddings: str
    aliases: tuple[tuple[str, str], ...] = ()
    _patterns: list[tuple[str, bool, str]] = field(init=False, default_factory=list)
    _known: dict[str, tuple[str, list[Note]]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        own = {pattern for pattern, _ in self.aliases}
        families = [(pattern, self.default) for pattern in FAMILIES] + [(EMBEDDING_FAMILY, self.embeddings)]
        pairs = [*self.aliases, *((pattern, model) for pattern, model in families if pattern not in own)]
        # An exact name before any family, then the longer (narrower) family first; own entries win a draw.
        pairs.sort(key=lambda pair: (pair[0].endswith("*"), -len(pair[0])))
        self._patterns = [(pattern.rstrip("*"), pattern.endswith("*"), model) for pattern, model in pairs]

    def resolve(self, asked: str | None, *, fallback: str | None = None) -> tuple[str, list[Note]]:
        """GigaChat's name for what a request asked for; `fallback` when it asked for none."""
        if asked is None:
            chosen = fallback or self.default
            return chosen, [Note("adapted", "model=default", "model")]
        found = self._known.get(asked)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[asked] = self._find(asked)
        return found[0], list(found[1])

    def _find(self, asked: str) -> tuple[str, list[Note]]:
        name = bare(asked)
        for stem, family, model in self._patterns:
            # An entry may name a provider's prefix, which is cut from every other name.
            if (name.startswith(stem) or asked.startswith(stem)) if family else stem in (name, asked):
                return model, [Note("equivalent", "model", "model")]
        return name, [] if name == asked else [Note("equivalent", "model", "model")]

    def listed(self) -> list[str]:
        """The aliases that `GET /v1/models` names beside GigaChat's own models."""
        exact = [pattern for pattern, _ in self.aliases if not pattern.endswith("*")]
        return list(dict.fromkeys([*LISTED_ALIASES, *exact]))


def bare(name: str) -> str:
    """A name without a provider's prefix and without a build."""
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            name = name.removeprefix(prefix)
            break
    return _BUILD.sub("", name)
