"""What protocols call the parts of a request."""

from __future__ import annotations

from dataclasses import fields

from app.translate.dialogue import EmbeddingsRequest, Request, Sampling
from app.translate.field_names import FieldNames


def test_without_a_client_parts_have_the_dialogues_names() -> None:
    """No protocol's words are the default, and each name is another one."""
    assert Request("m", [], Sampling()).fields == EmbeddingsRequest("m", []).fields == FieldNames()
    names = [getattr(FieldNames(), field.name) for field in fields(FieldNames)]
    assert [name.rpartition(".")[2] for name in names] == [field.name for field in fields(FieldNames)]
    assert len({*names}) == len(names)
