"""Embeddings through the official `openai` package."""

from __future__ import annotations

import base64
import math
from array import array
from typing import Any

import openai
import pytest
from openai.types import CreateEmbeddingResponse

from tests.clients.sdk import Gigachat, Sdk, strangers

TEXTS = ["Привет", "Hello", "Привет", "😀 \n\t\x00"]


def embedded(sdk: Sdk, given: Any, client: Any = None, **more: Any) -> Any:
    """The answer to an embeddings request."""
    return sdk.wait((client or sdk.client).embeddings.create(**{"model": "Embeddings", "input": given} | more))


def vectors(answer: Any) -> list[list[float]]:
    """The vectors of an answer."""
    return [item.embedding for item in answer.data]


def single(value: float) -> float:
    """A number at the precision of base64's floats."""
    return array("f", [value])[0]


def test_floats_and_base64_are_the_same_vectors(sdk: Sdk, gigachat: Gigachat) -> None:
    """What the SDK asks for by default (base64) and floats are the same numbers, at single precision."""
    packed = vectors(embedded(sdk, TEXTS))
    floats = vectors(embedded(sdk, TEXTS, encoding_format="float"))
    assert packed == [[single(number) for number in vector] for vector in floats]
    assert [len(vector) for vector in packed] == [1024] * 4
    assert packed[0] == packed[2] != packed[1]
    assert all("encoding_format" not in one["body"] for one in gigachat.requests("embeddings"))


def test_base64_as_it_is(sdk: Sdk) -> None:
    """Asked for by name, base64 is little-endian single floats."""
    answer = embedded(sdk, "Привет", encoding_format="base64")
    raw = array("f")
    raw.frombytes(base64.b64decode(answer.data[0].embedding))
    assert raw.tolist() == vectors(embedded(sdk, "Привет"))[0]


def test_the_answer_is_of_the_sdks_own_type(sdk: Sdk) -> None:
    """Strictly valid, no key more; usage is the sum over the items."""
    answer = embedded(sdk, TEXTS, encoding_format="float")
    strict = CreateEmbeddingResponse.model_validate_json(answer.to_json(), strict=True)
    assert strangers(strict) == set()
    assert [item.index for item in strict.data] == [0, 1, 2, 3]
    alone = [embedded(sdk, text).usage.prompt_tokens for text in TEXTS]
    assert strict.usage.prompt_tokens == strict.usage.total_tokens == sum(alone) > 0
    assert strict.model == "Embeddings"


def test_many_inputs_come_back_in_order(sdk: Sdk, gigachat: Gigachat) -> None:
    """More than GigaChat takes at a time: asked in batches, one answer, each vector at its place."""
    texts = [f"text {number}" for number in range(65)]
    answer = embedded(sdk, texts)
    assert [item.index for item in answer.data] == list(range(65))
    asked = [text for one in gigachat.requests("embeddings") for text in one["body"]["input"]]
    assert sorted(asked) == sorted(texts)
    for place in (0, 19, 20, 40, 64):
        assert vectors(answer)[place] == vectors(embedded(sdk, texts[place]))[0]
    assert answer.usage.prompt_tokens == sum(
        embedded(sdk, texts[i : i + 5]).usage.prompt_tokens for i in range(0, 65, 5)
    )


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_fewer_dimensions(sdk: Sdk, encoding: str) -> None:
    """A vector that was cut has length one again and the same direction; the header says that it was adapted."""
    raw = sdk.wait(
        sdk.client.embeddings.with_raw_response.create(
            model="text-embedding-3-large", input="Привет", dimensions=256, encoding_format=encoding
        )
    )
    assert raw.headers["x-gateway-adapted"] == "dimensions"
    cut = raw.parse().data[0].embedding
    if encoding == "base64":
        cut = array("f", base64.b64decode(cut)).tolist()
    whole = vectors(embedded(sdk, "Привет"))[0][:256]
    assert len(cut) == 256
    assert math.isclose(math.hypot(*cut), 1.0, rel_tol=1e-5)
    size = math.hypot(*whole)
    assert all(
        math.isclose(small, large / size, rel_tol=1e-4, abs_tol=1e-7) for small, large in zip(cut, whole, strict=True)
    )


