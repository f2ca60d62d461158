"""Chat and embeddings over the wire: what a client may not ask, what is told in headers, strict mode, models."""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson
import pytest

from app.sandbox import server
from app.translate.openai.parameters import PARAMETERS
from tests.running import GatewayStarter, Running
from tests.watching import ask, asking, everything, saying

HI = saying("hi")
EMBEDDINGS = "/v1/embeddings"
DEEP: Any = orjson.loads(b"[" * 500 + b"]" * 500)

NOT_BOOLEAN = [1, 0, "true", "", [], {}]
NOT_STRING = [1, 1.5, True, [], {}]
NOT_OBJECT = ["x", 1, True, [1], [{}]]
NOT_ARRAY = ["x", 1, True, {}]
NOT_NUMBER = ["1", "abc", True, [], {}]
NOT_COUNT = [*NOT_NUMBER, 1.5, -2]
# Every field of the table of parameters -> values that it can't have.
WRONG: dict[str, list[Any]] = {
    "messages": [*NOT_ARRAY, []],
    "model": [*NOT_STRING, "", "   ", "x" * 300, "openai/"],
    "stream": NOT_BOOLEAN,
    "stream_options": NOT_OBJECT,
    "temperature": [*NOT_NUMBER, -0.1, -1],
    "top_p": [*NOT_NUMBER, -0.1, 1.1, 100],
    "max_tokens": [*NOT_COUNT, 1e300, 2**63],
    "max_completion_tokens": [*NOT_COUNT, 1e300],
    "max_output_tokens": [*NOT_COUNT, 1e300],
    "extra_body": NOT_OBJECT,
    "repetition_penalty": [*NOT_NUMBER, -1, 0],
    "update_interval": [*NOT_NUMBER, -1],
    "profanity_check": NOT_BOOLEAN,
    "flags": NOT_ARRAY,
    "function_ranker": [*NOT_OBJECT, {"enabled": True, "x": DEEP}],
    "user": NOT_STRING,
    "safety_identifier": NOT_STRING,
    "prompt_cache_key": NOT_STRING,
    "metadata": NOT_OBJECT,
    "seed": [*NOT_NUMBER, 1.5],
    "logit_bias": NOT_OBJECT,
    "logprobs": NOT_BOOLEAN,
    "top_logprobs": NOT_COUNT,
    "presence_penalty": [*NOT_NUMBER, -2.1, 2.1],
    "frequency_penalty": [*NOT_NUMBER, -2.1, 2.1],
    "prediction": NOT_OBJECT,
    "service_tier": NOT_STRING,
    "store": NOT_BOOLEAN,
    "modalities": NOT_ARRAY,
    "audio": NOT_OBJECT,
    "verbosity": NOT_STRING,
    "tool_choice": [7, True, "x", "required", [1]],
    "function_call": [7, True, "x", [1]],
    "stop": [7, True, {}, [str(number) for number in range(17)]],
    "web_search_options": NOT_OBJECT,
    "prompt_cache_retention": NOT_STRING,
    "moderation": NOT_OBJECT,
    "tools": NOT_ARRAY,
    "parallel_tool_calls": NOT_BOOLEAN,
    "functions": NOT_ARRAY,
    "response_format": NOT_OBJECT,
    "n": [*NOT_COUNT, 0],
    "reasoning_effort": NOT_STRING,
}


@pytest.mark.parametrize("name", PARAMETERS)
async def test_a_wrong_value(
    name: str,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A field of the wrong type or beyond its bounds is a 400 that names the field; nothing is paid or raised."""
    gateway = await start_gateway(ready=False)
    for value in WRONG[name]:
        for stream in ({}, {"stream": True}) if name != "stream" else ({},):
            reply = await ask(http, gateway, {**HI, **stream, name: value})
            assert (reply.status, reply.error["code"]) == (400, "invalid_value"), (value, reply.text)
            assert reply.error["param"] == name
            assert f"'{name}'" in reply.error["message"]
    assert not sandbox.state.requests.of("chat")
    assert "Traceback" not in everything(caplog)


# What is wrong with a message -> the message, the field that the error names.
MESSAGES: dict[str, tuple[Any, str]] = {
    "a string": ("hi", "messages[1]"),
    "null": (None, "messages[1]"),
    "a list": ([], "messages[1]"),
    "no role": ({"content": "hi"}, "messages[1].role"),
    "a role of another type": ({"role": ["user"], "content": "hi"}, "messages[1].role"),
    "an unknown role": ({"role": "critic", "content": "hi"}, "messages[1].role"),
    "a role of 300 characters": ({"role": "r" * 300, "content": "hi"}, "messages[1].role"),
    "content: a number": ({"role": "user", "content": 5}, "messages[1].content"),
    "content: an object": ({"role": "user", "content": {"words": "hi"}}, "messages[1].content"),
    "content: true": ({"role": "user", "content": True}, "messages[1].content"),
    "a part: a number": ({"role": "user", "content": [5]}, "messages[1].content[0]"),
    "a part: null": ({"role": "user", "content": ["hi", None]}, "messages[1].content[1]"),
    "a part: a list": ({"role": "user", "content": [DEEP]}, "messages[1].content[0]"),
    "a part without a type": ({"role": "user", "content": [{"words": "hi"}]}, "messages[1].content[0].type"),
    "a part of an unknown type": ({"role": "user", "content": [{"type": "smell"}]}, "messages[1].content[0].type"),
    "a text part without text": ({"role": "user", "content": [{"type": "text"}]}, "messages[1].content[0].text"),
    "a text part of a number": (
        {"role": "user", "content": [{"type": "text", "text": 5}]},
        "messages[1].content[0].text",
    ),
    "a refusal of a number": ({"role": "user", "content": "x", "refusal": 5}, "messages[1].refusal"),
}


@pytest.mark.parametrize(("message", "param"), MESSAGES.values(), ids=MESSAGES)
async def test_a_broken_message(
    message: Any, param: str, sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """A message that can't be is a 400 that says which, and never repeats it."""
    gateway = await start_gateway(ready=False)
    reply = await ask(http, gateway, {"messages": [*HI["messages"], message]})
    assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "invalid_value", param)
    assert len(reply.text) < 500
    assert not sandbox.state.requests.of("chat")


