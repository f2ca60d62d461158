"""What the gateway does to a request is told in headers, or refused in strict mode before anything is paid."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from app.sandbox import server
from tests.dropped import DROPPED, DROPPED_NAME
from tests.running import GatewayStarter, Running
from tests.watching import ask, counted, saying

pytestmark = pytest.mark.long

HI = saying("hi")
STRICT = {"X-Gateway-Strict": "1"}
LATE = [*HI["messages"], {"role": "assistant", "content": "ok"}, {"role": "system", "content": "S"}]
NAMED = [{**HI["messages"][0], "name": "bob"}]
# name -> the change, x-gateway-adapted, x-gateway-dropped, the field that strict mode refuses
NOTED: dict[str, tuple[dict[str, Any], str | None, str | None, str]] = {
    "a parameter": (DROPPED, None, DROPPED_NAME, DROPPED_NAME),
    "several": ({**DROPPED, "messages": NAMED}, None, f"{DROPPED_NAME}, messages.name", DROPPED_NAME),
    "an unknown key": ({"fo\r\no: 1": 2}, None, "unknown", "fo??o: 1"),
    "a name": ({"messages": NAMED}, None, "messages.name", "messages[0].name"),
    "no limit": ({"max_tokens": 0}, "max_tokens=0->unlimited", None, "max_tokens"),
    "a late system message": (
        {"messages": [*LATE, *HI["messages"]]},
        "system->user",
        None,
        "messages[2]",
    ),
    "two of them": ({"messages": [*LATE, *LATE[2:], *HI["messages"]]}, "system->user;n=2", None, "messages[2]"),
    "an empty user": (
        {"messages": [{"role": "user", "content": ""}, {"role": "assistant", "content": "x"}, *HI["messages"]]},
        "user.empty->space",
        None,
        "messages[0]",
    ),
}
EQUIVALENT: dict[str, dict[str, Any]] = {
    "no model": {"model": None},
    "an alias": {"model": "gpt-4o"},
    "a prefix": {"model": "openai/gpt-4o"},
    "a tiny temperature": {"temperature": 0},
    "stream_options without a stream": {"stream_options": {"include_usage": True}},
    "two system messages": {"messages": [{"role": "system", "content": one} for one in "ab"] + HI["messages"]},
    "developer": {"messages": [{"role": "developer", "content": "a"}, *HI["messages"]]},
    "identities": {"user": "u", "safety_identifier": "s", "prompt_cache_key": "k", "metadata": {"a": "b"}},
    "neutral values": {"seed": None, "logprobs": False, "n": 1, "presence_penalty": 0, "tools": [], "store": False},
    "more neutral values": {"stop": None, "tool_choice": "auto", "response_format": {"type": "text"}, "logit_bias": {}},
    "GigaChat's own fields": {"repetition_penalty": 1.1, "profanity_check": True, "update_interval": 0},
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("change", "adapted", "dropped", "param"), NOTED.values(), ids=NOTED)
async def test_a_note_is_told(
    change: dict[str, Any],
    adapted: str | None,
    dropped: str | None,
    param: str,
    stream: bool,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
) -> None:
    """In headers of the answer and of the stream, by names of our own; in strict mode it is a 400 for that field."""
    gateway = await start_gateway(ready=False)
    body = {**HI, **change, "stream": stream}
    reply = await ask(http, gateway, body)
    assert (reply.status, reply.content) == (200, "hi")
    assert (reply.headers.get("x-gateway-adapted"), reply.headers.get("x-gateway-dropped")) == (adapted, dropped)
    sandbox.state.requests.clear()
    refused = await ask(http, gateway, body, headers=STRICT)
    assert (refused.status, refused.error["code"], refused.error["param"]) == (400, "unsupported_parameter", param)
    assert not sandbox.state.requests.of("chat")


@pytest.mark.parametrize("change", EQUIVALENT.values(), ids=EQUIVALENT)
async def test_an_equivalent_is_no_loss(
    change: dict[str, Any], start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """What means the same at GigaChat passes strict mode, and nothing is told of it."""
    gateway = await start_gateway(ready=False, GPT2GIGA_STRICT="true")
    reply = await ask(http, gateway, {**HI, **change})
    assert (reply.status, reply.content) == (200, "hi")
    assert "x-gateway-adapted" not in reply.headers
    assert "x-gateway-dropped" not in reply.headers


@pytest.mark.parametrize(
    ("setting", "header", "strict"),
    [
        ("true", None, True),
        ("true", "0", False),
        ("true", "1", True),
        ("", "1", True),
        ("", " TRUE ", True),
        ("true", "yes", True),
        ("", "on", True),
        ("true", "no", False),
        ("", "0", False),
        ("", None, False),
    ],
)
async def test_who_decides(
    setting: str, header: str | None, strict: bool, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """The header decides where there is one, else the setting."""
    gateway = await start_gateway(ready=False, GPT2GIGA_STRICT=setting)
    headers = {} if header is None else {"X-Gateway-Strict": header}
    assert (await ask(http, gateway, {**HI, **DROPPED}, headers=headers)).status == (400 if strict else 200)


async def test_a_strictness_of_another_kind_is_refused(gateway: Running, http: aiohttp.ClientSession) -> None:
    """Who asks for it with a typing error is not served without it."""
    reply = await ask(http, gateway, HI, headers={"X-Gateway-Strict": "ture"})
    assert (reply.status, reply.error["code"]) == (400, "invalid_value")
    assert "X-Gateway-Strict" in reply.error["message"]
    assert "ture" not in reply.error["message"]


async def test_a_way_that_the_operator_chose_is_an_adaptation_too(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """A format that is always made a function is none for a strict client."""
    gateway = await start_gateway(GPT2GIGA_STRUCTURED_OUTPUT="function")
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    body = {**HI, "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}}
    assert (await ask(http, gateway, body)).headers["x-gateway-adapted"] == "response_format->function"
    reply = await ask(http, gateway, body, headers=STRICT)
    assert (reply.status, reply.error["param"]) == (400, "response_format")
    assert len(sandbox.state.requests.of("chat")) == 1


async def test_embeddings_are_told_and_refused_as_well(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Fewer dimensions are an adaptation."""
    gateway = await start_gateway(ready=False)
    body = {"model": "text-embedding-3-small", "input": "hi", "dimensions": 8, "foo": 1}
    reply = await ask(http, gateway, body, path="/v1/embeddings")
    assert (reply.headers["x-gateway-adapted"], reply.headers["x-gateway-dropped"]) == ("dimensions", "foo")
    assert len(reply.json["data"][0]["embedding"]) == 8
    sandbox.state.requests.clear()
    assert (await ask(http, gateway, body, path="/v1/embeddings", headers=STRICT)).status == 400
    assert not sandbox.state.requests.of("embeddings")


