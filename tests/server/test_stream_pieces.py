"""`X-Stream-Coalesce-Ms`: a stream in fewer, longer pieces, for whoever edits a message with each."""

from __future__ import annotations

import aiohttp
import pytest

from app.sandbox import server
from tests.running import Running
from tests.watching import ask, asking


@pytest.mark.parametrize(
    ("given", "expected"), [({}, 0.7), ({"update_interval": 2}, 2)], ids=["the header", "the field"]
)
async def test_a_stream_in_longer_pieces(
    given: dict[str, int],
    expected: float,
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
) -> None:
    """GigaChat itself makes them longer; a field of the body says more than a header. A whole answer has no pieces."""
    headers = {"X-Stream-Coalesce-Ms": "700"}
    for stream in (True, False):
        body = {**asking("sandbox:long 5", stream=stream), **given}
        assert (await ask(http, gateway, body, headers=headers)).status == 200
    streamed, whole = sandbox.state.requests.of("chat")
    assert streamed.body["update_interval"] == expected
    assert whole.body.get("update_interval") == given.get("update_interval")


@pytest.mark.parametrize("told", ["0", "-5", "0.7", "60001", "soon", "9" * 5000])
async def test_a_wrong_pause_is_refused(told: str, gateway: Running, http: aiohttp.ClientSession) -> None:
    """A mistake must not be taken for none."""
    reply = await ask(http, gateway, asking("x", stream=True), headers={"X-Stream-Coalesce-Ms": told})
    assert (reply.status, reply.error["param"]) == (400, "X-Stream-Coalesce-Ms")
