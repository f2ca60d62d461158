"""Malformed requests over the wire, field by field, down to the inner ones: each a 400 that names its field, unpaid.

The top level of chat, messages and embeddings stands in test_handlers.py; bodies that are no JSON object, cut off,
wrongly encoded, compressed or too large in test_bodies.py. Together they are more than 500 malformed bodies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from app.sandbox import server
from tests.running import GatewayStarter, Running
from tests.watching import Reply, ask, called, everything, saying

HI = saying("hi")
EMBEDDINGS = "/v1/embeddings"
F = {"type": "function", "function": {"name": "f"}}
Rows = list[tuple[Any, str]]
DEEP_TEXT = '{"a":' * 300 + "1" + "}" * 300


def deep(depth: int) -> dict[str, Any]:
    """Schemas in each other."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


def each(shape: Callable[[Any], Any], param: str, *values: Any) -> Rows:
    """A row for each of these values, for the field that they all are wrong for."""
    return [(shape(value), param) for value in values]


def within(key: str, rows: Rows) -> Rows:
    """The same rows for one field of the body."""
    return [({key: value}, param) for value, param in rows]


def function(**given: Any) -> list[Any]:
    """A tool with these fields."""
    return [{"type": "function", "function": {"name": "f", **given}}]


INNER = "tools[0].function"
TOOLS: Rows = [
    *each(lambda value: [value], "tools[0]", 5, None, "f", [], True),
    *each(lambda value: [{**F, "type": value}], "tools[0].type", 5, [], {}),
    *each(lambda value: [{**F, "function": value}], INNER, 5, "f", [], True),
    *each(lambda value: function(name=value), f"{INNER}.name", 5, "", [], {}, True, "x" * 1025),
    *each(lambda value: function(description=value), f"{INNER}.description", 5, [], {}),
    *each(lambda value: function(parameters=value), f"{INNER}.parameters", 5, "x", True, [1]),
    *each(lambda value: function(parameters={"type": value}), f"{INNER}.parameters", "string", "array", "number"),
    *each(lambda value: function(strict=value), f"{INNER}.strict", 1, "yes", {}),
    *each(lambda value: function(few_shot_examples=value), f"{INNER}.few_shot_examples", {}, [1], [{"request": 1}]),
    *each(lambda value: function(return_parameters=value), f"{INNER}.return_parameters", 5, [1], {"type": "string"}),
    ([{"type": "function", "name": 5}], "tools[0].name"),
]
FUNCTIONS: Rows = each(lambda value: [value], "functions[0]", 5, None, "f")
FUNCTIONS += each(lambda value: [{"name": value}], "functions[0].name", 5, "", [])
FUNCTIONS += each(lambda value: [{"name": "f", "parameters": value}], "functions[0].parameters", 5, "x", [1])

ALLOWED = "tool_choice.allowed_tools"


def allowed(**given: Any) -> dict[str, Any]:
    """A choice among some of the tools."""
    return {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [F], **given}}


CHOICES: Rows = [
    *each(lambda value: {"type": value}, "tool_choice.type", 5, None, "magic", []),
    ({"x": 1}, "tool_choice.type"),
    *each(lambda value: {"type": "function", "function": value}, "tool_choice.function", 5, [1], []),
    *each(lambda value: {"type": "function", "function": {"name": value}}, "tool_choice.function.name", 5, "", []),
    ({"type": "function", "function": {"name": "g"}}, "tool_choice"),
    ({"type": "allowed_tools", "allowed_tools": 5}, ALLOWED),
    *each(lambda value: allowed(mode=value), f"{ALLOWED}.mode", 5, None, "some"),
    *each(lambda value: allowed(tools=value), f"{ALLOWED}.tools", 5, None, []),
    (allowed(tools=[5]), f"{ALLOWED}.tools[0]"),
]

SCHEMA = "response_format.json_schema.schema"


def shaped(schema: Any, **more: Any) -> dict[str, Any]:
    """A format with this schema."""
    return {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, **more}}


FORMATS: Rows = [
    *each(lambda value: {"type": value}, "response_format.type", 5, None, [], "xml", "JSON_OBJECT"),
    ({"x": 1}, "response_format.type"),
    *each(lambda value: {"type": "json_schema", "json_schema": value}, "response_format.json_schema", 5, "x", []),
    *each(shaped, SCHEMA, 5, "x", [1], True),
    (shaped(deep(400)), SCHEMA),
    *each(lambda value: shaped({"$ref": value}), SCHEMA, "#/$defs/None", "https://a.example/b"),
    *each(lambda value: shaped({}, strict=value), "response_format.json_schema.strict", 1, "yes"),
    *each(lambda value: shaped({}, name=value), "response_format.json_schema.name", 5, "", "x" * 65),
    (shaped({}, description=5), "response_format.json_schema.description"),
]

CALLS = "messages[1].tool_calls"


def calling(**given: Any) -> dict[str, Any]:
    """An assistant's message."""
    return {"role": "assistant", "content": None, **given}


def values(*given: Any) -> tuple[Any, ...]:
    """Values of any type."""
    return given


