"""GigaChat's embeddings: batches out, vectors in order back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.translate.gigachat import embeddings
from app.translate.gigachat.contract import UnreadableError
from tests.translate.samples import sample


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (20, [20]), (21, [20, 1]), (45, [20, 20, 5])])
def test_texts_go_in_batches(count: int, sizes: list[int]) -> None:
    """Twenty at a time, in order, none lost."""
    texts = [str(number) for number in range(count)]
    batches = list(embeddings.split_batches(texts))
    assert [len(batch) for batch in batches] == sizes
    assert [text for batch in batches for text in batch] == texts


def test_a_batch_is_written() -> None:
    """Model and texts, nothing else: v1 knows no more."""
    assert embeddings.write("Embeddings", ["а"]) == {"model": "Embeddings", "input": ["а"]}


def test_vectors_come_in_the_order_of_their_texts() -> None:
    """Sorted by index; usage is summed over the items."""
    found = embeddings.read(sample("embeddings_two.json"), 2)
    assert (found.model, found.vectors, found.tokens) == ("Embeddings", [[3.0, 4.0, 0.0], [0.25, -1.5, 2.0]], 13)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (None, 0),
        ({}, 0),
        ({"prompt_tokens": None}, 0),
        ({"prompt_tokens": "7"}, 7),
        ({"prompt_tokens": 1e308}, 2**53 - 1),
    ],
)
def test_usage_is_read_leniently(usage: Any, tokens: int) -> None:
    """A missing or odd count costs no answer."""
    item = {"index": 0, "embedding": [1], "usage": usage}
    assert embeddings.read(json.dumps({"data": [item], "model": 5}).encode(), 1).tokens == tokens


UNREADABLE: list[Any] = [
    None,
    [],
    {},
    {"data": None},
    {"data": {}},
    {"data": []},
    {"data": [5]},
    {"data": [{"embedding": [1.0]}]},
    {"data": [{"index": 0}]},
    {"data": [{"index": 0, "embedding": []}]},
    {"data": [{"index": 0, "embedding": "AA=="}]},
    {"data": [{"index": 0, "embedding": ["1"]}]},
    {"data": [{"index": 0, "embedding": [None]}]},
    {"data": [{"index": 0, "embedding": [[1.0]]}]},
    {"data": [{"index": 1, "embedding": [1.0]}]},
    {"data": [{"index": "0", "embedding": [1.0]}]},
    {"data": [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}]},
    {"data": [{"index": 0, "embedding": [1.0], "usage": 5}]},
]


@pytest.mark.parametrize("body", UNREADABLE)
def test_what_is_not_one_vector_for_each_text_is_refused(body: Any) -> None:
    """Vectors that can't be told apart, or are none, never reach a client."""
    with pytest.raises(UnreadableError):
        embeddings.read(json.dumps(body).encode(), 1)


def test_no_json_is_refused() -> None:
    """A page of a proxy is no answer."""
    with pytest.raises(UnreadableError):
        embeddings.read(b"<html>", 1)
