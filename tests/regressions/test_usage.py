"""Cached tokens are a part of the prompt for clients and metrics, and cost nothing, as GigaChat counts them."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from app.sandbox import server
from tests.running import GatewayStarter, Running, SandboxStarter
from tests.stream_readers import READERS
from tests.watching import ask, asking, lines, told

LONG = "слово " * 200
STREAMED = {"stream": True, "stream_options": {"include_usage": True}}
FORMS: dict[str, dict[str, Any]] = {
    "whole": {},
    "stream": STREAMED,
    "two choices": {"n": 2},
    "two choices, streamed": {"n": 2, **STREAMED},
}


def told_usage(reply: Any) -> dict[str, Any]:
    """The usage of an answer, streamed or whole."""
    body = reply.events[-2] if reply.streamed else reply.json
    usage: dict[str, Any] = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    return usage


def cached_of(usage: dict[str, Any]) -> int:
    """The cached tokens that a client is told."""
    return int(usage.get("prompt_tokens_details", {}).get("cached_tokens", 0))


async def billed(http: aiohttp.ClientSession, sandbox: server.Running) -> int:
    """What the sandbox has taken from its packages."""
    return sum(sandbox.state.billed.values())


@pytest.mark.parametrize("form", FORMS)
async def test_a_warm_cache_changes_what_is_billed_and_not_the_prompt(
    form: str,
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The same question costs the same tokens, of which some were cached; the log says what is billed."""
    caplog.set_level("INFO", "gpt2giga")
    body = asking(LONG, **FORMS[form])
    first, second = [told_usage(await ask(http, gateway, body)) for _ in range(2)]
    assert second["prompt_tokens"] == first["prompt_tokens"]
    assert cached_of(first) < cached_of(second) < second["prompt_tokens"]
    assert cached_of(second) > second["prompt_tokens"] / 2
    await told(caplog, count=2)
    for line, usage in zip(lines(caplog), (first, second), strict=True):
        assert line["prompt_tokens"] == usage["prompt_tokens"]
        assert line["cached_tokens"] == cached_of(usage)
        assert line["billed_tokens"] == usage["total_tokens"] - cached_of(usage)
    assert sum(line["billed_tokens"] for line in lines(caplog)) == sum(sandbox.state.billed.values())


@pytest.mark.parametrize("form", ["whole", "stream", "two choices"])
async def test_the_other_reading(
    form: str, start_sandbox: SandboxStarter, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Where GigaChat's prompt contains the cached tokens nothing is added."""
    sandbox = await start_sandbox(cached_contained=True)
    gateway = await start_gateway(sandbox, GPT2GIGA_CACHED_TOKENS="contained")
    body = asking(LONG, **FORMS[form])
    first, second = [told_usage(await ask(http, gateway, body)) for _ in range(2)]
    assert second["prompt_tokens"] == first["prompt_tokens"]
    assert cached_of(second) > 0


@pytest.mark.parametrize("reading", ["added", "contained"])
@pytest.mark.parametrize("form", ["whole", "stream", "two choices"])
async def test_cached_tokens_never_exceed_the_prompt(
    reading: str, form: str, sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Whatever GigaChat counts."""
    gateway = await start_gateway(GPT2GIGA_CACHED_TOKENS=reading)
    sandbox.state.faults.add("cached_exceeds_prompt", times=None)
    usage = told_usage(await ask(http, gateway, asking("x", **FORMS[form])))
    assert 0 < cached_of(usage) < usage["prompt_tokens"]


async def test_what_is_counted_here_has_no_cached_tokens(gateway: Running, http: aiohttp.ClientSession) -> None:
    """An answer that was cut at a stop sequence is counted by GigaChat as text."""
    body = asking(f"{LONG}\nsandbox:say one STOP two", stop="STOP")
    for _ in range(2):
        usage = told_usage(await ask(http, gateway, body))
        assert "prompt_tokens_details" not in usage
        assert usage["prompt_tokens"] > 100


async def test_the_official_client_sees_them(gateway: Running) -> None:
    """In the last chunk, typed."""
    body = asking(LONG, **STREAMED)
    first, second = [(await READERS["openai"](gateway.url, body))[-1]["usage"] for _ in range(2)]
    assert first["prompt_tokens_details"]["cached_tokens"] == 0
    assert second["prompt_tokens_details"]["cached_tokens"] > 100
