"""What a client may get wrong: bodies that are no JSON, and every field with values of the wrong kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.wire.cases import CHAT, EMBEDDINGS, Case, Group, Json, Step, ask, called, case, distinct, message, talk, tool

HI = message("привет")
F = tool("f")
NO_JSON: dict[str, bytes] = {
    "nothing": b"",
    "spaces": b"  \n",
    "a list": b"[]",
    "a word": b"hello",
    "cut off": b'{"a": ',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "no UTF-8": b'{"model": "GigaChat",\n "user": "\xff"}',
    "half a surrogate": b'{"a":"\xed\xa0\x80"}',
    "a comment": b"{/* a */}",
    "a lone comma": b"{,}",
    "no colon": b'{"model" "GigaChat"}',
    "an unknown escape": b'{"a":"\\x41"}',
    "NaN": b'{"temperature": NaN}',
    "a huge number": b'{"temperature": 1e999}',
    "1,025 levels": b'{"a":' + b"[" * 1025 + b"]" * 1025 + b"}",
    "a page": b"<html></html>",
    "two of them": b'{"a":1}\n{"b":2}',
}
# field -> values that are wrong for it
TOP: dict[str, tuple[Any, ...]] = {
    "model": (5, "", " ", "openai/", "x" * 257, []),
    "messages": (None, [], 5, "привет", {}, [5], [None], [{}], [{"role": "user", "content": 5}], [{"content": "x"}]),
    "stream": (1, "yes", []),
    "stream_options": (5, [], {"include_usage": 1}),
    "temperature": ("abc", -1, True, [], {}),
    "top_p": (2, -0.1, "1"),
    "max_tokens": (-1, 1.5, "5", True, 2**64),
    "max_completion_tokens": (-1, "x"),
    "n": (0, 5, -1, 1.5, "2", True),
    "stop": (5, ["a", 5], ["a"] * 5, "x" * 257, {}),
    "tools": (5, "x", {}, [5], [{}], [{"type": 5}]),
    "functions": (5, [5], [{}], [{"name": ""}], [{"name": "f", "parameters": 5}]),
    "function_call": (5, "required", {}, {"name": 5}),
    "parallel_tool_calls": (1, "yes"),
    "response_format": (
        5,
        "json",
        {},
        {"type": "xml"},
        {"type": "json_schema"},
        {"type": "json_schema", "json_schema": 5},
    ),
    "reasoning_effort": (5, "extreme", ""),
    "repetition_penalty": (0, -1, "x"),
    "update_interval": (-1, "x"),
    "profanity_check": (1, "yes"),
    "flags": ("a", ["a", 5]),
    "function_ranker": (5, {"enabled": "x"}, {"top_n": 0}, {"a": []}),
    "user": (5, []),
    "metadata": ("x", []),
    "seed": (1.5, "x", 2.0**70),
    "logit_bias": ([], 5),
    "presence_penalty": (3, "x"),
    "top_logprobs": (-1, "x"),
    "service_tier": (5,),
    "extra_body": (5, {"temperature": "abc"}),
}
_FUNCTION: dict[str, tuple[Any, ...]] = {
    "name": (5, "", None, "x" * 65),
    "description": (5, []),
    "parameters": (5, "x", {"type": "string"}),
    "strict": (1, "yes"),
    "few_shot_examples": ({}, [1], [{"request": 1}]),
    "return_parameters": (5, {"type": "string"}),
}
CHOICES: tuple[Any, ...] = (
    5,
    "any",
    {},
    {"type": "magic"},
    {"type": "custom", "custom": {"name": "x"}},
    {"type": "function"},
    {"type": "function", "function": {"name": "g"}},
    {"type": "function", "function": {"name": ""}},
    {"type": "allowed_tools", "allowed_tools": 5},
    {"type": "allowed_tools", "allowed_tools": {"mode": "some", "tools": [F]}},
    {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}},
    {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [tool("g")]}},
)
SCHEMAS: tuple[Any, ...] = (5, "x", [], {"$ref": "#/$defs/None"}, {"$ref": "https://a.example/b"})


def _history() -> Iterator[Any]:
    """Messages that are wrong behind a good one."""
    yield from (
        message("x", "king"),
        message({"a": 1}),
        message([{"type": "magic"}]),
        message([{"text": "x"}]),
        message([5]),
    )
    yield from (message("x", tool_calls=[called("1", "f")]), message("x", "assistant", tool_calls=5))
    calls: tuple[Any, ...] = (
        5,
        {"type": "function", "function": {"name": "f"}},
        {"id": 5, "function": {"name": "f"}},
        {"id": "1", "type": "magic", "function": {"name": "f"}},
        {"id": "1", "function": {"arguments": "{}"}},
        {"id": "1", "type": "custom", "custom": {"name": "f"}},
        *(called("1", "f", value) for value in ("{", "[1]", "5", '"{}"', 5, True)),
    )
    yield from (message(None, "assistant", tool_calls=[one]) for one in calls)
    yield from (message(None, "assistant", function_call=one) for one in (5, {}, {"name": ""}))
    yield from (message("x", "tool"), message("x", "tool", tool_call_id=5), message(5, "tool", tool_call_id="1"))
    yield from (message("x", "function"), message("x", "function", name=5), message("x", name=5))


def _shaped(schema: Any, **more: Any) -> Json:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, **more}}}


def _each(name: str, values: tuple[Any, ...], shape: Callable[[Any], Json]) -> list[Case]:
    return [case(f"{name}, {number + 1}", {**ask("x"), **shape(value)}) for number, value in enumerate(values)]


def _cases() -> tuple[Case, ...]:
    found = [Case(f"no JSON, {name}", (Step(data=data),)) for name, data in NO_JSON.items()]
    found += [
        Case(f"no JSON for embeddings, {name}", (Step(data=NO_JSON[name], path=EMBEDDINGS),))
        for name in ("a list", "cut off")
    ]
    for field, values in TOP.items():
        found += _each(field, values, lambda value, field=field: {field: value})  # type: ignore[misc]
    for field, values in _FUNCTION.items():
        found += _each(
            f"function's {field}",
            values,
            lambda value, field=field: {"tools": [{"type": "function", "function": {"name": "f", field: value}}]},  # type: ignore[misc]
        )
    found += _each("tool_choice", CHOICES, lambda value: {"tools": [F], "tool_choice": value})
    found += _each(
        "a choice without tools",
        ("required", {"type": "function", "function": {"name": "f"}}),
        lambda value: {"tool_choice": value},
    )
    found += _each("schema", SCHEMAS, _shaped)
    found += _each("format's strict", (1, "yes"), lambda value: _shaped({}, strict=value))
    found += _each("format's name", (5, "", "x" * 65), lambda value: _shaped({}, name=value))
    found += [case(f"history, {number + 1}", talk(HI, one)) for number, one in enumerate(_history())]
    found.append(case("a mistake in a stream", ask("x", stream=True, temperature="abc")))
    found.append(case("a model that there is not", ask("x", model="Nope")))
    found.append(case("a model that there is not, streamed", ask("x", model="Nope", stream=True)))
    found.append(case("a model for embeddings", ask("x", model="Embeddings")))
    found.append(case("credentials as a key", ask("x"), headers={"Authorization": "Bearer giga-cred-x"}))
    return tuple(found)


_KEY = {"GPT2GIGA_API_KEY": "the-gateways-key"}


def _keys() -> tuple[Case, ...]:
    right = {"Authorization": "Bearer the-gateways-key"}
    tries: dict[str, dict[str, str]] = {
        "none": {},
        "wrong": {"Authorization": "Bearer wrong"},
        "of another scheme": {"Authorization": "Basic the-gateways-key"},
        "in lower case": {"Authorization": "bearer the-gateways-key"},
        "in x-api-key": {"x-api-key": "the-gateways-key"},
        "right": right,
        "right, with a tenant": {**right, "X-Tenant-ID": "t1"},
        "right, with a strange origin": {**right, "Origin": "https://evil.example"},
        "right, with a strange host": {**right, "Host": "evil.example"},
    }
    found = [case(f"key {name}", ask("sandbox:say ключ"), headers=headers) for name, headers in tries.items()]
    for method, path in (
        ("GET", "/v1/models"),
        ("GET", "/health"),
        ("GET", "/v1/nothing"),
        ("DELETE", CHAT),
        ("GET", "/"),
    ):
        found.append(Case(f"no key, {method} {path}", (Step(path=path, method=method),)))
    return tuple(found)


GROUPS = (Group("refusals", distinct(_cases())), Group("keys", distinct(_keys()), _KEY))
