"""GigaChat's list of models, read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.translate.dialogue import Model
from app.translate.gigachat import models
from tests.translate.samples import sample


def test_the_list_is_read() -> None:
    """Name, owner and GigaChat's own word for the kind."""
    found = models.read(sample("models_list.json"))
    assert found[0] == Model("GigaChat", "salutedevices", "chat")
    assert [(model.id, model.kind) for model in found[2:]] == [("GigaFilter", "filter"), ("Embeddings", "embedder")]


ODD: list[tuple[Any, list[Model]]] = [
    ({"data": [{"id": "A"}]}, [Model("A", "", None)]),
    ({"data": [{"id": "A", "owned_by": None, "type": 5}]}, [Model("A", "", None)]),
    ({"data": [5, {}, {"id": None}, {"id": 5}, {"id": "A"}]}, [Model("A", "", None)]),
    ({"data": None}, []),
    ({"data": 5}, []),
    ({}, []),
    ([], []),
    (None, []),
    ("x", []),
]


@pytest.mark.parametrize(("body", "expected"), ODD)
def test_the_unreadable_is_no_model(body: Any, expected: list[Model]) -> None:
    """One bad item hides no good one, and a bad list is empty."""
    assert models.read(json.dumps(body).encode()) == expected


def test_no_json_is_no_model() -> None:
    """A page of a proxy lists nothing."""
    assert models.read(b"<html>") == []
