"""One choice: the answer that stands where several ways of asking bring none that was wanted."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from app.sandbox import server
from tests.running import Running
from tests.watching import ask, saying, told, tool

TOOLS = [tool("look"), tool("act")]
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@both
@pytest.mark.parametrize(
    ("fault", "parameters"),
    [("call_unfit", {}), ("call_unfit", {"arguments": {"name": "no_such"}}), ("call_broken", {}), ("call_error", {})],
)
async def test_the_first_answer_is_better_than_an_error(
    fault: str,
    parameters: dict[str, Any],
    stream: bool,
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A choice of no function, or one that can't be read: the words that came stand, and what was paid is counted."""
    caplog.set_level("INFO", "gpt2giga")
    sandbox.state.faults.add(fault, "chat", **parameters)
    body = saying("nothing to do", tools=TOOLS, tool_choice="required", stream=stream)
    body["stream_options"] = {"include_usage": True} if stream else None
    reply = await ask(http, gateway, body)
    assert (reply.status, reply.content) == (200, "nothing to do")
    assert reply.choices[0]["finish_reason"] == "stop"
    assert len(sandbox.state.requests.of("chat")) == 2
    usage = reply.events[-2]["usage"] if stream else reply.json["usage"]
    line = await told(caplog)
    assert (line["finish"], line["prompt_tokens"] >= usage["prompt_tokens"]) == ("stop", True)
