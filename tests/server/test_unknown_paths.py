"""What whoever asks for a path that is not served is told."""

from __future__ import annotations

import aiohttp
import pytest

from app.server import unknown_paths
from tests.running import Running

# path -> words of the message
TOLD: dict[str, tuple[str, ...]] = {
    "/v1/responses": ("Responses", "/v1/chat/completions", "openai.chat(", "'Use Responses API' off"),
    "/responses/resp_1/cancel": ("Responses", "openai.chat("),
    "/v1/messages": ("Anthropic", "/v1/chat/completions"),
    "/v1/messages/count_tokens": ("Anthropic",),
    "/v1beta/models/gemini-pro:generateContent": ("Google",),
    "/v1beta/openai/chat/completions": ("Google",),
    "/v1/audio/transcriptions": ("input_audio",),
    "/v1/audio/speech": ("Speech",),
    "/v1/files": ("file_data",),
    "/v1/files/file-1/content": ("file_data",),
    "/v1/images/generations": ("image_url",),
    "/v1/moderations": ("content_filter",),
    "/v1/threads/t/runs": ("Assistants",),
    "/v1/batches": ("Batches", "/v1/chat/completions"),
    "/v1/fine_tuning/jobs": ("nothing like it",),
    "/v1/completions": ("Bare prompts", "/v1/chat/completions"),
    "/v1/engines/davinci/completions": ("Bare prompts",),
    "/v1/chat": ("base URL ends in /v1",),
    "/v1/chat/completion": ("/v1/chat/completions",),
    "/v1/embedding": ("/v1/embeddings",),
    "/v1/model": ("/v1/models",),
    "/openai/deployments/gpt-4/chat/completions": ("Azure",),
    "/openai/v1/chat/completions": ("/v1/chat/completions",),
    "/api/chat": ("Ollama", "/v1"),
    "/api/tags": ("Ollama",),
    "/v2/chat/completions": ("contract v2", "base URL end in /v1", "/v1/chat/completions"),
    "/v2/models": ("contract v2", "/v1/models"),
    "/v2/messages": ("contract v2", "Anthropic"),
    "/api/v2/chat/completions": ("contract v2",),
    "/v2/v1beta/models/m:generateContent": ("contract v2", "Google"),
    "/v1/v1beta/models/m:generateContent": ("Google",),
    "/v1/tokens/count": ("GigaChat's own",),
    "/key/generate": ("/health",),
    "/budget/list": ("Keys, budgets",),
    "/gigachat/v1/chat/completions": ("GigaChat's own",),
    "/ping": ("/livez", "/readyz"),
    "/ready": ("/livez", "/readyz"),
    "/health/liveliness": ("/livez", "/readyz"),
    "/health/readiness": ("/readyz",),
    "/logs/stream": ("standard error", "/metrics"),
    "/_admin/logs/tail": ("standard error",),
    "/_debug/translate/openai-to-normalized": ("`python -m app translate`",),
    "/bridge/models": ("/v1/models",),
    "/model/info": ("/v1/models",),
    "/v1/rerank": ("/v1/embeddings",),
    "/openapi.json": ("OpenAI's",),
    "/v1/v1/responses": ("'/v1' stands twice", "Responses"),
    "/v1/v1/v1/chat/completions": ("'/v1' stands twice",),
    "/v1//v1//nothing": ("'/v1' stands twice", "GET /v1/models"),
    "/favicon.ico": ("POST /v1/chat/completions, POST /v1/embeddings, GET /v1/models",),
    "/": ("POST /v1/chat/completions",),
}


@pytest.mark.parametrize(("path", "words"), TOLD.items(), ids=TOLD)
def test_what_to_do_instead(path: str, words: tuple[str, ...]) -> None:
    """The path itself, and what to use or to set."""
    told = unknown_paths.describe("POST", path)
    assert told.startswith(f"POST {path} is not served here. ")
    assert [word for word in words if word not in told] == []
    assert ("stands twice" in told) is ("v1/v1/" in path or "v1//v1" in path)
    assert ("contract v2" in told) is ("v2/" in path)


@pytest.mark.parametrize(
    "path",
    ["/<script>alert(1)</script>", "/a\r\nSet-Cookie: b", "/путь", "/" + "x" * 100_000, "/" + "/v1" * 50_000, "/\x00"],
)
def test_what_is_repeated_is_clean_and_short(path: str) -> None:
    """Whatever was asked for."""
    told = unknown_paths.describe("GET", path)
    assert told.isascii()
    assert told.isprintable()
    assert "<" not in told
    assert len(told) < 600


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/none/such", "/v1/files/%0d%0a"])
async def test_over_the_wire(path: str, gateway: Running, http: aiohttp.ClientSession) -> None:
    """In the envelope, without a key."""
    async with http.post(gateway.url + path, json={}) as reply:
        error = (await reply.json())["error"]
        assert (reply.status, error["code"], error["type"]) == (404, "unknown_url", "invalid_request_error")
        assert error["message"].startswith(f"POST {path[:10]}")
