"""Embeddings as LangChain asks for them: texts, and the token ids that it makes of them by default."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.clients.sdk import KEY, Gigachat
from tests.running import Process

langchain_openai: Any = pytest.importorskip("langchain_openai")
tiktoken: Any = pytest.importorskip("tiktoken")

pytestmark = pytest.mark.heavy

TEXTS = ["Привет", "Hello", "Привет"]


def embeddings(served: Process, **more: Any) -> Any:
    """The embeddings model as its users make it, but for retries."""
    given = {"model": "Embeddings", "base_url": f"{served.url}/v1", "api_key": KEY, "max_retries": 0}
    return langchain_openai.OpenAIEmbeddings(**{**given, **more})


async def test_texts(served: Process, gigachat: Gigachat) -> None:
    """With `check_embedding_ctx_length=False` the texts go as they are, and each vector is its text's."""
    model = embeddings(served, check_embedding_ctx_length=False)
    vectors = model.embed_documents(TEXTS)
    assert [len(vector) for vector in vectors] == [1024] * 3
    assert vectors[0] == vectors[2] == model.embed_query("Привет") != vectors[1]
    try:
        assert await model.aembed_documents(TEXTS) == vectors
    finally:
        await model.async_client._client.close()
    sent = [request["body"]["input"] for request in gigachat.requests("embeddings")]
    assert sent == [TEXTS, ["Привет"], TEXTS]


def test_fewer_dimensions(served: Process) -> None:
    """A vector is as short as it is asked to be."""
    model = embeddings(served, check_embedding_ctx_length=False, dimensions=256)
    assert len(model.embed_query("Привет")) == 256


def test_token_ids(served: Process, gigachat: Gigachat, monkeypatch: pytest.MonkeyPatch) -> None:
    """What LangChain does unless told: the ids mean nothing to GigaChat, and the 400 says which field has them."""
    # An encoding of bytes stands in for the one that tiktoken would download.
    ranks = {bytes([number]): number for number in range(256)}
    encoding = tiktoken.Encoding("bytes", pat_str=r"(?s).+", mergeable_ranks=ranks, special_tokens={})
    monkeypatch.setattr(tiktoken, "encoding_for_model", lambda name: encoding)
    with pytest.raises(openai.BadRequestError) as caught:
        embeddings(served).embed_query("Hi")
    assert caught.value.param == "input"
    assert "token" in caught.value.message
    assert gigachat.requests("embeddings") == []


def test_a_wrong_key(served: Process) -> None:
    """OpenAI's own error."""
    model = embeddings(served, api_key="sk-wrong", check_embedding_ctx_length=False)
    with pytest.raises(openai.AuthenticationError):
        model.embed_query("x")
