"""Structured output, choices, stops and reasoning through the official `openai` package."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any, Literal

import openai
import pytest
from openai import pydantic_function_tool
from pydantic import BaseModel

from tests.clients.sdk import STRICT, Gigachat, Sdk, answered, both, refused

PROSE = "GigaChat-Plus"  # ignores formats


class Colour(Enum):
    """An enum of texts."""

    RED = "красный"
    BLUE = "синий"


class Point(BaseModel):
    """Used in several places."""

    x: float
    y: float


class Circle(BaseModel):
    """One of two."""

    centre: Point
    radius: int


class Line(BaseModel):
    """One of two."""

    ends: list[Point]


class Picture(BaseModel):
    """All that pydantic's schemas have: nesting, references, unions, null, enums, lists."""

    title: str
    colour: Colour
    level: Literal[1, 2]
    note: str | None
    frame: Circle | None
    shapes: list[Circle | Line]
    tags: list[Colour]
    done: bool


class Tree(BaseModel):
    """Refers to itself."""

    name: str
    children: list[Tree]


def schema(name: str = "answer", **more: Any) -> dict[str, Any]:
    """A format of one number and one text."""
    properties = {"n": {"type": "integer", "enum": [1, 2]}, "t": {"type": "string"}}
    inner = {"type": "object", "properties": properties, "required": ["n", "t"], "additionalProperties": False}
    return {"type": "json_schema", "json_schema": {"name": name, "schema": inner, **more}}


@pytest.mark.parametrize(
    ("model", "shape"),
    [("GigaChat-2", Picture), ("GigaChat-2", Tree), ("GigaChat-2", Point), (PROSE, Picture), (PROSE, Point)],
)
def test_parse(sdk: Sdk, gigachat: Gigachat, model: str, shape: type[BaseModel]) -> None:
    """A pydantic model is what comes back, whether the model knows formats or is made to call a function."""
    parse = sdk.client.chat.completions.with_raw_response.parse
    raw = sdk.wait(parse(model=model, messages=[{"role": "user", "content": "x"}], response_format=shape))
    message = raw.parse().choices[0].message
    assert isinstance(message.parsed, shape)
    assert json.loads(message.content).keys() == shape.model_fields.keys()
    assert (message.tool_calls or []) == []
    sent = gigachat.last()["body"].get("response_format")
    if model == PROSE:
        assert sent is None
        assert raw.headers["x-gateway-adapted"].endswith("response_format->function")
        return
    assert sent["strict"] is True
    assert sent["schema"].get("$defs", {}).keys() == shape.model_json_schema().get("$defs", {}).keys()
    assert "x-gateway-adapted" not in raw.headers


@pytest.mark.parametrize("model", ["GigaChat-2", PROSE])
def test_parse_of_a_stream(sdk: Sdk, model: str) -> None:
    """`stream()` parses the whole text at its end, and the parts on the way."""
    ask = {"model": model, "messages": [{"role": "user", "content": "x"}], "response_format": Picture}
    with sdk.within(sdk.client.chat.completions.stream(**ask)) as stream:
        events = list(sdk.each(stream))
        final = sdk.wait(stream.get_final_completion()).choices[0]
    (done,) = [event for event in events if event.type == "content.done"]
    assert isinstance(done.parsed, Picture)
    assert (final.message.parsed, final.message.content) == (done.parsed, done.content)
    assert final.finish_reason == "stop"
    assert {event.type for event in events} == {"chunk", "content.delta", "content.done"}


@both
@pytest.mark.parametrize("strict", [True, False, None])
def test_a_schema(sdk: Sdk, gigachat: Gigachat, strict: bool | None, stream: bool) -> None:
    """The schema goes to GigaChat as it is, and strict mode has nothing against it."""
    given = schema() if strict is None else schema(strict=strict)
    answer = answered(sdk, "x", stream=stream, response_format=given, extra_headers=STRICT)[0]
    assert json.loads(answer.choices[0].message.content)["n"] == 1
    sent = gigachat.last()["body"]["response_format"]
    assert sent == {"type": "json_schema", "schema": given["json_schema"]["schema"]} | (
        {} if strict is None else {"strict": strict}
    )


