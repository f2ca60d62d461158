"""Pointers into a document."""

from __future__ import annotations

from typing import Any

import pytest

from app.translate.schemas.references import References

DOCUMENT: dict[str, Any] = {
    "$defs": {"A": {"type": "string"}, "a/b": {}, "c~d": {}, "e%f": {}, "g h": {}, "yes": True, "n": 1, "": {}},
    "items": [{"type": "integer"}],
}
DEFS = DOCUMENT["$defs"]


@pytest.mark.parametrize(
    ("reference", "target"),
    [
        ("#", DOCUMENT),
        ("#/$defs/A", DEFS["A"]),
        ("#/$defs/a~1b", DEFS["a/b"]),
        ("#/$defs/c~0d", DEFS["c~d"]),
        ("#/$defs/e%25f", DEFS["e%f"]),
        ("#/$defs/g%20h", DEFS["g h"]),
        ("#/%24defs/A", DEFS["A"]),
        ("#/$defs/", DEFS[""]),
        ("#/$defs/yes", True),
        ("#/items/0", DOCUMENT["items"][0]),
    ],
)
def test_found(reference: str, target: Any) -> None:
    """Escapes of pointers and of URLs are undone."""
    assert References(DOCUMENT).target(reference) is target


@pytest.mark.parametrize(
    "reference",
    [
        *("", "#A", "#/$defs/B", "#/$defs/n", "#/$defs/A/type/x", "#/items/1", "#/items/-1", "#/items/²", "#/items/x"),
        *("https://a.example/s", "other.json#/a", "#/items/" + "9" * 5000),
    ],
)
def test_nowhere(reference: str) -> None:
    """What leads nowhere, or out of the document, has no target."""
    assert References(DOCUMENT).target(reference) is None
