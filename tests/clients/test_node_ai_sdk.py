"""The AI SDK for Node with its provider for OpenAI's API: what it makes of the answers, and what GigaChat is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.scripts import Script
from tests.clients.sdk import GatewayWith, Gigachat, soon
from tests.running import Process

pytestmark = pytest.mark.heavy

BUSY = {"Retry-After": "1"}
CALLS = [["weather", {"city": "Омск"}], ["time", {"city": "Тула"}]]
STEPS = [["tool-calls", [CALLS[0]]], ["tool-calls", [CALLS[1]]], ["stop", []]]
RESULTS = 'weather → {"n":1,"где":"Омск"}; time → {"n":2,"где":"Тула"}'
OBJECT = {"name", "steps"}


@pytest.fixture(scope="module", params=["6", "7"])
def node(request: pytest.FixtureRequest, served: Process) -> Iterator[Script]:
    """The SDK's last two major versions, pointed at the gateway."""
    with Script("ai_sdk.mjs", served.url, AI_SDK=request.param) as script:
        yield script


def test_a_text(node: Script, gigachat: Gigachat) -> None:
    """Text, end and usage; nothing but the message and what was set is sent."""
    given = node("text", "Привет 👋", {"temperature": 0.5, "maxOutputTokens": 9})
    assert "Привет 👋" in given["text"]
    assert (given["finish"], given["model"].partition(":")[0]) == ("length", "GigaChat-2")
    assert given["usage"] == [given["usage"][0], 9, given["usage"][0] + 9]
    assert gigachat.last()["body"] == {
        "model": "GigaChat-2",
        "messages": [{"role": "user", "content": "Привет 👋"}],
        "temperature": 0.5,
        "max_tokens": 9,
    }


def test_a_conversation(node: Script, gigachat: Gigachat) -> None:
    """Instructions and turns keep their order and their words."""
    turns = [
        {"role": "system", "content": "Отвечай кратко."},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "c"}]},
        {"role": "user", "content": "d"},
    ]
    assert node("turns", turns)["finish"] == "stop"
    assert [(one["role"], one["content"]) for one in gigachat.last()["body"]["messages"]] == [
        ("system", "Отвечай кратко."),
        ("user", "a\nb"),
        ("assistant", "c"),
        ("user", "d"),
    ]


def test_a_stream(node: Script, gigachat: Gigachat) -> None:
    """The parts come in order, and the usage that the SDK asks for at their end."""
    given = node("stream", "sandbox:say Да, конечно")
    assert (given["text"], given["finish"]) == ("Да, конечно", "stop")
    assert given["usage"][2] == given["usage"][0] + given["usage"][1] > 0
    assert given["kinds"] == [
        "start", "start-step", "text-start", "text-delta", "text-end", "finish-step", "finish",
    ]  # fmt: skip
    assert gigachat.last()["body"]["stream"] is True


def test_reasoning(node: Script) -> None:
    """What GigaChat thinks is the SDK's reasoning, apart from the text."""
    assert node("text", "sandbox:reasoning")["reasoning"].startswith("Пользователь спрашивает")
    kinds = node("stream", "sandbox:reasoning")["kinds"]
    assert kinds[2:8] == ["reasoning-start", "reasoning-delta", "reasoning-end", "text-start", "text-delta", "text-end"]


@pytest.mark.parametrize("case", ["text", "stream"])
def test_stop_sequences(node: Script, gigachat: Gigachat, case: str) -> None:
    """The text ends before the sequence, which GigaChat never hears of."""
    given = node(case, "sandbox:long 9", {"stopSequences": ["Фраза 3"]})
    text = "Фраза 1 из 9, phrase 1 of 9. Фраза 2 из 9, phrase 2 of 9. "
    assert (given["text"], given["finish"], given["usage"][1] > 0) == (text, "stop", True)
    assert gigachat.last()["body"].keys() == {"model", "messages", "stream"}


def test_fields_of_gigachats_own(node: Script, gigachat: Gigachat) -> None:
    """The provider's options come through: OpenAI's in their place, GigaChat's as they are."""
    own = {"user": "u", "reasoningEffort": "low", "repetition_penalty": 1.1, "flags": ["a"]}
    assert node("text", "x", {"providerOptions": {"gw": own}})["reasoning"]
    body = gigachat.last()["body"]
    assert (body["reasoning_effort"], body["repetition_penalty"], body["flags"]) == ("low", 1.1, ["a"])
    assert "user" not in body


