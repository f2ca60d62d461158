"""Calls that a model wrote as text: they are the calls, and all that only looks like one is text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from openai import AsyncOpenAI

from app.sandbox import server
from tests.regressions.parsed import ACT, CALL, LOOK, calls, completion
from tests.running import Running
from tests.watching import ask, asking, counted, saying, told

both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@pytest.fixture
async def client(gateway: Running) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's package in front of the gateway."""
    async with AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="k", max_retries=0) as client:
        yield client


FORMS = ["invoke", "cyrillic", "arabic", "json", "mark"]


@both
@pytest.mark.parametrize("phrase", ["", "Минуту.\n"], ids=["alone", "after a phrase"])
@pytest.mark.parametrize("form", FORMS)
async def test_a_leaked_call_is_the_call(
    form: str, phrase: str, stream: bool, sandbox: server.Running, client: AsyncOpenAI
) -> None:
    """With the values in the schema's types, and nothing of the markup in the text."""
    if phrase:
        sandbox.state.faults.add("call_after_text", "chat", text=phrase)
    sandbox.state.faults.add("call_leaked", "chat", form=form)
    body = asking('sandbox:call look {"where": "вверх", "times": 2}', tools=[LOOK, ACT])
    made = await completion(client, body, stream)
    (choice,) = made.choices
    assert choice.finish_reason == "tool_calls"
    assert calls(made) == [("look", {"where": "вверх", "times": 2})]
    assert (choice.message.content or "").strip() == phrase.strip()


async def test_leaked_calls_are_told_and_counted(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """In the header, the log and the metrics."""
    caplog.set_level("INFO", "gpt2giga")
    family = "gpt2giga_proxy_leaked_calls_total"
    before = await counted(http, gateway, family, "model")
    sandbox.state.faults.add("call_leaked", "chat", finish="function_call")
    reply = await ask(http, gateway, asking(CALL, tools=[LOOK]))
    assert reply.headers["x-gateway-adapted"] == "text->call"
    assert (await told(caplog))["leaked_calls"] == 1
    assert sum((await counted(http, gateway, family, "model") - before).values()) == 1


LEAK = '<tool_calls><invoke name="look"><parameter name="where">up</parameter></invoke></tool_calls>'
TEXTS: dict[str, tuple[str, dict[str, Any]]] = {
    "in a fence": (f"```xml\n{LEAK}\n```", {}),
    "before other text": (f"{LEAK} was what I meant.", {}),
    "of no tool": (LEAK.replace("look", "sleep"), {}),
    "without what is required": (LEAK.replace("where", "why"), {}),
    "where no call is wanted": (LEAK, {"tool_choice": "none"}),
    "where another is forced": (LEAK, {"tools": [ACT]}),
    "markup": ("<div class='a'><b>x</b></div> a < b", {}),
}


@both
@pytest.mark.parametrize(("text", "more"), TEXTS.values(), ids=TEXTS)
async def test_all_else_stays_text(text: str, more: dict[str, Any], stream: bool, client: AsyncOpenAI) -> None:
    """Word for word."""
    (choice,) = (await completion(client, saying(text, **{"tools": [LOOK, ACT], **more}), stream)).choices
    assert (choice.message.content, choice.finish_reason) == (text, "stop")
    assert not choice.message.tool_calls
