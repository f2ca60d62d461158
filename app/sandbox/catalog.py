"""The models that the sandbox serves, and the one rule by which it counts tokens.

Source: gigachat-api, section 7 (models recorded in January 2026, embedders with their sizes) and 3.6 (counts).
"""

from __future__ import annotations

from dataclasses import dataclass

BUILD = "2.0.28.2"


@dataclass(frozen=True, slots=True)
class Model:
    """One line of the list: `type` as GigaChat words it; `limit` and `dimensions` matter to embedders alone, `prose`
    and `images` to chat models: prose ignores `response_format` (5.5: older or Lite models may), images are seen by Pro
    and Max (5.3, 7).
    """

    name: str
    type: str = "chat"
    limit: int = 0
    dimensions: int = 0
    prose: bool = False
    images: bool = False

    @property
    def served(self) -> str:
        """The name with a build, as answers of the chat give it."""
        return f"{self.name}:{BUILD}"

    def count(self, text: str) -> int:
        """Tokens of a text: "Hello, world!" is 4 for a chat model and 9 for an embedder, as recorded."""
        tokens, characters = _RATES[self.type]
        return -(-len(text) * tokens // characters)

    def cut(self, text: str, tokens: int) -> str:
        """The longest beginning of a text that has no more than so many tokens."""
        rate, characters = _RATES[self.type]
        return text[: tokens * characters // rate]


# type -> so many tokens in so many characters
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
