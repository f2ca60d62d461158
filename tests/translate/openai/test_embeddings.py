"""OpenAI's embeddings: requests read, answers written."""

from __future__ import annotations

import base64
import math
import struct
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import CreateEmbeddingResponse

from app.errors import GatewayError
from app.translate.dialogue import EmbeddingsRequest, Vectors
from app.translate.models import ModelNames
from app.translate.openai import embeddings
from tests.examples import examples

NAMES = ModelNames("GigaChat", "Embeddings")
SIZES = {"Embeddings": 4}
Notes = list[tuple[str, str, str]]
wanted = partial(EmbeddingsRequest, fields=embeddings.FIELDS)


def read(**body: Any) -> tuple[EmbeddingsRequest, Notes]:
    """The request and its notes as tuples."""
    request, notes = embeddings.read({"model": "Embeddings", "input": "a", **body}, NAMES, SIZES)
    return request, [(note.kind, note.rule, note.path) for note in notes]


READ: list[tuple[dict[str, Any], EmbeddingsRequest, Notes]] = [
    ({}, wanted("Embeddings", ["a"]), []),
    ({"input": ["a", "б"]}, wanted("Embeddings", ["a", "б"]), []),
    ({"input": ["a"] * 2048}, wanted("Embeddings", ["a"] * 2048), []),
    ({"encoding_format": "float"}, wanted("Embeddings", ["a"]), []),
    ({"encoding_format": None, "dimensions": None}, wanted("Embeddings", ["a"]), []),
    ({"encoding_format": "base64"}, wanted("Embeddings", ["a"], packed=True), []),
    ({"dimensions": 4}, wanted("Embeddings", ["a"], dimensions=4), []),
    (
        {"dimensions": 2.0},
        wanted("Embeddings", ["a"], dimensions=2),
        [("adapted", "dimensions", "dimensions")],
    ),
    ({"model": "unknown-size", "dimensions": 2}, wanted("unknown-size", ["a"], dimensions=2), []),
    (
        {"model": "text-embedding-3-small"},
        wanted("Embeddings", ["a"]),
        [("equivalent", "model", "model")],
    ),
    ({"model": None}, wanted("Embeddings", ["a"]), [("equivalent", "model=default", "model")]),
    ({"user": "u"}, wanted("Embeddings", ["a"]), [("equivalent", "user", "user")]),
    ({"metadata": [], "extra_body": []}, wanted("Embeddings", ["a"]), [("equivalent", "metadata", "metadata")]),
    ({"foo": 1, "bar": None}, wanted("Embeddings", ["a"]), [("dropped", "unknown", "foo")]),
]


@pytest.mark.parametrize(("body", "expected", "told"), READ)
def test_a_request_is_read(body: dict[str, Any], expected: EmbeddingsRequest, told: Notes) -> None:
    """Texts in order, format and size; what is changed or lost is told."""
    assert read(**body) == (expected, told)


# body, code, field that is named
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"input": None}, "missing_required_parameter", "input"),
    ({"input": []}, "invalid_value", "input"),
    ({"input": ""}, "invalid_value", "input"),
    ({"input": ["a", ""]}, "invalid_value", "input[1]"),
    ({"input": 5}, "invalid_value", "input"),
    ({"input": {"text": "a"}}, "invalid_value", "input"),
    ({"input": [1, 2, 3]}, "invalid_value", "input"),
    ({"input": [[1, 2], [3]]}, "invalid_value", "input"),
    ({"input": [None]}, "invalid_value", "input[0]"),
    ({"input": ["a", 5]}, "invalid_value", "input[1]"),
    ({"input": ["a"] * 2049}, "invalid_value", "input"),
    ({"encoding_format": "hex"}, "invalid_value", "encoding_format"),
    ({"encoding_format": 5}, "invalid_value", "encoding_format"),
    ({"dimensions": 5}, "invalid_value", "dimensions"),
    ({"dimensions": 0}, "invalid_value", "dimensions"),
    ({"dimensions": "2"}, "invalid_value", "dimensions"),
    ({"model": ""}, "invalid_value", "model"),
    ({"model": 5}, "invalid_value", "model"),
]


@pytest.mark.parametrize(("body", "code", "param"), REFUSED)
def test_a_bad_request_is_named(body: dict[str, Any], code: str, param: str) -> None:
    """A 400 that names the field, before anything is paid."""
    with pytest.raises(GatewayError) as caught:
        read(**body)
    assert (caught.value.kind.status, caught.value.kind.name, caught.value.param) == (400, code, param)


def test_token_ids_are_explained() -> None:
    """LangChain sends token ids unless told not to: the refusal says what to set."""
    with pytest.raises(GatewayError, match="check_embedding_ctx_length=False"):
        read(input=[[15339, 1917]])


def test_an_answer_is_written() -> None:
    """OpenAI's object with the sum of tokens, as the `openai` package types it."""
    body = embeddings.write(EmbeddingsRequest("Embeddings", ["a", "b"]), Vectors("", [[3.0, 4.0], [0.5, 1]], 13))
    assert body == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [3.0, 4.0]},
            {"object": "embedding", "index": 1, "embedding": [0.5, 1]},
        ],
        "model": "Embeddings",
        "usage": {"prompt_tokens": 13, "total_tokens": 13},
    }
    CreateEmbeddingResponse.model_validate(body)


@examples()
@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1))
def test_base64_is_little_endian_float32(vector: list[float]) -> None:
    """What a client unpacks is what GigaChat gave."""
    asked = EmbeddingsRequest("Embeddings", ["a"], packed=True)
    packed = embeddings.write(asked, Vectors("m", [vector], 1))["data"][0]["embedding"]
    assert list(struct.unpack(f"<{len(vector)}f", base64.b64decode(packed))) == vector


def test_fewer_dimensions_are_a_unit_vector() -> None:
    """A smaller size cuts the vector and makes it one of length 1; nothing but zeros stays."""
    asked = EmbeddingsRequest("m", ["a"], dimensions=2)
    data = embeddings.write(asked, Vectors("m", [[3.0, 4.0, 5.0], [0.0, 0.0, 1.0]], 1))["data"]
    assert [item["embedding"] for item in data] == [[0.6, 0.8], [0.0, 0.0]]
    assert math.hypot(*data[0]["embedding"]) == pytest.approx(1)


def test_the_models_own_size_is_untouched() -> None:
    """Asked for its own size, a vector is not normalised."""
    asked = EmbeddingsRequest("m", ["a"], dimensions=2)
    assert embeddings.write(asked, Vectors("m", [[3.0, 4.0]], 1))["data"][0]["embedding"] == [3.0, 4.0]


def test_more_dimensions_than_there_are_is_refused() -> None:
    """A model of unknown size tells only by its answer: a 400, no padded vector."""
    with pytest.raises(GatewayError) as caught:
        embeddings.write(EmbeddingsRequest("m", ["a"], dimensions=3), Vectors("m", [[3.0, 4.0]], 1))
    assert caught.value.param == "dimensions"