async def test_notes_are_bounded(gateway: Running, http: aiohttp.ClientSession) -> None:
    """However much a client sends, the headers stay short, in ASCII, and hold none of its words."""
    noise = {f"ключ-{number}\r\nX-Evil: 1": number for number in range(3000)}
    messages = [{"role": "user", "content": "x", "name": "n", f"k{number}": 1} for number in range(300)]
    reply = await ask(http, gateway, {**HI, **noise, "messages": messages + HI["messages"]})
    assert reply.headers["x-gateway-dropped"] == "unknown;n=3000, messages.name;n=300, messages.unknown;n=300"
    assert "X-Evil" not in reply.headers


async def test_notes_of_a_refused_request(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """An error of GigaChat's tells the notes too: they may be its cause."""
    sandbox.state.faults.add("status", where="chat", status=422)
    reply = await ask(http, gateway, {**HI, **DROPPED, "max_tokens": 0})
    assert reply.status == 400
    assert reply.headers["x-gateway-dropped"] == DROPPED_NAME
    assert reply.headers["x-gateway-adapted"] == "max_tokens=0->unlimited"


async def test_drops_are_counted(gateway: Running, http: aiohttp.ClientSession) -> None:
    """Operators see which fields their clients lose."""
    before = await counted(http, gateway, "gpt2giga_proxy_dropped_params_total", "param")
    await ask(http, gateway, {**HI, **DROPPED, "foo": 1, "bar": 2})
    after = await counted(http, gateway, "gpt2giga_proxy_dropped_params_total", "param")
    assert dict(after - before) == {DROPPED_NAME: 1, "unknown": 2}
