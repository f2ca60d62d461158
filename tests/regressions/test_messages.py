"""Messages that help: whoever made the mistake reads what it was, and what to do."""

from __future__ import annotations

from typing import Any

import aiohttp
import openai
import pytest

from app.sandbox import server
from tests.running import GatewayStarter, Running
from tests.watching import ask, called, saying, told

pytestmark = pytest.mark.long

HI = saying("hi")
EMBED = {"input": "x"}
STRICT = {"X-Gateway-Strict": "1"}
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])

# what a client asks for -> what it reads
NO_MODEL: list[tuple[str, tuple[str, ...]]] = [
    ("GigaChat-2-Mx", ("'GigaChat-2-Mx'", "Did you mean 'GigaChat-2-Max'?", "GPT2GIGA_MODEL_ALIASES")),
    ("gigachat-pro", ("'gigachat-pro'", "Did you mean 'GigaChat-Pro'?", "GPT2GIGA_MODEL_ALIASES")),
    ("mine", ("'GigaChat-2-Prp', which 'mine' means here", "Did you mean 'GigaChat-2-Pro'?")),
    ("deepseek-chat", ("'deepseek-chat'. GET /v1/models", "GPT2GIGA_MODEL_ALIASES")),
    ("mo\ndel\u202e", ("'mo?del?'",)),
    ("no-" * 80, (f"'{('no-' * 80)[:64]}...'. GET",)),
]