def test_the_models_own_dimensions_change_nothing(sdk: Sdk) -> None:
    """Asking for the size that the model has is no adaptation."""
    raw = sdk.wait(sdk.client.embeddings.with_raw_response.create(model="Embeddings", input="x", dimensions=1024))
    assert "x-gateway-adapted" not in raw.headers
    assert vectors(raw.parse()) == vectors(embedded(sdk, "x"))


@pytest.mark.parametrize(
    ("name", "asked", "size"),
    [
        ("text-embedding-3-small", "Embeddings", 1024),
        ("text-embedding-ada-002", "Embeddings", 1024),
        ("EmbeddingsGigaR", "EmbeddingsGigaR", 2560),
        ("GigaEmbeddings-3B-2025-09", "GigaEmbeddings-3B-2025-09", 2048),
    ],
)
def test_models(sdk: Sdk, gigachat: Gigachat, name: str, asked: str, size: int) -> None:
    """OpenAI's names mean the configured model; GigaChat's own names mean themselves."""
    answer = embedded(sdk, "x", model=name)
    assert len(vectors(answer)[0]) == size
    assert gigachat.last("embeddings")["body"]["model"] == asked == answer.model


@pytest.mark.parametrize(
    ("given", "code", "param"),
    [
        ({"input": []}, "invalid_value", "input"),
        ({"input": [1, 2, 3]}, "invalid_value", "input"),
        ({"input": [[1, 2], [3]]}, "invalid_value", "input"),
        ({"input": ["x", 1]}, "invalid_value", "input[1]"),
        ({"input": None}, "missing_required_parameter", "input"),
        ({"input": {"text": "x"}}, "invalid_value", "input"),
        ({"input": ["x"] * 2049}, "invalid_value", "input"),
        ({"dimensions": 1025}, "invalid_value", "dimensions"),
        ({"dimensions": 0}, "invalid_value", "dimensions"),
        ({"dimensions": "many"}, "invalid_value", "dimensions"),
        ({"encoding_format": "hex"}, "invalid_value", "encoding_format"),
        ({"model": ""}, "invalid_value", "model"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_what_can_not_be(sdk: Sdk, gigachat: Gigachat, given: dict[str, Any], code: str, param: str) -> None:
    """A 400 that names the field, before GigaChat is asked."""
    with pytest.raises(openai.BadRequestError) as caught:
        embedded(sdk, **{"given": "x"} | {"given" if name == "input" else name: value for name, value in given.items()})
    assert (caught.value.code, caught.value.param) == (code, param)
    assert gigachat.requests("embeddings") == []


@pytest.mark.parametrize(
    ("fault", "kind", "status", "code"),
    [
        ({"kind": "status", "status": 413}, openai.BadRequestError, 400, "context_length_exceeded"),
        ({"kind": "status", "status": 404}, openai.NotFoundError, 404, "model_not_found"),
        ({"kind": "status", "status": 402}, openai.RateLimitError, 429, "insufficient_quota"),
        ({"kind": "status", "status": 429}, openai.RateLimitError, 429, "rate_limit_exceeded"),
        ({"kind": "status", "status": 500}, openai.InternalServerError, 502, "upstream_error"),
        ({"kind": "html_200"}, openai.InternalServerError, 502, "upstream_error"),
        ({"kind": "cut"}, openai.InternalServerError, 502, "upstream_error"),
    ],
)
def test_gigachats_failures(
    sdk: Sdk, gigachat: Gigachat, fault: dict[str, Any], kind: type[Exception], status: int, code: str
) -> None:
    """The table of errors holds for embeddings too."""
    gigachat.fault(**fault, where="embeddings")
    with pytest.raises(openai.APIStatusError) as caught:
        embedded(sdk, [f"text {number}" for number in range(45)])
    assert (type(caught.value), caught.value.status_code, caught.value.code) == (kind, status, code)


def test_a_text_that_is_too_long_for_the_model(sdk: Sdk) -> None:
    """One such text in a late batch is the client's error, and no half of an answer."""
    with pytest.raises(openai.BadRequestError) as caught:
        embedded(sdk, ["x"] * 44 + ["слово " * 1000])
    assert caught.value.code == "context_length_exceeded"