# What is wrong with a call or a result of a history: it is repaired, quoted or left out.
HISTORY: list[dict[str, Any]] = [
    *(calling(tool_calls=value) for value in values(5, "x", {}, [5], [None], ["x"], [[]])),
    *(calling(tool_calls=[{**called("1", "f"), "id": value}]) for value in values(5, [], True, None)),
    *(calling(tool_calls=[{**called("1", "f"), "type": value}]) for value in values(5, "magic")),
    *(calling(tool_calls=[{"id": "1", "function": value}]) for value in values(5, None, "f", {"arguments": "{}"})),
    *(calling(tool_calls=[{"id": "1", "function": {"name": value, "arguments": "{}"}}]) for value in values("", 5, [])),
    *(
        calling(tool_calls=[{"id": "1", "function": {"name": "f", "arguments": value}}])
        for value in values(
            "{", "[1]", "5", "text", '"{}"', "{'a': 1}", '{"a": NaN}', "[" * 5000, 5, [1], True, DEEP_TEXT
        )
    ),
    calling(tool_calls=[{"id": "1", "type": "custom"}]),
    calling(tool_calls=[{"id": "1", "type": "custom", "custom": {"name": "f"}}]),
    *(calling(function_call=value) for value in values(5, "f", [], {}, {"name": 5}, {"name": ""})),
    *({"role": "tool", "tool_call_id": value, "content": "x"} for value in values(5, None, [])),
    *({"role": "tool", "tool_call_id": "1", "content": value} for value in values(5, True, {"a": 1}, deep(400))),
    *({"role": "function", "name": value, "content": "x"} for value in values(5, None)),
]

MORE: Rows = [
    *each(lambda value: {"stop": value}, "stop[1]", ["a", 5], ["a", None], ["a", []]),
    *each(lambda value: {"stream_options": {"include_usage": value}}, "stream_options.include_usage", 1, "yes", {}),
    ({"function_ranker": {"enabled": "x"}}, "function_ranker.enabled"),
    *each(lambda value: {"function_ranker": {"top_n": value}}, "function_ranker.top_n", 0, "1", 1.5, True),
    ({"flags": ["a", 5]}, "flags[1]"),
    ({"extra_body": {"temperature": "abc"}}, "temperature"),
    ({"function_call": {"name": 5}}, "function_call.name"),
    ({"functions": [{"name": "f"}], "function_call": {"name": "g"}}, "function_call"),
    ({"tool_choice": "required"}, "tool_choice"),
    ({"tools": [], "tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
    ({"seed": 2.0**70}, "seed"),
    ({"max_tokens": 2**64 - 1}, "max_tokens"),
    ({"messages": [HI["messages"][0]] * 20_001}, "messages"),
    ({"messages": [{"role": "user", "content": ["x"] * 20_001}]}, "messages[0].content"),
]
WRONG: Rows = [
    *within("tools", TOOLS),
    *within("functions", FUNCTIONS),
    *(({"tools": [F], "tool_choice": value}, param) for value, param in CHOICES),
    *within("response_format", FORMATS),
    ({"messages": [*HI["messages"], {"role": "user", "content": "x", "tool_calls": [called("1", "f")]}]}, CALLS),
    *MORE,
]
MISSING: Rows = [
    ({"tools": [{}]}, "tools[0].type"),
    ({"tools": [{"type": "function"}]}, INNER),
    ({"tools": [{"type": "function", "function": {}}]}, f"{INNER}.name"),
    ({"functions": [{}]}, "functions[0].name"),
    ({"tools": [F], "tool_choice": {"type": "function"}}, "tool_choice.function"),
    ({"tools": [F], "tool_choice": {"type": "function", "function": {}}}, "tool_choice.function.name"),
    ({"function_call": {"x": 1}}, "function_call.name"),
    ({"response_format": {"type": "json_schema"}}, SCHEMA),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "n"}}}, SCHEMA),
    *(({"messages": None, "model": model}, "messages") for model in ("GigaChat", None)),
]
VALUE, NEEDED = "invalid_value", "missing_required_parameter"


def refused(reply: Reply, code: str, param: str | None) -> None:
    """A 400 in the envelope, for this field; it says the field's name and does not repeat the body."""
    assert (reply.status, reply.error["code"], reply.error["param"]) == (400, code, param), reply.text
    assert reply.error["type"] == "invalid_request_error"
    assert param is None or f"'{param}'" in reply.error["message"] or code == VALUE
    assert len(reply.text) < 700


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("rows", "code"), [(WRONG, VALUE), (MISSING, NEEDED)], ids=["wrong", "missing"])
async def test_a_wrong_inner_field(
    rows: Rows,
    code: str,
    stream: bool,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Every inner field of the wrong type or value is a 400 for that very field; nothing is paid or raised."""
    gateway = await start_gateway(ready=False)
    for change, param in rows:
        refused(await ask(http, gateway, {**HI, "stream": stream, **change}), code, param)
    assert not sandbox.state.requests.of("chat")
    assert "Traceback" not in everything(caplog)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_no_history_is_refused(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Calls and results are read as far as they go: GigaChat answers the message behind them."""
    for message in HISTORY:
        body = {**HI, "stream": stream, "messages": [*HI["messages"], message, *HI["messages"]]}
        reply = await ask(http, gateway, body)
        assert (reply.status, reply.content) == (200, "hi"), reply.text
    assert len(sandbox.state.requests.of("chat")) == len(HISTORY)


def test_the_table_is_large() -> None:
    """No row is there twice."""
    bodies = [repr(change) for change, _ in [*WRONG, *MISSING]]
    assert len(bodies) == len(set(bodies)) > 100
