"""Long histories: 150 turns with adaptations pass a proxy with 4 KB header buffers, by a real nginx.

However much is done to a request, what is told of it in headers stays small, and says where it was cut.
"""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from app.sandbox import server
from app.translate import notes
from app.translate.openai.parameters import DROPPABLE
from tests.programs import needs_program
from tests.proxies import nginx
from tests.running import Running
from tests.watching import ask, called

SMALL = """
    client_max_body_size 64m;
    client_header_buffer_size 1k;
    large_client_header_buffers 4 4k;
    proxy_buffer_size 4k;
    proxy_buffers 4 4k;
    proxy_busy_buffers_size 8k;
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass {behind}; }}
    }}
"""
Before = Callable[[str], Awaitable[str]]


@pytest.fixture
async def nginx_before(tmp_path: Path, unused_port: int) -> AsyncIterator[Before]:
    """Put an nginx before a server: `await nginx_before(url)` gives its URL."""
    program = needs_program("nginx")
    running: list[subprocess.Popen[bytes]] = []

    async def start(behind: str) -> str:
        example = SMALL.format(port=unused_port, behind=behind)
        running.append(await nginx(program, example, tmp_path, unused_port))
        return f"http://127.0.0.1:{unused_port}"

    yield start
    for process in running:
        process.terminate()
        process.wait(10)


# Names that GigaChat has no room for, and schemas that its functions do not know.
NAMES = ("погода", "1st", "text2image", "a b", "fine")
SCHEMA = {
    "type": "object",
    "properties": {
        "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
        "loose": {},
        "list": {"type": "array"},
        "not": {"type": "string", "not": {"const": "x"}},
        "node": {"$ref": "#/$defs/Node"},
    },
    "if": {"required": ["either"]},
    "then": {"properties": {"then": {"type": "string"}}},
    "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}},
}
TOOLS = [{"type": "function", "function": {"name": name, "parameters": SCHEMA, "strict": True}} for name in NAMES]
# What each dropped parameter may be, so that it is one.
VALUES: dict[str, Any] = {
    **dict.fromkeys(DROPPABLE, "x"),
    **dict.fromkeys(("seed", "top_logprobs", "presence_penalty", "frequency_penalty"), 1),
    **dict.fromkeys(("logprobs", "store"), True),
    **{name: {"a": 1} for name in ("logit_bias", "prediction", "audio", "web_search_options", "moderation")},
    "modalities": ["audio"],
}


def turn(number: int) -> list[dict[str, Any]]:
    """A question, a call, its result, an answer; now and then without the result, the question or the call."""
    name = NAMES[number % len(NAMES)]
    call = called(f"call_{number}", name, f'{{"either": {number}}}')
    result = {"role": "tool", "tool_call_id": f"call_{number}", "content": f"result {number}", "extra": number}
    return [
        {"role": "user", "content": "" if number % 7 == 0 else f"question {number}", "name": "bob"},
        {"role": "assistant", "content": None, "tool_calls": [call, {**call, "id": f"lost_{number}"}]},
        *([] if number % 5 == 0 else [result]),
        *([{**result, "tool_call_id": "stray"}] if number % 11 == 0 else []),
        {"role": "system", "content": f"note {number}"},
        {"role": "assistant", "content": f"answer {number}", f"key{number}": 1},
    ]


def history(turns: int, **more: Any) -> dict[str, Any]:
    """A conversation of so many turns, in which as much is adapted and dropped as there are rules."""
    return {
        "model": None,
        "messages": [*(one for number in range(turns) for one in turn(number)), {"role": "user", "content": "go on"}],
        "tools": [*TOOLS, {"type": "web_search"}],
        "tool_choice": "required",
        "functions": [{"name": "fine", "description": "another"}],
        "function_call": "auto",
        "max_tokens": 0,
        "reasoning_effort": "minimal",
        **VALUES,
        **{f"unknown-{number}": number for number in range(50)},
        **more,
    }


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_150_turns_pass_a_proxy_with_small_buffers(
    stream: bool, sandbox: server.Running, gateway: Running, nginx_before: Before, http: aiohttp.ClientSession
) -> None:
    """The answer arrives; what was done is told by rule, with how often, in 1 KB at most."""
    proxied = Running(await nginx_before(gateway.url), gateway.app)
    reply = await ask(http, proxied, history(150, stream=stream))
    assert reply.status == 200, reply.text
    assert reply.choices[0]["finish_reason"] == "tool_calls"  # one is required
    assert not stream or reply.events[-1] == "[DONE]"
    assert reply.headers["Server"].startswith("nginx")
    adapted, dropped = reply.headers["x-gateway-adapted"], reply.headers["x-gateway-dropped"]
    for text in (adapted, dropped):
        assert text.isascii()
        assert len(text) <= 1024
    for rule in ("system->user;n=150", "call.no_result;n=180", "user.empty->space;n=22", "result->user;n=14"):
        assert rule in adapted
    for rule in (
        *DROPPABLE,
        "unknown-7",
        "unknown;n=42",
        "messages.name;n=150",
        "messages.unknown;n=284",
        "tools.strict;n=5",
    ):
        assert rule in dropped
    sent = sandbox.state.requests.of("chat")[-1].body
    assert {one["role"] for one in sent["messages"]} == {"system", "user", "assistant", "function"}
    assert sum("function_call" in one for one in sent["messages"]) == 300


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_notes_that_do_not_fit_are_counted(
    stream: bool,
    gateway: Running,
    nginx_before: Before,
    http: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where there are more rules than room the header ends with how many are left out: nobody takes it for whole."""
    whole = await ask(http, gateway, history(5))
    monkeypatch.setattr(notes, "MAX_BYTES", 160)
    proxied = Running(await nginx_before(gateway.url), gateway.app)
    reply = await ask(http, proxied, history(150, stream=stream))
    assert reply.status == 200
    for name in ("x-gateway-adapted", "x-gateway-dropped"):
        *shown, more = reply.headers[name].split(", ")
        assert len(reply.headers[name]) <= 160
        assert more == f"more;n={len(whole.headers[name].split(', ')) - len(shown)}"


async def test_the_proxy_refuses_what_is_larger(
    gateway: Running, nginx_before: Before, http: aiohttp.ClientSession
) -> None:
    """The guard of the tests above: headers of 4 KB do not pass this nginx."""

    async def wordy(request: web.Request) -> web.Response:
        return web.Response(headers={"x-gateway-dropped": "x" * 4096})

    app = web.Application()
    app.router.add_get("/", wordy)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = await nginx_before(f"http://127.0.0.1:{runner.addresses[0][1]}")
    async with http.get(url) as response:
        assert response.status == 502
    await runner.cleanup()