@both
async def test_a_missing_model_names_itself(
    stream: bool, sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """The nearest one that GigaChat lists, and the setting, wherever a model is asked for."""
    gateway = await start_gateway(GPT2GIGA_MODEL_ALIASES="mine=GigaChat-2-Prp")
    for name, words in NO_MODEL:
        reply = await ask(http, gateway, {**HI, "model": name, "stream": stream})
        assert (reply.status, reply.error["code"], reply.error["param"]) == (404, "model_not_found", "model")
        assert all(word in reply.error["message"] for word in words), reply.text
    assert all(one.status == 404 for one in sandbox.state.requests.of("chat"))
    for name, words in NO_MODEL[:1]:
        one = await ask(http, gateway, method="GET", path=f"/v1/models/{name}")
        assert one.status == 404
        assert all(word in one.error["message"] for word in words)
    near = await ask(http, gateway, {**EMBED, "model": "Embedings"}, path="/v1/embeddings")
    assert "no model 'Embedings'. Did you mean 'Embeddings'?" in near.error["message"]


# a model of one kind where the other is wanted; the last two by an alias of the operator's, and of ours
WRONG_USE: list[tuple[str, dict[str, Any], str]] = [
    ("/v1/embeddings", {**EMBED, "model": "GigaChat-2-Max"}, "text-embedding-3-small"),
    ("/v1/embeddings", {**EMBED, "model": "gpt-4o"}, "is a chat model"),
    ("/v1/chat/completions", {**HI, "model": "Embeddings"}, "/v1/embeddings"),
    ("/v1/chat/completions", {**HI, "model": "EmbeddingsGigaR", "stream": True}, "/v1/embeddings"),
    ("/v1/chat/completions", {**HI, "model": "text-embedding-3-large"}, "does not chat"),
    ("/v1/chat/completions", {**HI, "model": "GigaFilter"}, "'filter'"),
]


@pytest.mark.parametrize(("path", "body", "word"), WRONG_USE)
async def test_a_model_for_something_else(
    path: str, body: dict[str, Any], word: str, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """It says so before GigaChat is asked."""
    reply = await ask(http, gateway, body, path=path)
    assert (reply.status, reply.error["code"], reply.error["param"]) == (404, "model_not_found", "model")
    assert word in reply.error["message"]
    assert not sandbox.state.requests.of("chat") + sandbox.state.requests.of("embeddings")


async def test_an_sdk_reads_the_nearest_name(gateway: Running) -> None:
    """Its exception bears the message."""
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="k", max_retries=0) as client:
        with pytest.raises(openai.NotFoundError, match="Did you mean 'GigaChat-2'") as caught:
            await client.chat.completions.create(model="GigaChat-2.", messages=[{"role": "user", "content": "x"}])
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


# a key of the body -> what the log says was meant
SLIPS: list[tuple[dict[str, Any], str, str | None]] = [
    ({"temprature": 0.1}, "temprature", "temprature->temperature"),
    ({"maxTokens": 5}, "maxTokens", "maxTokens->max_tokens"),
    ({"tool-choice": "none"}, "tool-choice", "tool-choice->tool_choice"),
    ({"top_k": 40}, "top_k", None),
    (
        {"stream_options": {"inculde_usage": True}},
        "stream_options.unknown",
        "stream_options.inculde_usage->include_usage",
    ),
    ({"ключ": 1}, "unknown", None),
    ({"sk-0123456789abcdef": 1}, "unknown", None),
    ({"k" * 41: 1}, "unknown", None),
]


@both
@pytest.mark.parametrize(("change", "named", "meant"), SLIPS)
async def test_a_slip_is_named_in_the_header_and_the_log(
    change: dict[str, Any],
    named: str,
    meant: str | None,
    stream: bool,
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Both tell the same; the log says what was probably meant, and strict mode asks whether it was."""
    caplog.set_level("INFO", "gpt2giga")
    reply = await ask(http, gateway, {**HI, **change, "stream": stream})
    assert (reply.status, reply.headers["x-gateway-dropped"]) == (200, named)
    line = await told(caplog)
    assert (line["dropped"], line.get("misspelt")) == (named, meant)
    refused = await ask(http, gateway, {**HI, **change, "stream": stream}, headers=STRICT)
    assert refused.status == 400
    assert ("Did you mean" in refused.error["message"]) is (meant is not None)
    if meant is not None:
        assert f"Did you mean '{meant.partition('->')[2]}'?" in refused.error["message"]
    assert len(sandbox.state.requests.of("chat")) == 1


PAST = [*HI["messages"], {"role": "assistant", "content": "ok"}, *HI["messages"]]
CALL = {"role": "assistant", "content": None, "tool_calls": [called("c1", "f", "no JSON")]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "ok"}
TOOLS = [{"type": "function", "function": {"name": name}} for name in "fg"]
# what strict mode refuses -> the field, and what its advice must speak of
ADVICE: dict[str, tuple[dict[str, Any], str, str]] = {
    "a parameter": ({"seed": 1}, "seed", "Leave it out."),
    "a role": ({"messages": [{"role": "robot", "content": "x"}, *PAST]}, "messages[0].role", "a known role"),
    "no limit": ({"max_tokens": 0}, "max_tokens", "no limit is meant"),
    "a large limit": ({"max_tokens": 64000}, "max_tokens", "a limit that the model has"),
    "two limits": ({"max_tokens": 5, "max_completion_tokens": 6}, "max_tokens", "one limit only"),
    "arguments": (
        {"messages": [*HI["messages"], CALL, RESULT, *HI["messages"]]},
        "messages[1].tool_calls[0].function.arguments",
        "JSON object",
    ),
    "required": ({"tools": TOOLS, "tool_choice": "required"}, "tool_choice", "Name the one function"),
    "an effort": ({"reasoning_effort": "minimal"}, "reasoning_effort", "low, medium or high"),
    "a late system message": (
        {"messages": [*PAST, {"role": "system", "content": "S"}]},
        "messages[3]",
        "before the first answer",
    ),
    "a tool of a server": ({"tools": [*TOOLS, {"type": "web_search"}]}, "tools[2]", "'function' only"),
}


@pytest.mark.parametrize(("change", "param", "words"), ADVICE.values(), ids=ADVICE)
async def test_strict_modes_advice_is_about_the_field(
    change: dict[str, Any],
    param: str,
    words: str,
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
) -> None:
    """Leaving a role out would help nobody."""
    refused = await ask(http, gateway, {**HI, **change}, headers=STRICT)
    assert (refused.status, refused.error["code"], refused.error["param"]) == (400, "unsupported_parameter", param)
    assert words in refused.error["message"]
    assert not sandbox.state.requests.of("chat")


@pytest.mark.parametrize("model", [{}, {"model": None}])
async def test_a_model_that_is_left_out_is_a_default(
    model: dict[str, Any], sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Strict mode takes it, and no header tells of it."""
    body = {"messages": HI["messages"], **model}
    reply = await ask(http, gateway, body, headers=STRICT)
    assert (reply.status, sandbox.state.requests.of("chat")[-1].body["model"]) == (200, "GigaChat")
    assert not {"x-gateway-adapted", "x-gateway-dropped"} & {name.lower() for name in reply.headers}
    embedded = await ask(http, gateway, {**EMBED, **model}, path="/v1/embeddings", headers=STRICT)
    assert embedded.status == 200
