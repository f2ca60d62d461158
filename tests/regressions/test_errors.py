"""Errors: an envelope that SDKs can read, words that tell no secret, and the status of what really happened.

Each row of the table of errors, with what is counted and logged of it, is in test_error_table.py.
"""

from __future__ import annotations

from typing import Any

import aiohttp
import openai
import pytest

from app.sandbox import server
from tests.running import Running
from tests.watching import ask, asking, called, everything, saying, tool

pytestmark = pytest.mark.long

HI = saying("hi")
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])

# What is wrong -> a change of the request or a status of GigaChat's, the SDK's class, code, type and param.
SEEN: dict[str, tuple[dict[str, Any] | int, type[openai.APIStatusError], tuple[str, str, str | None]]] = {
    "a value": (
        {"temperature": "abc"},
        openai.BadRequestError,
        ("invalid_value", "invalid_request_error", "temperature"),
    ),
    "a model": ({"model": "Nope"}, openai.NotFoundError, ("model_not_found", "invalid_request_error", "model")),
    "429": (429, openai.RateLimitError, ("rate_limit_exceeded", "rate_limit_error", None)),
    "422": (422, openai.BadRequestError, ("upstream_rejected", "invalid_request_error", None)),
    "503": (503, openai.InternalServerError, ("upstream_error", "server_error", None)),
}


@both
@pytest.mark.parametrize(("wrong", "kind", "want"), SEEN.values(), ids=SEEN)
async def test_an_sdk_sees_code_and_type(
    wrong: dict[str, Any] | int,
    kind: type[openai.APIStatusError],
    want: tuple[str, str, str | None],
    stream: bool,
    sandbox: server.Running,
    gateway: Running,
) -> None:
    """`e.code`, `e.type` and `e.param` are there; a body of `{"detail": ...}` would leave them None."""
    if isinstance(wrong, int):
        sandbox.state.faults.add("status", where="chat", times=None, status=wrong)
    change = wrong if isinstance(wrong, dict) else {}
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="k", max_retries=0) as client:
        with pytest.raises(kind) as caught:
            await client.chat.completions.create(**{**HI, "stream": stream, **change})
    assert (caught.value.code, caught.value.type, caught.value.param) == want
    assert caught.value.message


