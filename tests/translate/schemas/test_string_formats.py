"""Formats of strings."""

from __future__ import annotations

import pytest

from app.translate.schemas.string_formats import write_format


@pytest.mark.parametrize(
    ("kind", "name", "written"),
    [
        ("string", "date", {"format": "date"}),
        ("string", "uri", {"description": "(format: uri)"}),
        ("integer", "int32", {}),
    ],
)
def test_written_formats(kind: str, name: str, written: dict[str, str]) -> None:
    """A known format stays one, another goes into the description, and a number's is left out."""
    schema = {"type": kind}
    assert write_format(schema, name) is ("format" in written)
    assert schema == {"type": kind, **written}
