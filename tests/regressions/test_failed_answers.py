"""Answers that fail before they can be judged: the failure is what they are, and nothing is paid a second time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from app.sandbox import server
from tests.regressions.parsed import ACT, LOOK, chats, completion
from tests.running import Running
from tests.watching import asking, saying

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "reply", "schema": SCHEMA, "strict": True}}


@pytest.fixture
async def client(gateway: Running) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's package in front of the gateway."""
    async with AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="k", max_retries=0) as client:
        yield client


GIVEN_UP: dict[str, dict[str, Any]] = {
    "a format": {"response_format": FORMAT},
    "any object": {"response_format": {"type": "json_object"}},
    "a format and tools": {"response_format": FORMAT, "tools": [LOOK]},
    "a required call": {"tools": [LOOK, ACT], "tool_choice": "required"},
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("finish", ["error", "function_call"])
@pytest.mark.parametrize("more", GIVEN_UP.values(), ids=GIVEN_UP)
async def test_a_failed_answer_is_not_judged(
    more: dict[str, Any], finish: str, stream: bool, sandbox: server.Running, client: AsyncOpenAI
) -> None:
    """Words before the failure are no prose: nothing is paid a second time, and the failure is a real status."""
    with pytest.raises(openai.InternalServerError) as failed:
        await completion(client, asking(f"sandbox:finish {finish}\nsandbox:say Минуту.", **more), stream)
    assert (failed.value.status_code, failed.value.code) == (502, "upstream_generation_error")
    assert len(chats(sandbox)) == 1


@pytest.mark.parametrize("more", GIVEN_UP.values(), ids=GIVEN_UP)
async def test_a_stream_that_is_cut_before_it_is_judged(
    more: dict[str, Any], sandbox: server.Running, client: AsyncOpenAI
) -> None:
    """The same; and a second one in a row is not remembered as prose."""
    for number in (1, 2):
        sandbox.state.faults.add("end", "chat", after=1)
        with pytest.raises(openai.InternalServerError) as failed:
            await completion(client, saying("Минуту, я сейчас отвечу.", **more), stream=True)
        assert (failed.value.status_code, failed.value.code) == (502, "upstream_error")
        assert len(chats(sandbox)) == number
    assert chats(sandbox)[0] == chats(sandbox)[1]
