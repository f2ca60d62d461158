"""What is read of odd JSON."""

from __future__ import annotations

from app.translate.gigachat import lenient_json


def test_what_is_no_json_is_nothing() -> None:
    """Halves of characters are taken, the rest is not."""
    assert lenient_json.parse(b'{"a": "\\ud83d"}') == {"a": "\ud83d"}
    assert lenient_json.parse(b"<html>") is None
    assert lenient_json.parse(b"[" * 100_000) is None
    assert [lenient_json.read_text(value) for value in ("\ud83d", 5)] == ["\ufffd", ""]
    assert [lenient_json.read_count(value) for value in ("x", -1)] == [0, 0]
