"""Embeddings: batches in order, usage summed, sizes and encodings, and failures in the middle."""

from __future__ import annotations

import asyncio
import base64
import math
from array import array
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import pytest

from app.sandbox.catalog import MODELS
from app.sandbox.embeddings import vector
from app.sandbox.server import Running as Sandbox
from app.server.app_keys import BODIES
from tests.running import GatewayStarter, Running, eventually
from tests.watching import told

Embed = Callable[..., Coroutine[Any, Any, tuple[int, dict[str, Any], dict[str, str]]]]
TEXTS = [f"текст {number}" for number in range(45)]


@pytest.fixture
def embed(http: aiohttp.ClientSession, gateway: Running) -> Embed:
    """Ask the gateway: status, body, headers."""

    async def post(given: Any, strict: bool = False, **more: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
        body = {"model": "text-embedding-3-small", "input": given, **more}
        headers = {"X-Gateway-Strict": "1"} if strict else {}
        async with http.post(f"{gateway.url}/v1/embeddings", json=body, headers=headers) as response:
            return response.status, await response.json(), dict(response.headers)

    return post


def close(given: list[float], expected: list[float]) -> bool:
    """Equal but for the precision of 32 bits."""
    return len(given) == len(expected) and all(
        math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-7) for a, b in zip(given, expected, strict=True)
    )


@pytest.mark.parametrize("count", [1, 19, 20, 21, 45])
async def test_batches(sandbox: Sandbox, embed: Embed, count: int) -> None:
    """However many inputs, each vector stands where its text stood, and the usage is that of all."""
    status, body, _ = await embed(TEXTS[:count])
    assert status == 200
    assert [one["index"] for one in body["data"]] == list(range(count))
    for text, one in zip(TEXTS, body["data"], strict=False):
        assert close(one["embedding"], vector(text, 1024))
    tokens = sum(MODELS["Embeddings"].count(text) for text in TEXTS[:count])
    assert body["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}
    assert body["model"] == "Embeddings"
    sent = [record.body["input"] for record in sandbox.state.requests.of("embeddings")]
    assert [text for batch in sent for text in batch] == TEXTS[:count]
    assert max(len(batch) for batch in sent) <= 20


async def test_one_string(embed: Embed) -> None:
    """A string is a list of one."""
    status, body, _ = await embed("текст 0")
    assert status == 200
    assert close(body["data"][0]["embedding"], vector("текст 0", 1024))


async def test_base64(embed: Embed) -> None:
    """In base64: little-endian floats of 32 bits, the same numbers."""
    _, body, _ = await embed(TEXTS[:21], encoding_format="base64")
    for text, one in zip(TEXTS, body["data"], strict=False):
        packed = array("f")
        packed.frombytes(base64.b64decode(one["embedding"]))
        assert close(list(packed), vector(text, 1024))


async def test_fewer_dimensions(embed: Embed) -> None:
    """A smaller size cuts the vector and makes it a unit vector again, and is told; the model's own size is left."""
    status, body, headers = await embed("текст 0", dimensions=256)
    found = body["data"][0]["embedding"]
    assert (status, len(found)) == (200, 256)
    assert math.isclose(math.hypot(*found), 1.0, rel_tol=1e-6)
    full = vector("текст 0", 1024)
    assert math.isclose(found[0] / found[1], full[0] / full[1], rel_tol=1e-6)
    assert "dimensions" in headers["x-gateway-adapted"]
    status, body, headers = await embed("текст 0", dimensions=1024)
    assert close(body["data"][0]["embedding"], full)
    assert "dimensions" not in headers.get("x-gateway-adapted", "")


@pytest.mark.parametrize(
    ("given", "more", "param", "code"),
    [
        ("text", {"dimensions": 1025}, "dimensions", "invalid_value"),
        ("text", {"dimensions": 0}, "dimensions", "invalid_value"),
        ("text", {"encoding_format": "hex"}, "encoding_format", "invalid_value"),
        ([1, 2, 3], {}, "input", "invalid_value"),
        ([[1, 2], [3]], {}, "input", "invalid_value"),
        ([], {}, "input", "invalid_value"),
        ("", {}, "input", "invalid_value"),
        (["a", ""], {}, "input[1]", "invalid_value"),
        (None, {}, "input", "missing_required_parameter"),
        (["a"] * 2049, {}, "input", "invalid_value"),
        ("text", {"dimensions": 256, "strict": True}, "dimensions", "unsupported_parameter"),
    ],
)
async def test_refused_for_free(
    sandbox: Sandbox, embed: Embed, given: Any, more: dict[str, Any], param: str, code: str
) -> None:
    """What must fail is a 400 that names the field, before GigaChat is asked for anything."""
    status, body, _ = await embed(given, **more)
    assert (status, body["error"]["code"], body["error"]["param"]) == (400, code, param)
    assert sandbox.state.requests.of("embeddings") == []


@pytest.mark.parametrize(
    ("kind", "more", "status", "code"),
    [
        ("status", {"status": 500}, 502, "upstream_error"),
        ("status", {"status": 429}, 429, "rate_limit_exceeded"),
        ("status", {"status": 413}, 400, "context_length_exceeded"),
        ("html_200", {}, 502, "upstream_error"),
        ("cut", {}, 502, "upstream_error"),
    ],
)
async def test_failure_in_the_middle(
    sandbox: Sandbox,
    embed: Embed,
    kind: str,
    more: dict[str, Any],
    status: int,
    code: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One batch that fails fails the request with its own error, and no further one is paid for; the first was."""
    caplog.set_level("INFO", "gpt2giga")
    sandbox.state.faults.add("slow", "embeddings", times=2, seconds=0.2)
    asked = asyncio.create_task(embed(TEXTS))
    await eventually(lambda: len(sandbox.state.requests.of("embeddings")) == 2)
    await asyncio.sleep(0.05)
    sandbox.state.requests.clear()
    sandbox.state.faults.add(kind, "embeddings", times=None, **more)
    got, body, _ = await asked
    assert (got, body["error"]["code"]) == (status, code)
    assert (await told(caplog))["prompt_tokens"] > 0
    assert len(sandbox.state.requests.of("embeddings")) <= 1


async def test_revoked_between_batches(sandbox: Sandbox, embed: Embed) -> None:
    """A token that ends between two batches costs one renewal; the vectors are complete."""
    sandbox.state.faults.add("slow", "embeddings", seconds=0.2)
    asked = asyncio.create_task(embed(TEXTS))
    await eventually(lambda: len(sandbox.state.requests.of("embeddings")) == 1)
    sandbox.state.tokens.revoke()
    status, body, _ = await asked
    assert (status, len(body["data"])) == (200, 45)
    assert sandbox.state.tokens.issued == 2
    assert [record.status for record in sandbox.state.requests.of("embeddings")] == [200, 401, 200, 200]


async def test_more_numbers_than_there_is_memory_for(
    sandbox: Sandbox, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """It is a 503 before GigaChat is asked; base64 takes less, and all is free again."""
    gateway = await start_gateway(GPT2GIGA_MAX_BODIES_BYTES="1200000", GPT2GIGA_MAX_BODY_BYTES="1MiB")
    url = f"{gateway.url}/v1/embeddings"
    for more, status in (({}, 503), ({"encoding_format": "base64"}, 200), ({}, 503)):
        asked = len(sandbox.state.requests.of("embeddings"))
        async with http.post(url, json={"model": "Embeddings", "input": TEXTS, **more}) as response:
            assert response.status == status
        assert (len(sandbox.state.requests.of("embeddings")) > asked) == (status == 200)
        assert gateway.app[BODIES].memory.left == 1_200_000
