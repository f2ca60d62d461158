"""Long texts are cut where no reader of lines stops."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import client_json
from app.translate.text_pieces import MAX_BYTES, SHORT, cut
from tests.examples import examples

# text, how many pieces
TEXTS: list[tuple[str, int]] = [
    ("", 1),
    ("a", 1),
    ("🚀" * SHORT, 1),
    ("a" * MAX_BYTES, 1),
    ("a" * (MAX_BYTES + 1), 2),
    ("х" * (MAX_BYTES // 2), 1),
    ("a" + "х" * (MAX_BYTES // 2), 2),
    ("ab" + "🚀" * SHORT * 2, 3),
    ("\x01" * 3 * MAX_BYTES, 3),
]


@pytest.mark.parametrize(("text", "count"), TEXTS)
def test_a_piece_is_short_in_bytes(text: str, count: int) -> None:
    """And as a string of JSON it still leaves room in a line of 64 KB."""
    pieces = list(cut(text))
    assert "".join(pieces) == text
    assert len(pieces) == count
    assert all(len(piece.encode()) <= MAX_BYTES for piece in pieces)
    assert all(len(client_json.dumps_text(piece)) <= 6 * MAX_BYTES + 2 for piece in pieces)


@examples(max_examples=50)
@given(st.lists(st.sampled_from(["a", "х", "—", "🚀", "\u2028", '"', "\x01"]), max_size=4), st.integers(1, 9000))
def test_any_text_comes_back(parts: list[str], times: int) -> None:
    """No character is lost or halved, arguments in JSON among them."""
    text = json.dumps({"a": "".join(parts) * times}, ensure_ascii=False)
    assert "".join(cut(text)) == text
