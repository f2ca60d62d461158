"""Every error that can be provoked, as the official `openai` package tells it to its user."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from tests.clients.errors import BAD, INTERNAL, REFUSALS, Seen, check, told
from tests.clients.sdk import IMPATIENT, GatewayWith, Gigachat, Sdk, free_port, logged
from tests.running import Process

HELLO = [{"role": "user", "content": "x"}]
HOLOGRAM = {"role": "user", "content": [{"type": "hologram"}]}


# What is wrong -> the body, the code, the field that is named.
REQUESTS: dict[str, tuple[Any, str, str | None]] = {
    "no object": ([], "invalid_json", None),
    "no messages": ({}, "missing_required_parameter", "messages"),
    "messages null": ({"messages": None}, "missing_required_parameter", "messages"),
    "messages no list": ({"messages": "x"}, "invalid_value", "messages"),
    "messages empty": ({"messages": []}, "invalid_value", "messages"),
    "message no object": ({"messages": ["x"]}, "invalid_value", "messages[0]"),
    "role unknown": ({"messages": [{"role": "me", "content": "x"}]}, "invalid_value", "messages[0].role"),
    "role missing": ({"messages": [{"content": "x"}]}, "invalid_value", "messages[0].role"),
    "content a number": ({"messages": [{"role": "user", "content": 1}]}, "invalid_value", "messages[0].content"),
    "content empty": ({"messages": [{"role": "user", "content": ""}]}, "invalid_value", "messages[0]"),
    "part unknown": ({"messages": [*HELLO, HOLOGRAM]}, "invalid_value", "messages[1].content[0].type"),
    "temperature a word": ({"messages": HELLO, "temperature": "abc"}, "invalid_value", "temperature"),
    "temperature negative": ({"messages": HELLO, "temperature": -1}, "invalid_value", "temperature"),
    "top_p above 1": ({"messages": HELLO, "top_p": 1.5}, "invalid_value", "top_p"),
    "max_tokens negative": ({"messages": HELLO, "max_tokens": -2}, "invalid_value", "max_tokens"),
    "max_tokens beyond all": ({"messages": HELLO, "max_tokens": 10**23}, "invalid_value", "max_tokens"),
    "max_tokens a half": ({"messages": HELLO, "max_completion_tokens": 0.5}, "invalid_value", "max_completion_tokens"),
    "stream a word": ({"messages": HELLO, "stream": "yes"}, "invalid_value", "stream"),
    "stream_options a word": ({"messages": HELLO, "stream_options": "x"}, "invalid_value", "stream_options"),
    "model a number": ({"messages": HELLO, "model": 4}, "invalid_value", "model"),
    "model empty": ({"messages": HELLO, "model": ""}, "invalid_value", "model"),
    "metadata a list": ({"messages": HELLO, "metadata": ["a"]}, "invalid_value", "metadata"),
}


@pytest.mark.parametrize(("body", "code", "param"), REQUESTS.values(), ids=REQUESTS)
def test_a_request_that_can_not_be(sdk: Sdk, gigachat: Gigachat, body: Any, code: str, param: str | None) -> None:
    """The client's own mistake is a 400 that names the field, and GigaChat is not asked."""
    with pytest.raises(openai.APIStatusError) as caught:
        sdk.wait(sdk.make(max_retries=2).post("/chat/completions", body=body, cast_to=object))
    check(caught.value, Seen(BAD, 400, code, param=param))
    assert gigachat.requests() == []


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("fault", "seen"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_of_gigachats(sdk: Sdk, gigachat: Gigachat, fault: dict[str, Any], seen: Seen, stream: bool) -> None:
    """GigaChat's refusal is a row of the table, for a stream as for a whole answer."""
    gigachat.fault("status", **fault)
    with pytest.raises(openai.APIStatusError) as caught:
        sdk.chat("x", stream=stream)
    check(caught.value, seen)


FAILURES: dict[str, tuple[dict[str, Any], Seen]] = {
    "html 200": ({"kind": "html_200"}, Seen(INTERNAL, 502, "upstream_error", "server_error")),
    "cut": ({"kind": "cut"}, Seen(INTERNAL, 502, "upstream_error", "server_error")),
    "reset": ({"kind": "cut", "rst": True}, Seen(INTERNAL, 502, "upstream_error", "server_error")),
    "down": ({"kind": "down", "times": None}, Seen(INTERNAL, 502, "upstream_error", "server_error")),
}


@pytest.mark.parametrize(("fault", "seen"), FAILURES.values(), ids=FAILURES)
def test_an_answer_that_does_not_come(sdk: Sdk, gigachat: Gigachat, fault: dict[str, Any], seen: Seen) -> None:
    """Half an answer, a page, or none at all is GigaChat's fault, and told as such."""
    gigachat.fault(**fault)
    with pytest.raises(openai.APIStatusError) as caught:
        sdk.chat("x")
    check(caught.value, seen)


def test_a_model_that_fails(sdk: Sdk) -> None:
    """GigaChat's finish reason `error` is an error, no empty answer."""
    with pytest.raises(openai.InternalServerError) as caught:
        sdk.chat("sandbox:finish error")
    check(caught.value, Seen(INTERNAL, 502, "upstream_generation_error", "server_error", tries=3))


def test_a_wrong_key(sdk: Sdk, gigachat: Gigachat) -> None:
    """One request, one clear answer, nothing of the key in it."""
    with pytest.raises(openai.AuthenticationError) as caught:
        sdk.chat("x", sdk.make(api_key="sk-wrong-key", max_retries=2))
    check_key = Seen(openai.AuthenticationError, 401, "invalid_api_key")
    assert told(caught.value) == (*check_key[:5], None)
    assert "sk-wrong" not in caught.value.response.text
    assert gigachat.requests() == []


def test_a_model_that_is_not_there(sdk: Sdk) -> None:
    """GigaChat's own 404."""
    with pytest.raises(openai.NotFoundError) as caught:
        sdk.chat("x", model="NoSuchModel")
    check(caught.value, Seen(openai.NotFoundError, 404, "model_not_found", param="model"))


def test_what_is_not_served(sdk: Sdk) -> None:
    """Other parts of OpenAI's API are a 404 or 405 that says what there is."""
    with pytest.raises(openai.NotFoundError) as caught:
        sdk.wait(sdk.client.fine_tuning.jobs.list())
    check(caught.value, Seen(openai.NotFoundError, 404, "unknown_url"))
    assert "/v1/chat/completions" in caught.value.message
    with pytest.raises(openai.APIStatusError) as denied:
        sdk.wait(sdk.client.models.delete("GigaChat-2"))
    check(denied.value, Seen(openai.APIStatusError, 405, "method_not_allowed"))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_gigachats_time_out(sdk: Sdk, gateway_with: GatewayWith, stream: bool) -> None:
    """An answer that does not begin in time is a 504; the SDK does not ask, and pay, again."""
    client = sdk.make(gateway_with(**IMPATIENT).url, max_retries=2)
    with pytest.raises(openai.InternalServerError) as caught:
        sdk.chat("sandbox:wait 5", client, stream=stream)
    check(caught.value, Seen(INTERNAL, 504, "upstream_timeout", "server_error"))


@pytest.mark.parametrize(
    ("size", "seen"),
    [
        (9_000, Seen(openai.APIStatusError, 413, "request_too_large")),
        (5_000, Seen(INTERNAL, 503, "overloaded", "server_error", tries=3, retry_after="1")),
    ],
)
def test_bodies_that_are_too_large(sdk: Sdk, gateway_with: GatewayWith, size: int, seen: Seen) -> None:
    """One body over its limit is the client's fault for good; all bodies together over theirs is a matter of time."""
    with pytest.raises(openai.APIStatusError) as caught:
        sdk.chat("x" * size, sdk.make(gateway_with(**IMPATIENT).url))
    check(caught.value, seen)


def test_gigachat_can_not_be_reached(sdk: Sdk, gateway_with: GatewayWith) -> None:
    """Nobody listens where GigaChat should be: a 502 that says so without an address."""
    gateway = gateway_with(ready=False, GIGACHAT_BASE_URL="http://127.0.0.1:9/v1")
    with pytest.raises(openai.InternalServerError) as caught:
        sdk.chat("x", sdk.make(gateway.url))
    check(caught.value, Seen(INTERNAL, 502, "upstream_error", "server_error"))


def test_there_is_no_token(sdk: Sdk, gateway_with: GatewayWith) -> None:
    """OAuth is down and no ready token is there: a 503 that may be tried again, when the gateway will have tried."""
    gateway = gateway_with(ready=False, GIGACHAT_AUTH_URL="http://127.0.0.1:9/api/v2/oauth")
    with pytest.raises(openai.InternalServerError) as caught:
        sdk.chat("x", sdk.make(gateway.url))
    after = caught.value.response.headers["retry-after"]
    seen = Seen(INTERNAL, 503, "upstream_credentials_exhausted", "server_error", tries=3, retry_after=after)
    check(caught.value, seen)
    assert 1 <= int(after) <= 60


def test_nobody_listens(sdk: Sdk) -> None:
    """Without a gateway the SDK says that it could not connect."""
    with pytest.raises(openai.APIConnectionError) as caught:
        sdk.chat("x", sdk.make(f"http://127.0.0.1:{free_port()}/v1"))
    assert not isinstance(caught.value, openai.APITimeoutError)


def test_the_log_tells_the_same(sdk: Sdk, gigachat: Gigachat, served: Process) -> None:
    """The id that the user sees finds the line, which bears the same status."""
    gigachat.fault("status", status=402)
    with pytest.raises(openai.RateLimitError) as caught:
        sdk.chat("x")
    line = logged(served, str(caught.value.request_id))
    assert (line["status"], line["wire_status"], line["error_type"]) == (429, 429, "upstream_402")
    assert line["upstream_status"] == 402
    assert "x" not in json.dumps(line.get("error") or "")