@both
def test_a_model_that_ignores_formats(sdk: Sdk, gigachat: Gigachat, stream: bool) -> None:
    """It is made to call a function of the schema, whose arguments are the text, and the client is told."""
    answer, headers = answered(sdk, "x", stream=stream, model=PROSE, response_format=schema("my_answer"))
    choice = answer.choices[0]
    assert (choice.finish_reason, choice.message.tool_calls) == ("stop", None)
    assert json.loads(choice.message.content).keys() == {"n", "t"}
    assert json.loads(choice.message.content)["n"] == 1
    assert headers["x-gateway-adapted"] == "response_format->function"
    assert gigachat.last()["body"]["function_call"] == {"name": "my_answer"}
    before = len(gigachat.requests())
    answered(sdk, "x", stream=stream, model=PROSE, response_format=schema())
    assert len(gigachat.requests()) == before + 1  # remembered


@both
def test_strict_mode_takes_no_other_way(sdk: Sdk, gigachat: Gigachat, stream: bool) -> None:
    """What was paid for is the answer: prose where the model writes prose."""
    answer, headers = answered(sdk, "x", stream=stream, model=PROSE, response_format=schema(), extra_headers=STRICT)
    assert not answer.choices[0].message.content.startswith("{")
    assert "x-gateway-adapted" not in headers
    assert len(gigachat.requests()) == 1


@both
def test_a_format_that_is_refused(sdk: Sdk, gigachat: Gigachat, stream: bool) -> None:
    """GigaChat's 422 about the format leads to the function too; with strict mode it is the answer."""
    gigachat.fault("format_refused", times=None)
    more: dict[str, Any] = {"stream": stream, "response_format": schema(), "model": "GigaChat-2-Pro-preview"}
    answer, headers = answered(sdk, "x", **more)
    assert json.loads(answer.choices[0].message.content)["n"] == 1
    assert headers["x-gateway-adapted"] == "response_format->function"
    with pytest.raises(openai.APIStatusError) as caught:
        answered(sdk, "x", extra_headers=STRICT, **more)
    assert caught.value.status_code in {400, 422}


@both
@pytest.mark.parametrize("fault", [None, "ignore_format", "fenced_json"])
def test_json_object(sdk: Sdk, gigachat: Gigachat, fault: str | None, stream: bool) -> None:
    """Any JSON object: asked as a schema; prose gets one more try in words, and a fence is taken away for nothing."""
    if fault:
        gigachat.fault(fault)
    answer, headers = answered(sdk, "Ответь в JSON", stream=stream, response_format={"type": "json_object"})
    assert isinstance(json.loads(answer.choices[0].message.content), dict)
    assert gigachat.last()["body"]["response_format"] == {"type": "json_schema", "schema": {"type": "object"}}
    told = {"ignore_format": "response_format->instruction", "fenced_json": "response_format.extracted"}
    assert headers.get("x-gateway-adapted") == (fault and told[fault])
    assert len(gigachat.requests()) == (2 if fault == "ignore_format" else 1)


@both
def test_tools_beside_a_format(sdk: Sdk, gigachat: Gigachat, stream: bool) -> None:
    """A call when one is wanted, JSON when none is."""
    more: dict[str, Any] = {"response_format": schema(), "tools": [pydantic_function_tool(Point)], "stream": stream}
    made = answered(sdk, "Point", **more)[0].choices[0]
    assert (made.finish_reason, made.message.tool_calls[0].function.name) == ("tool_calls", "Point")
    said = answered(sdk, "x", **more)[0].choices[0]
    assert json.loads(said.message.content)["n"] == 1


@both
def test_several_choices(sdk: Sdk, gigachat: Gigachat, stream: bool) -> None:
    """Each choice is an answer of GigaChat's own, with an index; usage counts them all."""
    more: dict[str, Any] = {"stream": stream, **({"stream_options": {"include_usage": True}} if stream else {})}
    one = answered(sdk, "sandbox:long 3", **more)[0].usage
    answer = answered(sdk, "sandbox:long 3", n=2, **more)[0]
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert {choice.finish_reason for choice in answer.choices} == {"stop"}
    assert answer.choices[0].message.content == answer.choices[1].message.content
    assert answer.usage.completion_tokens == 2 * one.completion_tokens
    assert answer.usage.prompt_tokens == 2 * one.prompt_tokens
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert len(gigachat.requests()) == 3
    assert all("n" not in request["body"] for request in gigachat.requests())


@both
def test_several_choices_with_calls(sdk: Sdk, stream: bool) -> None:
    """Calls of different choices have ids of their own."""
    choices = answered(sdk, "Point", stream=stream, n=3, tools=[pydantic_function_tool(Point)])[0].choices
    assert len({choice.message.tool_calls[0].id for choice in choices}) == 3


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"n": 5}, "n"),
        ({"n": 0}, "n"),
        ({"stop": [str(number) for number in range(17)]}, "stop"),
        ({"reasoning_effort": "utmost"}, "reasoning_effort"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
    ],
)
@both
def test_mistakes_are_named(sdk: Sdk, gigachat: Gigachat, given: dict[str, Any], path: str, stream: bool) -> None:
    """A 400 says which field it is about, and GigaChat is not asked."""
    refused(sdk, gigachat, path, stream=stream, extra_headers={}, **given)


