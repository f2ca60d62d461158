"""Models' names: what a client's name means at GigaChat.

OpenAI's, Anthropic's and Google's families mean the configured model, unless the alias table says otherwise; every
other name goes to GigaChat as it is, and its 404 is the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from app.translate.dialogue import Note

FAMILIES = ("gpt-*", "chatgpt-*", "o1*", "o3*", "o4*", "codex-*", "claude-*", "gemini-*")
EMBEDDING_FAMILY = "text-embedding-*"
LISTED_ALIASES = ("gpt-3.5-turbo", "gpt-4", "gpt-4o")
_PREFIXES = ("openai/", "gigachat/")
_REMEMBERED = 256  # names whose meaning was looked up; clients use few, and hostile ones must not fill the memory
_FINE_TUNED = "ft:"  # OpenAI's own models, made by training: what follows the colon is no tag


@dataclass(slots=True)
class ModelNames:
    """The table of aliases, the most specific pattern first."""

    default: str
    embeddings: str
    aliases: tuple[tuple[str, str], ...] = ()
    _patterns: list[tuple[str, bool, str]] = field(init=False, default_factory=list)
    _known: dict[str, tuple[str, bool]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.default, self.embeddings = bare(self.default), bare(self.embeddings)
        own = {pattern for pattern, _ in self.aliases}
        families = [(pattern, self.default) for pattern in FAMILIES] + [(EMBEDDING_FAMILY, self.embeddings)]
        aliases = [(pattern, bare(model)) for pattern, model in self.aliases]
        pairs = [*aliases, *((pattern, model) for pattern, model in families if pattern not in own)]
        # An exact name before any family, then the longer (narrower) family first; own entries win a draw.
        pairs.sort(key=lambda pair: (pair[0].endswith("*"), -len(pair[0])))
        self._patterns = [(pattern.rstrip("*"), pattern.endswith("*"), model) for pattern, model in pairs]

    def resolve(
        self, asked: str | None, *, field: str = "model", fallback: str | None = None
    ) -> tuple[str, list[Note]]:
        """GigaChat's name for what a request asked for; `fallback` when it asked for none.

        `field` is where the client's protocol has the name.
        """
        if asked is None:
            chosen = fallback or self.default
            return chosen, [Note("equivalent", f"{field}=default", field)]
        found = self._known.get(asked)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[asked] = self._find(asked)
        model, changed = found
        return model, [Note("equivalent", field, field)] if changed else []

    def _find(self, asked: str) -> tuple[str, bool]:
        """GigaChat's name, and whether it may be another than the asked one."""
        name = bare(asked)
        # An entry may name a provider's prefix, or a tag, which are cut from every other name.
        forms = (name, asked, _without_prefix(asked))
        for stem, family, model in self._patterns:
            if any(form.startswith(stem) if family else form == stem for form in forms):
                return model, True
        return name, name != asked

    def listed(self) -> list[str]:
        """The aliases that `GET /v1/models` names beside GigaChat's own models."""
        exact = [pattern for pattern, _ in self.aliases if not pattern.endswith("*")]
        return list(dict.fromkeys([*LISTED_ALIASES, *exact]))


def bare(name: str) -> str:
    """A name without a provider's prefix, and without the build (GigaChat:2.0.28.2) or tag (:latest) behind a colon."""
    name = _without_prefix(name)
    return name if name.startswith(_FINE_TUNED) else name.partition(":")[0]


def _without_prefix(name: str) -> str:
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name