@both
@pytest.mark.parametrize("status", [302, 400, 401, 402, 403, 404, 413, 418, 422, 423, 429, 500, 502, 503, 504])
async def test_an_error_holds_nothing_of_gigachats_url_and_headers(
    status: int,
    stream: bool,
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither message nor headers show where GigaChat is, or a header of its answer, `Set-Cookie` least of all."""
    headers = {"Set-Cookie": "sid=upstream-secret", "X-Inner": "upstream-secret", "Location": "http://upstream-secret/"}
    message = f"see {sandbox.api_url}/chat/completions?key=upstream-secret"
    sandbox.state.faults.add("status", where="chat", times=None, status=status, headers=headers, message=message)
    reply = await ask(http, gateway, {**HI, "stream": stream})
    shown = f"{reply.status} {reply.text} {dict(reply.headers)}"
    for word in ("upstream-secret", "127.0.0.1", "chat/completions", "X-Inner", "X-Sandbox", "Set-Cookie"):
        assert word not in shown
    assert "Traceback" not in everything(caplog)


@both
@pytest.mark.parametrize(("said", "told"), [("7", "7"), ("0", "1"), ("90", "90")])
async def test_retry_after_is_kept(
    said: str, told: str, stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """GigaChat's own time reaches the client, in whole seconds, with a 429 of its own."""
    sandbox.state.faults.add("status", where="chat", times=None, status=429, headers={"Retry-After": said})
    reply = await ask(http, gateway, {**HI, "stream": stream})
    assert (reply.status, reply.headers["Retry-After"], reply.headers["x-should-retry"]) == (429, told, "true")


STATUSES = {500: 502, 501: 502, 502: 502, 503: 502, 504: 502, 507: 502, 520: 502, 599: 502, 429: 429, 404: 404}


@both
@pytest.mark.parametrize("page", [False, True], ids=["JSON", "HTML"])
async def test_no_status_of_gigachats_becomes_a_500(
    page: bool, stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """A 503 is no bug of the gateway's: whatever is wrong at GigaChat is told as GigaChat's."""
    for status, want in STATUSES.items():
        sandbox.state.faults.add("status", where="chat", times=None, status=status, html=page)
        reply = await ask(http, gateway, {**HI, "stream": stream})
        assert reply.status == (502 if page and status == 404 else want), status
        assert reply.error["code"] != "internal_error"
        sandbox.state.faults.clear()


@pytest.mark.parametrize("status", [400, 402, 403, 413, 422, 423, 429, 500, 503])
async def test_a_refused_stream_is_no_200(
    status: int, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """A refusal before the first event is a real status with a JSON body, no event inside a 200."""
    sandbox.state.faults.add("status", where="chat", times=None, status=status)
    whole = await ask(http, gateway, HI)
    streamed = await ask(http, gateway, {**HI, "stream": True})
    assert not streamed.streamed
    assert streamed.status == whole.status >= 400
    assert streamed.error == whole.error


CALL = called("c1", "look", "")
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "a tree"}
NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
RECURSIVE = {"type": "object", "properties": {"root": {"$ref": "#/$defs/Node"}}, "$defs": {"Node": NODE}}
FILE = {"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}
# What once was a 500 -> the request's change, and the field that a 400 names; None: it is answered.
ONCE_500: dict[str, tuple[dict[str, Any], str | None]] = {
    "no model": ({"model": None}, None),
    "messages not a list": ({"messages": {"role": "user", "content": "hi"}}, "messages"),
    "temperature abc": ({"temperature": "abc"}, "temperature"),
    'tool arguments ""': (
        {"messages": [*HI["messages"], {"role": "assistant", "content": None, "tool_calls": [CALL]}, RESULT]},
        None,
    ),
    "a recursive schema": ({"tools": [{"type": "function", "function": {"name": "f", "parameters": RECURSIVE}}]}, None),
    "a recursive format": (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": RECURSIVE}}},
        None,
    ),
    "effort minimal": ({"reasoning_effort": "minimal"}, None),
    "file_id": ({"messages": [FILE]}, "messages[0].content[0]"),
}


@both
@pytest.mark.parametrize(("change", "param"), ONCE_500.values(), ids=ONCE_500)
async def test_no_500_for_what_clients_send(
    change: dict[str, Any],
    param: str | None,
    stream: bool,
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is answered, or a 400 that names the field."""
    reply = await ask(http, gateway, {**asking("hello"), **change, "stream": stream})
    assert "Traceback" not in everything(caplog)
    if param is None:
        assert reply.status == 200, reply.text
        assert reply.choices[0]["message"]["content"]
        assert [one.status for one in sandbox.state.requests.of("chat")] == [200]
    else:
        assert reply.status == 400
        assert str(reply.error["param"]).startswith(param)
        assert not sandbox.state.requests.of("chat")


@both
async def test_gigachats_401_is_not_the_clients_key(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """A client whose key is right is never told that it is wrong: it is the gateway that GigaChat does not know."""
    sandbox.state.faults.add("status", where="chat", times=None, status=401, message="Unauthorized")
    reply = await ask(http, gateway, {**HI, "stream": stream}, headers={"Authorization": "Bearer right"})
    assert (reply.status, reply.error["code"]) == (503, "upstream_credentials_exhausted")
    assert "API key" not in reply.error["message"]
    assert reply.headers["x-should-retry"] == "true"


async def test_an_answer_is_given_where_nothing_is_wrong(gateway: Running, http: aiohttp.ClientSession) -> None:
    """The same request without its fault is a 200: the tests above see the fault, and nothing else."""
    assert (await ask(http, gateway, asking("x", tools=[tool("f")]))).status == 200
