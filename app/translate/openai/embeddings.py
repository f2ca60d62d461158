"""OpenAI's embeddings: a request read, an answer written.

Source: OpenAI's API reference (embeddings, create): `encoding_format`, `dimensions`, at most 2048 inputs.
"""

from __future__ import annotations

import base64
import math
import sys
from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.translate.dialogue import EmbeddingsRequest, Note, Vectors
from app.translate.field_names import FieldNames
from app.translate.models import ModelNames
from app.translate.openai import checks, unread_fields
from app.translate.openai.chat_request import read_model

FIELDS = FieldNames(texts="input")
MAX_INPUTS = 2048
_KNOWN = frozenset({"model", "input", "encoding_format", "dimensions"})
_IDENTITIES: dict[str, Callable[[Any, str], Any]] = {
    "user": checks.string,
    "safety_identifier": checks.string,
    "metadata": checks.php_obj,
}
_NAMES = _KNOWN.union(_IDENTITIES)
# What the texts are called by Ollama, Cohere, Gemini and hand-made clients.
_INPUTS = frozenset({"prompt", "text", "texts", "content", "contents", "messages", "documents", "sentences"})
_FORMATS = ("float", "base64")


def read(body: dict[str, Any], names: ModelNames, sizes: Mapping[str, int]) -> tuple[EmbeddingsRequest, list[Note]]:
    """Read a request; `sizes` has the dimensions of known models. Raises GatewayError (400) that names the field."""
    model, notes = read_model(body.get("model"), names, fallback=names.embeddings)
    for key, value in body.items():
        if key in _IDENTITIES:
            if value is not None:
                _IDENTITIES[key](value, key)
            notes.append(Note("equivalent", key, key))
        elif key not in _KNOWN and not unread_fields.asks_nothing(value):
            unread_fields.drop("unknown", checks.shown(key), notes, key, _NAMES)
    encoding = body.get("encoding_format")
    if encoding is not None and checks.string(encoding, "encoding_format") not in _FORMATS:
        raise checks.invalid("encoding_format", "must be 'float' or 'base64'.")
    dimensions = body.get("dimensions")
    if dimensions is not None:
        dimensions = checks.integer(dimensions, "dimensions", 1)
        if model in sizes:
            notes += _fitted(dimensions, sizes[model])
    if body.get("input") is None:
        raise checks.missing("input", "send a string or an array of strings.", body, _INPUTS)
    return EmbeddingsRequest(model, _texts(body["input"]), encoding == "base64", dimensions, FIELDS), notes


def write(asked: EmbeddingsRequest, found: Vectors) -> dict[str, Any]:
    """The body of an answer. Raises GatewayError when a model of unknown size has fewer dimensions than asked for."""
    vectors = found.vectors
    if asked.dimensions is not None and _fitted(asked.dimensions, len(vectors[0])):
        vectors = [_shortened(vector, asked.dimensions) for vector in vectors]
    data = [
        {"object": "embedding", "index": index, "embedding": _base64(vector) if asked.packed else vector}
        for index, vector in enumerate(vectors)
    ]
    used = {"prompt_tokens": found.tokens, "total_tokens": found.tokens}
    return {"object": "list", "data": data, "model": found.model or asked.model, "usage": used}


def _fitted(dimensions: int, size: int) -> list[Note]:
    if dimensions > size:
        raise checks.invalid("dimensions", f"must be at most {size}, which is what the model gives.")
    return [Note("adapted", "dimensions", "dimensions")] if dimensions < size else []


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        value, single = [value], True
    else:
        single = False
    items = checks.array(value, "input")
    if not items:
        raise checks.invalid("input", "is empty: send at least one string.")
    if isinstance(items[0], int | list):
        raise checks.invalid(
            "input",
            "must be text: GigaChat takes no token ids. In LangChain set check_embedding_ctx_length=False.",
        )
    if len(items) > MAX_INPUTS:
        raise checks.invalid("input", f"holds {len(items)} items; at most {MAX_INPUTS} are taken.")
    for index, item in enumerate(items):
        path = "input" if single else f"input[{index}]"
        if not checks.string(item, path):
            raise checks.invalid(path, "is an empty string: there is nothing to embed.")
    return items


def _shortened(vector: Sequence[float], size: int) -> Sequence[float]:
    """The first dimensions, as a unit vector."""
    cut = vector[:size]
    norm = math.sqrt(sum(value * value for value in cut))
    unit = [value / norm for value in cut] if norm else cut
    return array("d", unit) if isinstance(vector, array) else unit  # as compact as it came


def _base64(vector: Sequence[float]) -> str:
    packed = array("f", vector)
    if sys.byteorder == "big":
        packed.byteswap()
    return base64.b64encode(packed.tobytes()).decode()
