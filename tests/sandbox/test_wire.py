"""Replies and refusals as GigaChat frames them."""

from __future__ import annotations

import pytest

from app.sandbox.wire import Refused, page, phrase, refusal, reply


def test_json_is_compact_utf8() -> None:
    """No spaces, Cyrillic unescaped, the charset told."""
    response = reply({"ключ": [1, 2]})
    assert response.body == '{"ключ":[1,2]}'.encode()
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"


def test_not_found_ends_in_a_newline() -> None:
    """As recorded."""
    assert refusal(404).body == b'{"status":404,"message":"No such model"}\n'


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (402, "Payment Required"),
        (422, "Invalid params: refused by the sandbox"),
        (502, "Bad Gateway"),
        (599, "Unknown"),
    ],
)
def test_phrases(status: int, message: str) -> None:
    """Each status has words: the documented ones, else HTTP's, else none that mean anything."""
    assert phrase(status) == Refused(status).message == message


def test_page_of_nginx() -> None:
    """The page of a proxy in front."""
    response = page(502)
    assert response.status == 502
    assert response.text is not None
    assert response.text.startswith("<html>\r\n<head><title>502 Bad Gateway</title></head>")
