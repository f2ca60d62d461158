"""The messages of a chat request: each row of the table."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from app.sandbox.history import RULES

USER = {"role": "user", "content": "Погода?"}
CALL = {"role": "assistant", "content": "", "function_call": {"name": "weather", "arguments": {"city": "Омск"}}}
RESULT = {"role": "function", "name": "weather", "content": '{"t": 20}'}
STATE = "b02a1bbd-3e2e-4bd0-8d4b-5d1f3e5a5d11"

REFUSED: list[tuple[str, list[Any]]] = [
    ("object", ["Привет"]),
    ("role", [{"content": "a"}]),
    ("role", [{"role": "tool", "content": "a"}]),
    ("role", [{"role": "developer", "content": "a"}]),
    ("role", [{"role": ["user"], "content": "a"}]),
    ("system first", [USER, {"role": "system", "content": "a"}]),
    ("system first", [{"role": "system", "content": "a"}, {"role": "system", "content": "b"}, USER]),
    ("content", [{"role": "user"}]),
    ("content", [{"role": "user", "content": [{"type": "text", "text": "a"}]}]),
    ("content", [USER, {**CALL, "content": None}, RESULT]),
    ("content", [{"role": "user", "attachments": [STATE]}]),
    ("content", [{"role": "user", "attachments": [STATE], "content": None}]),
    ("result's name", [USER, CALL, {"role": "function", "content": "{}"}]),
    ("result's name", [USER, CALL, {**RESULT, "name": ""}]),
    ("result", [USER, CALL, {**RESULT, "content": "двадцать"}]),
    ("arguments", [USER, {**CALL, "function_call": {"name": "weather", "arguments": "{}"}}, RESULT]),
    ("call", [USER, {**CALL, "function_call": {"name": "weather"}}, RESULT]),
    ("call", [USER, {**CALL, "function_call": {"arguments": {}}}, RESULT]),
    ("call", [USER, {**CALL, "function_call": None}, RESULT]),
    ("state id", [USER, {**CALL, "functions_state_id": 1}, RESULT]),
    ("state id", [USER, {**CALL, "functions_state_id": STATE.replace("-", "")}, RESULT]),
    ("state id", [USER, {**CALL, "functions_state_id": f"call_{STATE}"}, RESULT]),
    ("attachments", [{**USER, "attachments": "id"}]),
    ("attachments", [{**USER, "attachments": [1]}]),
    ("attachments", [{**USER, "attachments": None}]),
    ("attachments", [{**USER, "attachments": {}}]),
    ("attachments' role", [{"role": "system", "content": "a", "attachments": [STATE]}, USER]),
    ("attachments' role", [USER, {"role": "assistant", "content": "a", "attachments": []}]),
    ("attachments' role", [USER, CALL, {**RESULT, "attachments": [STATE]}]),
    ("call without result", [USER, CALL]),
    ("call without result", [USER, CALL, USER]),
    ("call without result", [USER, {"role": "assistant", "content": "", "functions_state_id": STATE}, USER]),
    ("call without result", [USER, CALL, "message"]),
    ("result without call", [RESULT]),
    ("result without call", [USER, CALL, RESULT, RESULT]),
]

ACCEPTED: list[list[dict[str, Any]]] = [
    [{"role": "system", "content": "Правила"}],
    [{"role": "system", "content": "Правила"}, USER, USER, {"role": "assistant", "content": "a"}],
    [USER, CALL, RESULT],
    [USER, CALL, RESULT, CALL, RESULT, {"role": "assistant", "content": "20"}, USER],
    [USER, {**CALL, "functions_state_id": STATE}, {**RESULT, "content": "20"}],
    [{**USER, "attachments": [], "content": ""}],
]


async def _answer(session: aiohttp.ClientSession, messages: list[Any]) -> tuple[int, dict[str, Any]]:
    async with session.post("/v1/chat/completions", json={"model": "GigaChat", "messages": messages}) as response:
        return response.status, await response.json()


@pytest.mark.parametrize(("name", "messages"), REFUSED)
async def test_refused(session: aiohttp.ClientSession, name: str, messages: list[Any]) -> None:
    """A history that breaks a row is refused with that row's status and message."""
    (row,) = [rule for rule in RULES if rule.name == name]
    assert await _answer(session, messages) == (row.status, {"status": row.status, "message": row.message})


@pytest.mark.parametrize("messages", ACCEPTED)
async def test_accepted(session: aiohttp.ClientSession, messages: list[Any]) -> None:
    """Histories that the page describes are answered."""
    assert (await _answer(session, messages))[0] == 200


def test_documented_sentences() -> None:
    """The sentences that the page quotes are word for word the same."""
    messages = {rule.name: rule.message for rule in RULES}
    assert messages["system first"] == "Invalid params: system message must be the first message"
    assert (
        messages["call without result"] == "Invalid params: every assistant function call must have a result in history"
    )
    assert messages["arguments"] == "Your request contains invalid JSON syntax."


def test_each_row_has_a_case() -> None:
    """No row of the table is untested."""
    assert {case[0] for case in REFUSED} == {rule.name for rule in RULES}
    assert all(rule.source for rule in RULES)
