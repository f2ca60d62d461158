"""The official `openai` package for Node: what it makes of the gateway's answers, and what GigaChat is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.scripts import Script
from tests.clients.sdk import Gigachat, soon
from tests.dropped import DROPPED, DROPPED_NAME
from tests.running import Process

pytestmark = pytest.mark.heavy

BUSY = {"Retry-After": "1"}
HELD = ["title", "kind", "capital", "cities"]


@pytest.fixture(scope="module")
def node(served: Process) -> Iterator[Script]:
    """The package, pointed at the gateway."""
    with Script("openai.mjs", served.url) as script:
        yield script


def test_a_whole_answer(node: Script, gigachat: Gigachat) -> None:
    """Text and usage in the package's form; nothing was lost on the way."""
    given = node("text", "Привет 👋", {"temperature": 0.5, "max_tokens": 9})
    (choice,) = given["choices"]
    assert "Привет 👋" in choice["message"]["content"]
    assert given["id"] == f"chatcmpl-{given['request_id']}"
    assert given["usage"]["total_tokens"] == given["usage"]["prompt_tokens"] + given["usage"]["completion_tokens"]
    assert given["told"] == [None, None]
    assert gigachat.last()["body"] == {
        "model": "GigaChat",
        "messages": [{"role": "user", "content": "Привет 👋"}],
        "temperature": 0.5,
        "max_tokens": 9,
    }


def test_what_is_lost_is_told(node: Script, gigachat: Gigachat) -> None:
    """Fields that GigaChat has not are named in the headers."""
    given = node("text", "x", {**DROPPED, "unheard": 1})
    assert given["told"] == [None, f"{DROPPED_NAME}, unknown"]
    assert gigachat.last()["unknown"] == []


@pytest.mark.parametrize("usage", [False, True])
def test_chunks(node: Script, usage: bool) -> None:
    """Role, words, end; usage in a chunk of its own when it was asked for, null before it, absent otherwise."""
    more = {"stream_options": {"include_usage": True}} if usage else {}
    first, *others = node("chunks", "sandbox:say Да, конечно", more)
    assert first["choices"][0]["delta"]["role"] == "assistant"
    if usage:
        last = others.pop()
        assert (last["choices"], last["usage"]["completion_tokens"] > 0) == ([], True)
    assert [chunk.get("usage", "none") for chunk in others] == [None if usage else "none"] * len(others)
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in others) == "Да, конечно"
    assert [chunk["choices"][0]["finish_reason"] for chunk in others[-2:]] == [None, "stop"]


def test_the_packages_own_reading(node: Script) -> None:
    """`stream()` puts together the same answer as `create`, and tells it in its events."""
    given = node("stream", "привет")
    choice = given["final"]["choices"][0]
    assert (
        choice["message"]["content"] == given["content"] == node("text", "привет")["choices"][0]["message"]["content"]
    )
    assert choice["finish_reason"] == "stop"
    assert given["usage"]["total_tokens"] == given["usage"]["prompt_tokens"] + given["usage"]["completion_tokens"]
    assert given["events"][0] == "connect"
    assert given["events"][-3:] == ["message", "finalContent", "end"]


def test_many_at_once(node: Script, gigachat: Gigachat) -> None:
    """Each answer comes to the one who asked."""
    texts = [f"sandbox:say номер {number}" for number in range(20)]
    assert node("together", texts) == [text.removeprefix("sandbox:say ") for text in texts]
    assert len(gigachat.requests()) == 20


def test_a_client_that_leaves(node: Script, gigachat: Gigachat) -> None:
    """A loop that is left ends the stream at GigaChat too."""
    gigachat.fault("stall", after=3, seconds=5.0)
    assert node("left") == {"aborted": True}
    assert soon(lambda: gigachat.last()["outcome"]) == "client_gone"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_run_tools(node: Script, gigachat: Gigachat, stream: bool) -> None:
    """The package calls one function after the other, and each state goes back to GigaChat with its call."""
    given = node("runTools", stream)
    assert given["calls"] == [["weather", {"city": "Омск"}], ["time", {"city": "Тула"}]]
    assert 'weather → {"n":1,"где":"Омск"}; time → {"n":2,"где":"Тула"}' in given["content"]
    assert given["usage"]["total_tokens"] > 0
    ids = [call["id"] for message in given["messages"] for call in message.get("tool_calls", ())]
    bodies = [request["body"] for request in gigachat.requests()]
    assert [body.get("stream", False) for body in bodies] == [stream] * 3
    assert [one["role"] for one in bodies[-1]["messages"]] == ["user", *["assistant", "function"] * 2]
    sent = [one["functions_state_id"] for one in bodies[-1]["messages"] if one["role"] == "assistant"]
    assert [f"{state.replace('-', '')}-v1-0" for state in sent] == ids


def test_calls_side_by_side(node: Script, gigachat: Gigachat) -> None:
    """A history with two calls in one message is sent as pairs, each call with its own result."""
    content = node("history")["choices"][0]["message"]["content"]
    assert 'weather → {"t": 20}; time → {"result":"полдень"}' in content
    called = {"city": "Омск"}
    assert gigachat.last()["body"]["messages"][1:] == [
        {"role": "assistant", "content": "", "function_call": {"name": "weather", "arguments": called}},
        {"role": "function", "name": "weather", "content": '{"t": 20}'},
        {"role": "assistant", "content": "", "function_call": {"name": "time", "arguments": called}},
        {"role": "function", "name": "time", "content": '{"result":"полдень"}'},
    ]


