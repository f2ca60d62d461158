"""What a model, a server or a fault does not take of a valid request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from app.sandbox.server import Running
from app.sandbox.speech import NO_FUNCTIONS, UNKNOWN_STATE
from app.sandbox.state import SandboxSettings
from tests.sandbox.calling import FUNCTIONS, after, message, refusal

Ask = Callable[..., dict[str, Any]]

FOREIGN = "b02a1bbd-3e2e-4bd0-8d4b-5d1f3e5a5d11"


@pytest.mark.parametrize("settings", [SandboxSettings(no_functions=("GigaChat",))])
async def test_model_without_functions(session: aiohttp.ClientSession, ask: Ask) -> None:
    """The documented refusal, for functions and for a forced one; the other models, and plain text, are served."""
    assert NO_FUNCTIONS == "Requested model does not support functions"
    assert await refusal(session, ask(functions=FUNCTIONS)) == (422, NO_FUNCTIONS)
    assert await refusal(session, ask(function_call={"name": "text2image"})) == (422, NO_FUNCTIONS)
    assert await refusal(session, ask(functions=FUNCTIONS, model="GigaChat-2")) == (200, "")
    assert await refusal(session, ask(functions=[])) == (200, "")


@pytest.mark.parametrize(("settings", "status"), [(SandboxSettings(), 200), (SandboxSettings(known_states=True), 422)])
async def test_states(session: aiohttp.ClientSession, ask: Ask, status: int) -> None:
    """A state that came from here may come back; any other UUID only where the server is not strict about it."""
    body = ask("get_weather", functions=FUNCTIONS)
    call = await message(session, body)
    assert await refusal(session, after(body, call)) == (200, "")
    foreign = await refusal(session, after(body, {**call, "functions_state_id": FOREIGN}))
    assert foreign == (status, "" if status == 200 else UNKNOWN_STATE)
    del call["functions_state_id"]
    assert await refusal(session, after(body, call)) == (200, "")


async def test_state_refused(running: Running, session: aiohttp.ClientSession, ask: Ask) -> None:
    """The fault waits for a history with a state, and then takes none."""
    running.state.faults.add("state_refused", "chat")
    body = ask("get_weather", functions=FUNCTIONS)
    call = await message(session, body)
    assert await refusal(session, after(body, call)) == (422, UNKNOWN_STATE)
    assert await refusal(session, after(body, call)) == (200, "")


async def test_format_refused(running: Running, session: aiohttp.ClientSession, ask: Ask) -> None:
    """The fault waits for a JSON format; status and words are free."""
    running.state.faults.add("format_refused", "chat")
    running.state.faults.add("format_refused", "chat", status=400, message="нет")
    assert await refusal(session, ask(response_format={"type": "text"})) == (200, "")
    wanted = ask(response_format={"type": "json_schema", "schema": {"type": "object"}})
    assert await refusal(session, wanted) == (422, "Invalid params: response_format is not supported")
    assert await refusal(session, wanted) == (400, "нет")
    assert await refusal(session, wanted) == (200, "")


async def test_reasoning_by_effort(session: aiohttp.ClientSession, ask: Ask) -> None:
    """Any effort makes the model think aloud; without one it does not."""
    for effort in ("low", "medium", "high"):
        assert (await message(session, ask(reasoning_effort=effort)))["reasoning_content"]
    assert "reasoning_content" not in await message(session, ask())