@pytest.mark.parametrize("content", ["", None, [], "  \n", [{"type": "text", "text": ""}]])
async def test_nothing_to_answer(content: Any, gateway: Running, http: aiohttp.ClientSession) -> None:
    """A request without a word is a 400: it would be paid for nothing."""
    reply = await ask(http, gateway, {"messages": [{"role": "user", "content": content}]})
    assert (reply.status, reply.error["code"]) == (400, "invalid_value")
    assert str(reply.error["param"]).startswith("messages")


# What cannot be done: the answer says so and names the field.
NOT_YET: dict[str, tuple[dict[str, Any], str]] = {
    "a video": (
        {"messages": [{"role": "user", "content": [{"type": "video_url", "video_url": {"url": "x"}}]}]},
        "messages[0].content[0]",
    ),
    "a custom tool": (
        {"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": {"type": "custom"}},
        "tool_choice.type",
    ),
}


@pytest.mark.parametrize(("change", "param"), NOT_YET.values(), ids=NOT_YET)
async def test_what_is_not_supported_is_said(
    change: dict[str, Any],
    param: str,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
) -> None:
    """Nothing is lost silently: what cannot be carried is refused by name before anything is paid."""
    gateway = await start_gateway(ready=False)
    reply = await ask(http, gateway, {**HI, **change})
    assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "unsupported_parameter", param)
    assert not sandbox.state.requests.of("chat")


INPUTS: dict[str, tuple[dict[str, Any], str]] = {
    "a number": ({"input": 5}, "input"),
    "an object": ({"input": {}}, "input"),
    "true": ({"input": True}, "input"),
    "empty": ({"input": []}, "input"),
    "an empty string": ({"input": ""}, "input"),
    "an empty string among others": ({"input": ["a", ""]}, "input[1]"),
    "a number among strings": ({"input": ["a", 5]}, "input[1]"),
    "null among strings": ({"input": ["a", None]}, "input[1]"),
    "tokens": ({"input": [1, 2, 3]}, "input"),
    "lists of tokens": ({"input": [[1, 2], [3]]}, "input"),
    "too many": ({"input": ["a"] * 2049}, "input"),
    "a format": ({"input": "a", "encoding_format": "int8"}, "encoding_format"),
    "a format of another type": ({"input": "a", "encoding_format": 8}, "encoding_format"),
    "dimensions of 0": ({"input": "a", "dimensions": 0}, "dimensions"),
    "dimensions: words": ({"input": "a", "dimensions": "many"}, "dimensions"),
    "more dimensions than there are": ({"input": "a", "dimensions": 2000}, "dimensions"),
    "dimensions without bounds": ({"input": "a", "dimensions": 1e300}, "dimensions"),
    "a model's name: empty": ({"input": "a", "model": ""}, "model"),
    "a model's name: a number": ({"input": "a", "model": 5}, "model"),
    "a model's name: too long": ({"input": "a", "model": "x" * 300}, "model"),
}


@pytest.mark.parametrize(("body", "param"), INPUTS.values(), ids=INPUTS)
async def test_wrong_embeddings(
    body: dict[str, Any],
    param: str,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
) -> None:
    """What cannot be embedded is a 400 that names the field, before anything is paid."""
    gateway = await start_gateway(ready=False)
    reply = await ask(http, gateway, body, path=EMBEDDINGS)
    assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "invalid_value", param), reply.text
    assert not sandbox.state.requests.of("embeddings")


async def test_embeddings_are_in_order(gateway: Running, http: aiohttp.ClientSession) -> None:
    """More inputs than a batch of GigaChat's come back one for one, each the vector of its own text."""
    texts = [f"text {number}" for number in range(45)]
    many = (await ask(http, gateway, {"input": texts}, path=EMBEDDINGS)).json
    alone = (await ask(http, gateway, {"input": texts[31]}, path=EMBEDDINGS)).json
    assert [item["index"] for item in many["data"]] == list(range(45))
    assert many["data"][31]["embedding"] == alone["data"][0]["embedding"]
    assert many["data"][30]["embedding"] != alone["data"][0]["embedding"]
    assert many["usage"]["prompt_tokens"] == many["usage"]["total_tokens"] > 45


async def test_a_bad_word_is_never_a_fault(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Escaped NULs, control characters, emoji and long names of keys are text like any other."""
    gateway = await start_gateway(ready=False)
    odd = "a\x00b\x1f\x7f\u2028\ufeff😀"
    reply = await ask(http, gateway, {**asking(odd), odd * 50: {"x": DEEP}, "metadata": {odd: odd}})
    assert reply.status == 200
    assert reply.headers["x-gateway-dropped"] == "unknown"
    assert "Traceback" not in everything(caplog)
