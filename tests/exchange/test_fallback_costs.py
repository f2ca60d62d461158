"""What a fallback costs where several choices are asked for: it is paid once."""

from __future__ import annotations

import aiohttp
import pytest

from app.sandbox import server
from tests.running import GatewayStarter
from tests.watching import ask, saying

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", ["format_refused", "ignore_format"])
async def test_the_choices_after_a_fallback_begin_with_it(
    fault: str, stream: bool, sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Three choices of a model that refuses the format, or ignores it: four questions, not six."""
    gateway = await start_gateway()
    sandbox.state.faults.add(fault, "chat", times=None)
    reply = await ask(http, gateway, saying("x", n=3, response_format=FORMAT, stream=stream))
    assert (reply.status, len(reply.choices)) == (200, 3)
    bodies = [one.body for one in sandbox.state.requests.of("chat")]
    assert ["response_format" in body for body in bodies] == [True, False, False, False]
    assert reply.headers["x-gateway-adapted"] == "response_format->function"
