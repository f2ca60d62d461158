"""The top level of a chat request, and `response_format`: each row of the tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from app.sandbox.rules import FIELDS, FORMAT_RULES

# row, a value that it refuses
REFUSED: list[tuple[str, Any]] = [
    ("model", ""),
    ("model", None),
    ("model", 1),
    ("messages", []),
    ("messages", None),
    ("messages", "Привет"),
    ("temperature", 0),
    ("temperature", -1),
    ("temperature", "1"),
    ("temperature", True),
    ("top_p", -0.1),
    ("top_p", 1.1),
    ("top_p", "1"),
    ("max_tokens", 0),
    ("max_tokens", 1.5),
    ("max_tokens", True),
    ("repetition_penalty", 0),
    ("stream", 1),
    ("stream", None),
    ("update_interval", -1),
    ("update_interval", None),
    ("functions", {}),
    ("response_format", "text"),
    ("reasoning_effort", "xhigh"),
    ("reasoning_effort", None),
    ("n", 0),
    ("profanity_check", "no"),
    ("flags", "one"),
    ("flags", [1]),
    ("function_ranker", True),
    ("function_ranker", {"enabled": 1}),
    ("function_ranker", {"top_n": 0}),
]

ACCEPTED: list[dict[str, Any]] = [
    {"temperature": None, "top_p": None, "max_tokens": None, "repetition_penalty": None, "functions": None},
    {"temperature": 0.0001, "top_p": 0, "max_tokens": 1, "repetition_penalty": 1},
    {"stream": False, "update_interval": 0, "functions": [], "reasoning_effort": "low", "n": 2},
    {"profanity_check": False, "flags": ["one"], "function_ranker": {"enabled": True, "top_n": 2}, "storage": {}},
    {"response_format": {"type": "text"}},
    {"response_format": {"type": "json_schema", "schema": {"type": "object"}, "strict": True}},
]

# row, `response_format`, message
FORMATS: list[tuple[str, dict[str, Any], str]] = [
    ("type", {"type": "json_object"}, 'Unknown type "json_object" in response_format'),
    ("type", {"type": "regex", "regex": "a"}, 'Unknown type "regex" in response_format'),
    ("type", {}, 'Unknown type "" in response_format'),
    ("schema", {"type": "json_schema"}, "Empty schema with json format type is not supported"),
    ("schema", {"type": "json_schema", "schema": {}}, "Empty schema with json format type is not supported"),
    (
        "schema",
        {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}},
        "Empty schema with json format type is not supported",
    ),
]

Ask = Callable[..., dict[str, Any]]


async def _refusal(session: aiohttp.ClientSession, body: Any) -> dict[str, Any]:
    async with session.post("/v1/chat/completions", json=body) as response:
        answer: dict[str, Any] = await response.json()
        assert answer.get("status", 200) == response.status
        return answer


@pytest.mark.parametrize(("name", "value"), REFUSED)
async def test_refused(session: aiohttp.ClientSession, ask: Ask, name: str, value: Any) -> None:
    """A value outside its row is a 422 that names the key."""
    (row,) = [field for field in FIELDS if field.name == name]
    assert await _refusal(session, {**ask(), name: value}) == {
        "status": 422,
        "message": f"Invalid params: {name} {row.demand}",
    }


@pytest.mark.parametrize("name", ["model", "messages"])
async def test_required(session: aiohttp.ClientSession, ask: Ask, name: str) -> None:
    """Model and messages can't be left out."""
    body = ask()
    del body[name]
    assert (await _refusal(session, body))["status"] == 422


@pytest.mark.parametrize("more", ACCEPTED)
async def test_accepted(session: aiohttp.ClientSession, ask: Ask, more: dict[str, Any]) -> None:
    """What the rows allow is answered."""
    assert "choices" in await _refusal(session, ask(**more))


async def test_documented_sentence(session: aiohttp.ClientSession, ask: Ask) -> None:
    """The sentence for the penalty is the documented one."""
    answer = await _refusal(session, ask(repetition_penalty=-1))
    assert answer["message"] == "Invalid params: repetition_penalty must be in range (0, +inf)"


@pytest.mark.parametrize(("row", "wanted", "message"), FORMATS)
async def test_formats(
    session: aiohttp.ClientSession, ask: Ask, row: str, wanted: dict[str, Any], message: str
) -> None:
    """A format that v1 does not know, or a schema that is not where v1 looks for it, is a 400."""
    assert await _refusal(session, ask(response_format=wanted)) == {"status": 400, "message": message}


async def test_strict_is_a_boolean(session: aiohttp.ClientSession, ask: Ask) -> None:
    """`strict` of another type is refused."""
    wanted = {"type": "json_schema", "schema": {"type": "object"}, "strict": "yes"}
    assert (await _refusal(session, ask(response_format=wanted)))["status"] == 422


def test_each_row_has_a_case() -> None:
    """No row of the tables is untested."""
    assert {case[0] for case in REFUSED} == {field.name for field in FIELDS}
    assert {case[0] for case in FORMATS} == {rule.name for rule in FORMAT_RULES}
    assert all(row.source for row in (*FIELDS, *FORMAT_RULES))
