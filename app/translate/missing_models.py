"""What a client is told of a model that GigaChat does not have, or that is for something else.

It names the model, the nearest one that GigaChat lists, and the setting that gives names their meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Literal

from app.errors import MODEL_NOT_FOUND, GatewayError
from app.redaction import looks_like_key
from app.translate.abilities import TABLE
from app.translate.gigachat.embeddings import SIZES

# GigaChat's words for a model's kind.
Use = Literal["chat", "embedder"]

_NEAR = 0.7  # how much of a name must be as in a known one, by difflib's measure
_MAX_SHOWN = 64  # characters
_LIST = "GET /v1/models lists what it has."
_WRONG_USE: dict[Use, str] = {
    "chat": "makes embeddings, and does not chat: POST it to /v1/embeddings, or name a chat model",
    "embedder": "is a chat model, and makes no embeddings: name an embedder, such as text-embedding-3-small",
}


def say_missing(model: str, listed: Iterable[str], asked: str | None = None) -> str:
    """The message for a model that GigaChat does not have; `asked` is the client's name for it.

    `listed` are the names among which the nearest is looked for.
    """
    told = f"GigaChat has no model {quote(model)}"
    if asked is not None and quote(asked) != quote(model):
        told += f", which {quote(asked)} means here"
    near = find_nearest(model, listed)
    hint = f" Did you mean '{near}'?" if near else ""
    return f"{told}.{hint} {_LIST} For the operator: GPT2GIGA_MODEL_ALIASES and GIGACHAT_MODEL say what names mean."


def refuse_wrong_use(model: str, use: Use, kinds: Mapping[str, str | None], field: str) -> None:
    """Raise GatewayError for an embedder that is to chat, and the reverse. `kinds` are those that GigaChat lists."""
    kind = kinds.get(model) or _find_shipped_kind(model)
    if kind is None or kind == use:
        return
    if kind in ("chat", "embedder"):
        why = f"{_WRONG_USE[use]} (GPT2GIGA_MODEL_ALIASES says what names mean)"
    else:
        why = f"is of the kind '{kind[:_MAX_SHOWN]}', which is not served here"
    raise GatewayError(MODEL_NOT_FOUND, f"GigaChat's {quote(model)} {why}. {_LIST}", param=field)


def find_nearest(model: str, listed: Iterable[str]) -> str | None:
    """The listed name that is most like this one; None where none is near."""
    folded = {name.lower(): name for name in listed}
    found = get_close_matches(model[:_MAX_SHOWN].lower(), folded, n=1, cutoff=_NEAR)
    return folded[found[0]] if found else None


def quote(name: str) -> str:
    """A name of a client's as a message may repeat it: short, printable, and not when it looks like a secret."""
    if looks_like_key(name[:_MAX_SHOWN]):
        return "'...'"
    cut = name if len(name) <= _MAX_SHOWN else f"{name[:_MAX_SHOWN]}..."
    return f"'{''.join(char if char.isprintable() else '?' for char in cut)}'"


def _find_shipped_kind(model: str) -> Use | None:
    """The kind of a model that is known without GigaChat's list."""
    if model in SIZES:
        return "embedder"
    return "chat" if model in TABLE else None
