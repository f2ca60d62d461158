"""The types in the middle."""

from __future__ import annotations

import dataclasses

import pytest

from app.translate import dialogue
from app.translate.dialogue import Vectors

TYPES = [value for value in vars(dialogue).values() if isinstance(value, type) and dataclasses.is_dataclass(value)]


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_types_are_slotted(kind: type) -> None:
    """One is made for every delta and every turn: no dictionary each."""
    assert "__slots__" in vars(kind)


def test_batches_of_vectors_are_joined() -> None:
    """In order, tokens summed, under the later batch's name for the model."""
    joined = Vectors("asked", [[1.0]], 1).joined(Vectors("Embeddings", [[2.0], [3.0]], 4))
    assert joined == Vectors("Embeddings", [[1.0], [2.0], [3.0]], 5)
