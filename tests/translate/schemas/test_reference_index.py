"""What a document's references may name."""

from __future__ import annotations

from typing import Any

import pytest

from app.translate.schemas.reference_index import index_references, join_uris

INNER: dict[str, Any] = {"$id": "inner", "properties": {"a": {"$ref": "#/x"}}}
DOCUMENT: dict[str, Any] = {"$id": "root", "properties": {"a": INNER, "b": {"$ref": "inner"}}}


def test_a_schema_with_an_id_is_a_home() -> None:
    """Pointers inside of it begin there; all others at the root."""
    index = index_references(DOCUMENT)
    assert index.find_home(INNER["properties"]["a"]).place.value is INNER
    assert index.find_home(DOCUMENT["properties"]["b"]) is index.root
    assert (index.has_references, index.has_names) == (True, True)


@pytest.mark.parametrize("document", [{}, {"$id": "a", "type": "object"}, {"default": {"$ref": "#", "$id": "b"}}])
def test_a_document_without_names(document: dict[str, Any]) -> None:
    """Its own name is none that a pointer could begin at, and values have none."""
    index = index_references(document)
    assert (index.has_references, index.has_names) == (False, False)


def test_no_uri_is_too_odd() -> None:
    """It stays as it is."""
    assert join_uris("https://a.example/b", "c") == "https://a.example/c"
    assert join_uris("https://a.example", "https://[") == "https://["