def test_an_answer_that_was_filtered(node: Script) -> None:
    """GigaChat's black list is the SDK's filter."""
    assert node("text", "sandbox:finish blacklist")["finish"] == "content-filter"
    assert node("stream", "sandbox:finish blacklist")["finish"] == "content-filter"


def test_a_client_that_leaves(node: Script, gigachat: Gigachat) -> None:
    """A stream that is aborted ends at GigaChat too."""
    gigachat.fault("stall", after=3, seconds=5.0)
    assert node("left") == {}
    assert soon(lambda: gigachat.last()["outcome"]) == "client_gone"


@pytest.mark.parametrize("case", ["loop", "loopStream"])
def test_the_loop_of_an_agent(node: Script, gigachat: Gigachat, case: str) -> None:
    """Call, result, call, result, text: each call with its state, usage summed over the steps."""
    given = node(case)
    assert (given["calls"], given["steps"]) == (CALLS, STEPS)
    assert RESULTS in given["text"]
    assert given["total"][2] > sum(given["total"][:1]) > 0
    bodies = [request["body"] for request in gigachat.requests()]
    assert [body.get("stream", False) for body in bodies] == [case == "loopStream"] * 3
    turns = bodies[-1]["messages"]
    assert [one["role"] for one in turns] == ["user", *["assistant", "function"] * 2]
    assert [one["function_call"]["arguments"] for one in turns[1::2]] == [arguments for _, arguments in CALLS]
    assert len({one["functions_state_id"] for one in turns[1::2]}) == 2
    schema = bodies[0]["functions"][0]["parameters"]
    assert (schema["properties"]["exact"], schema["required"]) == ({"type": "boolean"}, ["city"])


def test_calls_side_by_side(node: Script, gigachat: Gigachat) -> None:
    """A turn with two calls and their results in the other order is sent as pairs; a result in parts stays whole."""
    cities = {"c1": "Омск", "c2": "Тула"}
    calls = [
        {"type": "tool-call", "toolCallId": number, "toolName": "weather", "input": {"city": city}}
        for number, city in cities.items()
    ]
    parts = [{"type": "text", "text": "два"}, {"type": "text", "text": "2"}]
    outputs = {"c2": {"type": "content", "value": parts}, "c1": {"type": "json", "value": {"t": 20}}}
    results = [
        {"type": "tool-result", "toolCallId": number, "toolName": "weather", "output": output}
        for number, output in outputs.items()
    ]
    turns = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": [{"type": "text", "text": "Сейчас."}, *calls]},
        {"role": "tool", "content": results},
    ]
    assert node("turns", turns)["finish"] == "stop"
    _, first, one, second, two = gigachat.last()["body"]["messages"]
    assert (first["content"], second["content"]) == ("Сейчас.", "")
    assert [call["function_call"]["arguments"]["city"] for call in (first, second)] == [*cities.values()]
    assert [json.loads(result["content"]) for result in (one, two)] == [{"t": 20}, {"result": parts}]


@pytest.mark.parametrize(
    ("choice", "prompt", "sent", "called"),
    [
        ("auto", "time", "auto", "time"),
        ("none", "time", "none", None),
        ("required", "time", "auto", "time"),
        ({"type": "tool", "toolName": "time"}, "x", {"name": "time"}, "time"),
    ],
    ids=["auto", "none", "required", "named"],
)
def test_tool_choice(node: Script, gigachat: Gigachat, choice: Any, prompt: str, sent: Any, called: str | None) -> None:
    """Each of the SDK's choices is what GigaChat does."""
    (step,) = node("choice", prompt, choice)["steps"]
    assert step[0] == ("tool-calls" if called else "stop")
    assert [name for name, _ in step[1]] == ([called] if called else [])
    assert gigachat.last()["body"]["function_call"] == sent


def test_schemas_that_zod_would_not_write(node: Script, gigachat: Gigachat) -> None:
    """`const`, lists of types, `$schema` and `propertyNames`: a function that GigaChat takes, with no keyword lost."""
    (step,) = node("plainSchema")["steps"]
    assert step[1][0] == ["make", {"kind": "a", "size": 1}]
    schema = gigachat.last()["body"]["functions"][0]["parameters"]
    assert schema["properties"] == {
        "kind": {"type": "string", "enum": ["a"]},
        "size": {"type": "integer", "exclusiveMinimum": 0},
    }
    assert schema["propertyNames"]["pattern"] == "^[a-z]+$"