@both
@pytest.mark.parametrize(
    ("stop", "said"),
    [("СТОП", "раз два "), (["нет такого", "два"], "раз "), (["раз"], ""), ("нет", "раз два СТОП три"), ("", None)],
)
def test_stop(sdk: Sdk, gigachat: Gigachat, stop: Any, said: str | None, stream: bool) -> None:
    """The text ends before the sequence, and usage is counted all the same; GigaChat is told nothing of it."""
    whole = "раз два СТОП три"
    more: dict[str, Any] = {"stream_options": {"include_usage": True}} if stream else {}
    answer, headers = answered(sdk, f"sandbox:say {whole}", stream=stream, stop=stop, **more)
    assert (answer.choices[0].message.content or "") == (whole if said is None else said)
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.prompt_tokens > 0
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert "stop" not in gigachat.last()["body"]
    assert not headers.keys() & {"x-gateway-dropped", "x-gateway-adapted"}


@both
def test_a_stop_saves_what_would_have_followed(sdk: Sdk, gigachat: Gigachat, stream: bool) -> None:
    """A long answer is left at the sequence, with the usage of what was said."""
    more: dict[str, Any] = {"stream_options": {"include_usage": True}} if stream else {}
    gigachat.fault("stall", times=2, after=20, seconds=20.0)
    answer = answered(sdk, "sandbox:long 40", stream=stream, stop=["Фраза 3 "], n=2, **more)[0]
    said = [(choice.message.content.count("Фраза"), choice.finish_reason) for choice in answer.choices]
    assert said == [(2, "stop"), (2, "stop")]
    assert 0 < answer.usage.completion_tokens < 100
    assert max(request["chunks"] for request in gigachat.requests()) <= 20


@both
def test_a_stop_leaves_calls_and_thoughts_alone(sdk: Sdk, stream: bool) -> None:
    """Sequences are looked for in the text only."""
    answer = answered(sdk, 'sandbox:reasoning\nsandbox:call Point {"x": 1, "y": 2}', stream=stream,
                      stop=["x", "П"], tools=[pydantic_function_tool(Point)])[0].choices[0]  # fmt: skip
    assert answer.finish_reason == "tool_calls"
    assert json.loads(answer.message.tool_calls[0].function.arguments) == {"x": 1, "y": 2}
    assert answer.message.reasoning_content


@both
@pytest.mark.parametrize(
    ("effort", "sent"),
    [("low", "low"), ("medium", "medium"), ("high", "high"), ("minimal", "low"), ("xhigh", "high"), ("none", None)],
)
def test_reasoning(sdk: Sdk, gigachat: Gigachat, effort: str, sent: str | None, stream: bool) -> None:
    """The effort is GigaChat's nearest, and its thoughts come beside the text."""
    answer, headers = answered(sdk, "sandbox:say Да", stream=stream, reasoning_effort=effort)
    message = answer.choices[0].message
    assert message.content == "Да"
    assert bool(getattr(message, "reasoning_content", None)) is (sent is not None)
    assert gigachat.last()["body"].get("reasoning_effort") == sent
    changed = None if sent == effort else f"reasoning_effort={effort}->{sent or 'default'}"
    assert headers.get("x-gateway-adapted") == changed


@both
def test_thoughts_in_the_text(sdk: Sdk, stream: bool) -> None:
    """`<think>` at the very start is reasoning; further on it is text."""
    text = "a <think>b</think>"
    message = answered(sdk, f"sandbox:think Так, так\nsandbox:say {text}", stream=stream)[0].choices[0].message
    assert (message.reasoning_content, message.content) == ("Так, так", text)
    message = answered(sdk, f"sandbox:say {text}", stream=stream)[0].choices[0].message
    assert message.content == text
    assert not hasattr(message, "reasoning_content")


@both
@pytest.mark.parametrize("given", [{"reasoning_effort": "minimal"}, {"max_tokens": 64_000}, {"max_tokens": 0}])
def test_strict_mode_refuses_what_would_be_adapted(
    sdk: Sdk, gigachat: Gigachat, given: dict[str, Any], stream: bool
) -> None:
    """The field is named, and GigaChat is not asked."""
    refused(sdk, gigachat, next(iter(given)), stream=stream, **given)
