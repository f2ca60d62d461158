"""The models of the sandbox, and the rule by which it counts tokens.

Source: docs/gigachat-api.md, "Limits, models, prices" (models recorded in January 2026, embedders with their sizes) and
"POST /tokens/count" (counts).
"""

from __future__ import annotations

from dataclasses import dataclass

BUILD = "2.0.28.2"


@dataclass(frozen=True, slots=True)
class Model:
    """A model. `type` is GigaChat's word for its kind.

    For embedders: `limit` is the most tokens of a text, `dimensions` the length of a vector. For chat models: `prose`
    means that it ignores `response_format`, as older or Lite models may (5.5); `images` that it supports images, as Pro
    and Max do (5.3, 7).
    """

    name: str
    type: str = "chat"
    limit: int = 0
    dimensions: int = 0
    prose: bool = False
    images: bool = False

    @property
    def package(self) -> str:
        """The package of tokens that its chats are billed to."""
        return next((f"GigaChat-{size}" for size in ("Pro", "Max") if size in self.name), "GigaChat")

    @property
    def served_name(self) -> str:
        """The name with the build, as in chat answers."""
        return f"{self.name}:{BUILD}"

    def count(self, text: str) -> int:
        """The tokens of a text. As recorded, "Hello, world!" has 4 for a chat model and 9 for an embedder."""
        tokens, characters = _RATES[self.type]
        return -(-len(text) * tokens // characters)

    def cut(self, text: str, tokens: int) -> str:
        """The longest beginning of a text with at most this many tokens."""
        rate, characters = _RATES[self.type]
        return text[: tokens * characters // rate]


# By type: a number of tokens, and the number of characters that have so many tokens.
_RATES = {"chat": (1, 4), "embedder": (2, 3), "filter": (1, 4), "aicheck": (1, 4)}

_CHAT = ("GigaChat", "GigaChat-2", "GigaChat-2-Max", "GigaChat-2-Pro", "GigaChat-Max", "GigaChat-Plus", "GigaChat-Pro")

_PROSE = "GigaChat-Plus"
_SEEING = ("Pro", "Max")

_ROWS = (
    Model("Embeddings", "embedder", 512, 1024),
    Model("Embeddings-2", "embedder", 512, 1024),
    Model("EmbeddingsGigaR", "embedder", 4096, 2560),
    *(
        Model(name + suffix, prose=name == _PROSE, images=name.endswith(_SEEING))
        for name in _CHAT
        for suffix in ("", "-preview")
    ),
    Model("GigaCheckClassification", "aicheck"),
    Model("GigaCheckDetection", "aicheck"),
    Model("GigaEmbeddings-3B-2025-09", "embedder", 4096, 2048),
    Model("GigaFilter", "filter"),
)

MODELS = {model.name: model for model in _ROWS}