@pytest.mark.parametrize("case", ["object", "objectStream", "output", "outputStream"])
def test_objects(node: Script, gigachat: Gigachat, case: str) -> None:
    """Objects that zod has checked, whole and growing; the schema goes to GigaChat as it is, null and all."""
    given = node(case)
    assert given["object"].keys() == OBJECT
    assert len(given["object"]["steps"]) >= 2
    assert not case.endswith("Stream") or given["parts"] > 2
    sent = gigachat.last()["body"]["response_format"]
    assert (sent["type"], sent["strict"]) == ("json_schema", True)
    unit = sent["schema"]["properties"]["steps"]["items"]["properties"]["unit"]
    assert unit["anyOf"] == [{"type": "string", "enum": ["g", "ml"]}, {"type": "null"}]


@pytest.mark.parametrize("version", ["6", "7"])
def test_objects_through_a_function(gateway_with: GatewayWith, gigachat: Gigachat, version: str) -> None:
    """The same objects where GigaChat is asked for them by a forced function."""
    gateway = gateway_with(GPT2GIGA_STRUCTURED_OUTPUT="function")
    with Script("ai_sdk.mjs", gateway.url, AI_SDK=version) as node:
        for case in ("object", "objectStream", "output", "outputStream"):
            assert node(case)["object"].keys() == OBJECT
            body = gigachat.last()["body"]
            assert body["function_call"] == {"name": body["functions"][0]["name"]}
            assert "response_format" not in body


def test_tools_and_then_an_object(node: Script, gigachat: Gigachat) -> None:
    """Functions beside a format: called first, and the format is kept to at the end."""
    given = node("outputAfterTools")
    assert (given["calls"], given["object"].keys()) == (CALLS, OBJECT)
    assert all({"functions", "response_format"} <= request["body"].keys() for request in gigachat.requests())


def test_any_json(node: Script, gigachat: Gigachat) -> None:
    """A server that is not known to take schemas is asked for a JSON object."""
    assert isinstance(json.loads(node("anyJson")["text"]), dict)
    assert gigachat.last()["body"]["response_format"] == {"type": "json_schema", "schema": {"type": "object"}}


def test_embeddings(node: Script, gigachat: Gigachat) -> None:
    """One and many, in order, with the tokens they cost."""
    given = node("embed")
    assert given["one"] == pytest.approx(given["many"][0])
    assert given["many"][0] != given["many"][1]
    assert given["usage"][1] > given["usage"][0] > 0
    assert gigachat.last("embeddings")["body"] == {"model": "Embeddings", "input": ["раз", "два"]}


@pytest.mark.parametrize(
    ("case", "status", "code", "param"),
    [
        (["wrongKey"], 401, "invalid_api_key", None),
        (["text", "x", {"temperature": -1}], 400, "invalid_value", "temperature"),
        (["strangeModel"], 404, "model_not_found", "model"),
    ],
    ids=["key", "value", "model"],
)
def test_errors(node: Script, case: list[Any], status: int, code: str, param: str | None) -> None:
    """The SDK's own error with the gateway's words, which it does not try again."""
    error = node.wrong(*case)
    assert (error["name"], error["status"], error["retryable"]) == ("APICallError", status, False)
    assert (error["data"]["code"], error["data"]["param"]) == (code, param)
    assert error["message"] == error["data"]["message"]


def test_a_stream_that_is_refused(node: Script) -> None:
    """A refusal before the first word is a real status."""
    (error,) = node("stream", "x", {"temperature": -1})["errors"]
    assert (error["status"], error["data"]["param"]) == (400, "temperature")


def test_a_stream_that_breaks(node: Script, gigachat: Gigachat) -> None:
    """An error event is an error part after the words that came."""
    for fault in ("event_error", "cut", "end"):
        gigachat.fault(fault, after=2)
        given = node("stream", "sandbox:long 9")
        assert "text-delta" in given["kinds"]
        (error,) = given["errors"]
        assert "GigaChat" in error["message"]


def test_a_busy_moment_passes_unseen(node: Script, gigachat: Gigachat) -> None:
    """The SDK waits as long as GigaChat said, and asks again."""
    gigachat.fault("status", status=429, headers=BUSY)
    assert node("retried")["finish"] == "stop"
    first, second = gigachat.requests()
    assert (first["status"], second["status"]) == (429, 200)
    assert 1.0 <= second["started"] - first["started"] < 3.0