@pytest.mark.parametrize("case", ["parse", "parseStream"])
def test_zod_formats(node: Script, gigachat: Gigachat, case: str) -> None:
    """An object that zod has checked; the schema goes to GigaChat as it is."""
    message = node(case, "GigaChat-2")
    assert message["parsed"] == json.loads(message["content"])
    assert message["parsed"].keys() == set(HELD)
    assert case == "parse" or len(message["parts"]) > 1
    sent = gigachat.last()["body"]["response_format"]
    assert (sent["type"], sent["strict"]) == ("json_schema", True)
    assert sent["schema"]["required"] == [*sent["schema"]["properties"]] == HELD
    assert sent["schema"]["properties"]["capital"]["properties"]["river"]["type"] == ["string", "null"]


# What a model does with formats is remembered: each case has one of its own.
@pytest.mark.parametrize(
    ("case", "fault", "model"),
    [
        ("parse", "ignore_format", "GigaChat-Pro"),
        ("parse", "format_refused", "GigaChat-Max"),
        ("parseStream", "ignore_format", "GigaChat-Pro-preview"),
        ("parseStream", "format_refused", "GigaChat-Max-preview"),
    ],
)
def test_zod_formats_another_way(node: Script, gigachat: Gigachat, case: str, fault: str, model: str) -> None:
    """Where a model ignores the format or GigaChat refuses it, a function brings the object."""
    gigachat.fault(fault)
    message = node(case, model)
    assert message["parsed"] == json.loads(message["content"])
    assert message["parsed"].keys() == set(HELD)
    first, second = (request["body"] for request in gigachat.requests())
    assert ("response_format" in first, "response_format" in second) == (True, False)
    assert second["function_call"] == {"name": second["functions"][0]["name"]} == {"name": "country"}


def test_zod_formats_that_hold_themselves(node: Script, gigachat: Gigachat) -> None:
    """A schema that refers to itself goes to GigaChat as it is."""
    parsed = node("parseRecursive")
    assert parsed.keys() == {"name", "children"}
    assert gigachat.last()["body"]["response_format"]["schema"]["properties"]["children"]["items"] == {"$ref": "#"}


def test_a_format_that_was_cut_off(node: Script) -> None:
    """The package hears that the limit was met, and parses nothing."""
    assert node.wrong("parseCut")["name"] == "LengthFinishReasonError"


def test_zod_functions(node: Script, gigachat: Gigachat) -> None:
    """Numbers of an enum and a null that GigaChat has no words for are what zod wants again."""
    assert node("parseCall") == [["spin", {"times": 2, "where": None}]]
    properties = gigachat.last()["body"]["functions"][0]["parameters"]["properties"]
    assert properties == {"times": {"type": "string", "enum": ["1", "2"]}, "where": {"type": "string"}}
    assert node("parseCall", {"tool_choice": "required"}) == [["spin", {"times": 2, "where": None}]]
    assert gigachat.last()["body"]["function_call"] == {"name": "spin"}


def test_embeddings(node: Script, gigachat: Gigachat) -> None:
    """Base64, which the package asks for unless told, and floats are the same numbers, in order."""
    packed, plain = (node("embeddings", ["раз", "два"], more) for more in ({}, {"encoding_format": "float"}))
    assert packed["order"] == plain["order"] == [0, 1]
    assert len(packed["vectors"]) == 2
    for near, exact in zip(packed["vectors"], plain["vectors"], strict=True):
        assert near == pytest.approx(exact, abs=1e-6)
        assert len(exact) > 100
    assert packed["usage"] == plain["usage"]
    assert gigachat.last("embeddings")["body"] == {"model": "Embeddings", "input": ["раз", "два"]}


def test_models(node: Script) -> None:
    """The list is GigaChat's with OpenAI's names, and each can be asked for."""
    given = node("models")
    assert {"GigaChat-2-Max", "Embeddings", "gpt-4o"} <= set(given["ids"])
    assert (given["one"]["id"], given["one"]["object"]) == ("gpt-4o", "model")


@pytest.mark.parametrize(
    ("case", "status", "name", "code", "param"),
    [
        (["wrongKey"], 401, "AuthenticationError", "invalid_api_key", None),
        (["text", "x", {"temperature": "hot"}], 400, "BadRequestError", "invalid_value", "temperature"),
        (["chunks", "x", {"messages": None}], 400, "BadRequestError", "missing_required_parameter", "messages"),
        (["text", "x", {"model": "none-such"}], 404, "NotFoundError", "model_not_found", "model"),
        (["embeddings", [[1, 2]]], 400, "BadRequestError", "invalid_value", "input"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_errors(node: Script, case: list[Any], status: int, name: str, code: str, param: str | None) -> None:
    """The package's own error for the status, with the field that is wrong, and the request's id."""
    error = node.wrong(*case)
    assert (error["status"], error["name"], error["code"], error["param"]) == (status, name, code, param)
    assert error["type"] == "invalid_request_error"
    assert re.fullmatch(r"[0-9a-f-]{36}", error["requestID"])


def test_a_stream_that_breaks(node: Script, gigachat: Gigachat) -> None:
    """A broken answer never looks like a whole one."""
    for fault, code in (("event_error", "upstream_error"), ("cut", "stream_truncated"), ("end", "stream_truncated")):
        gigachat.fault(fault, after=2)
        error = node.wrong("chunks", "sandbox:long 9")
        assert (error["name"], error["code"], error["type"]) == ("APIError", code, "server_error")


def test_a_busy_moment_passes_unseen(node: Script, gigachat: Gigachat) -> None:
    """The package waits as long as GigaChat said, and asks again."""
    gigachat.fault("status", status=429, headers=BUSY)
    assert node("retried")["choices"][0]["finish_reason"] == "stop"
    first, second = gigachat.requests()
    assert (first["status"], second["status"]) == (429, 200)
    assert 1.0 <= second["started"] - first["started"] < 3.0
