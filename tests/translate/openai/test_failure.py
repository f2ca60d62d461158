"""OpenAI's envelope of errors."""

from __future__ import annotations

import json

import pytest

from app import errors
from app.errors import GatewayError, Row
from app.translate.openai.failure import envelope


@pytest.mark.parametrize("row", errors.ROWS, ids=lambda row: row.code)
def test_the_envelope_has_what_sdks_read(row: Row) -> None:
    """Message, type, param and code, all four always there."""
    body = json.loads(envelope(GatewayError(row, "Что делать", param="messages[0]")))
    assert body == {"error": {"message": "Что делать", "type": row.type, "param": "messages[0]", "code": row.code}}


def test_the_envelope_is_one_line_of_utf8() -> None:
    """It may stand in an event as it is, and Cyrillic is not escaped."""
    data = envelope(GatewayError(errors.INTERNAL_ERROR, "Ошибка\r\n\r\ndata: [DONE]"))
    assert b"\n" not in data
    assert b"\r" not in data
    assert "Ошибка" in data.decode()
    assert json.loads(data)["error"]["param"] is None
