"""Tools and the older functions: definitions, choices, calls, results, schemas as real clients send them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.wire.cases import (
    PACED,
    Case,
    Group,
    Json,
    Reply,
    Step,
    ask,
    both,
    called,
    case,
    distinct,
    fault,
    message,
    talk,
    tool,
)

WEATHER, TIME = tool("get_weather"), tool("get_time", {"zone": {"type": "string"}}, required=["zone"])
BOTH = [WEATHER, TIME]
LEGACY = [WEATHER["function"], TIME["function"]]
NAMED: Json = {"type": "function", "function": {"name": "get_weather"}}
CALL = 'sandbox:call get_weather {"city": "Омск", "days": 3}'

CHOICES: dict[str, Json] = {
    "auto": {"tool_choice": "auto"},
    "none": {"tool_choice": "none"},
    "required of one": {"tools": [WEATHER], "tool_choice": "required"},
    "required of two": {"tool_choice": "required"},
    "named": {"tool_choice": NAMED},
    "named, flat": {"tool_choice": {"type": "function", "name": "get_time"}},
    "allowed, auto": {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NAMED]}}},
    "allowed, required": {"tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [NAMED]}},
    "parallel": {"parallel_tool_calls": True},
    "not parallel": {"parallel_tool_calls": False},
    "a choice of both forms": {"tool_choice": NAMED, "function_call": {"name": "get_time"}},
    "unknown keys of a choice": {"tool_choice": {**NAMED, "foo": 1}},
}
DEFINITIONS: dict[str, list[Any]] = {
    "no description": [{"type": "function", "function": {"name": "f"}}],
    "flat": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
    "no type": [{"function": {"name": "f"}}],
    "strict": [{"type": "function", "function": {**WEATHER["function"], "strict": True}}],
    "strict outside": [{**WEATHER, "strict": True}],
    "other types": [{"type": "web_search"}, {"type": "custom", "custom": {"name": "x"}}, WEATHER],
    "twice the same": [WEATHER, WEATHER],
    "twice, different": [WEATHER, tool("get_weather", {"place": {"type": "integer"}})],
    "a name to be changed": [tool("узнать.погоду/сейчас"), tool("a b")],
    "unknown keys": [{**WEATHER, "foo": 1, "function": {**WEATHER["function"], "bar": 2, "defer_loading": True}}],
    "GigaChat's own": [
        {
            "type": "function",
            "function": {
                **WEATHER["function"],
                "few_shot_examples": [{"request": "Погода?", "params": {"city": "Омск"}}],
                "return_parameters": {"type": "object", "properties": {"t": {"type": "number"}}},
            },
        }
    ],
    "PHP's empty maps": [{"type": "function", "function": {"name": "f", "parameters": []}}],
}


def _history(*answers: Json, calls: list[Json] | None = None, **more: Any) -> list[Json]:
    made = calls if calls is not None else [called("call_1", "get_weather")]
    return [message("погода?"), message(None, "assistant", tool_calls=made, **more), *answers]


def _result(number: str, content: Any = '{"t": 5}', **more: Any) -> Json:
    return message(content, "tool", tool_call_id=number, **more)


OURS = "7f1d2c3a111142228333944445555666-v1-0"
HISTORIES: dict[str, list[Json]] = {
    "a result": _history(_result("call_1")),
    "a result of text": _history(_result("call_1", "пять градусов")),
    "a result of parts": _history(_result("call_1", [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])),
    "an empty result": _history(_result("call_1", "")),
    "no result": _history(message("забудь")),
    "a result of nothing": [message("погода?"), _result("call_9", name="get_weather"), message("ну?")],
    "two calls": _history(
        _result("2", "вторая"),
        _result("1", "первая"),
        calls=[called("1", "get_weather"), called("2", "get_time", '{"zone": "UTC"}')],
    ),
    "words before a call": _history(_result("call_1"), content_before=None),
    "an id of ours": _history(_result(OURS), calls=[called(OURS, "get_weather")]),
    "empty ids": _history(_result(""), calls=[called("", "get_weather")]),
    "arguments as an object": _history(_result("call_1"), calls=[called("call_1", "get_weather", {"city": "Омск"})]),
    "no arguments": _history(_result("call_1"), calls=[called("call_1", "get_weather", "")]),
    "large numbers": _history(
        _result("call_1"), calls=[called("call_1", "get_weather", '{"n": 123456789012345678901}')]
    ),
    "a custom call": _history(
        _result("1"), calls=[{"id": "1", "type": "custom", "custom": {"name": "get_weather", "input": "Омск"}}]
    ),
    "a stranger's name": _history(_result("1"), calls=[called("1", "чужая функция")]),
    "both forms": _history(_result("call_1"), function_call={"name": "get_weather", "arguments": '{"city": "Омск"}'}),
}
OLDER: dict[str, list[Json]] = {
    "an older result": [
        message("погода?"),
        message(None, "assistant", function_call={"name": "get_weather", "arguments": "{}"}),
        message("пять", "function", name="get_weather"),
    ],
    "an older result of nothing": [message("погода?"), message("пять", "function", name="get_weather")],
}
del HISTORIES["words before a call"][1]["content_before"]
HISTORIES["words before a call"][1]["content"] = "Сейчас посмотрю."

SPOILT: dict[str, Json] = {
    "arguments as text": fault("call_text"),
    "broken arguments": fault("call_broken"),
    "unfit arguments": fault("call_unfit"),
    "a stranger": fault("call_stranger"),
    "words before the call": fault("call_after_text"),
    "a bare call": fault("call_bare"),
    "an end apart": fault("call_apart"),
    "no state": fault("no_state"),
    "a failed call": fault("call_error"),
    "a failed call that is shown": fault("call_error", shown=True),
}


def _again(replies: Sequence[Reply]) -> Step:
    """The call of the first reply with its result, as a client sends it back."""
    said = replies[0].json["choices"][0]["message"]
    result = _result(said["tool_calls"][0]["id"])
    return Step(talk(message(CALL), said, result, tools=BOTH))


def _again_older(replies: Sequence[Reply]) -> Step:
    said = replies[0].json["choices"][0]["message"]
    return Step(talk(message(CALL), said, message("пять", "function", name="get_weather"), functions=LEGACY))


def _agents(*, prefix: str = "") -> tuple[Case, ...]:
    """Turns of an agent: a call, its result, the answer; GigaChat's state goes back with the id."""
    refused = fault("state_refused")

    def with_refusal(replies: Sequence[Reply]) -> Step:
        again = _again(replies)
        return Step(again.body, faults=(refused,))

    first = Step(ask(CALL, tools=BOTH))
    return (
        Case(f"{prefix}an agent's turn", (first, _again)),
        Case(f"{prefix}a state that is refused", (first, with_refusal)),
        Case(f"{prefix}an older agent's turn", (Step(ask(CALL, functions=LEGACY)), _again_older)),
    )


def _cases() -> tuple[Case, ...]:
    found: list[Case] = []
    for name, more in CHOICES.items():
        found += both(f"choice {name}", {**ask(CALL, tools=BOTH), **more})
    found += both(
        "choice required, and prose", ask("sandbox:say не буду", tools=BOTH, tool_choice="required"), faults=(PACED,)
    )
    found += both("no call", ask("sandbox:say обойдусь", tools=BOTH))
    found += both("reasoning before a call", ask(f"sandbox:reasoning\n{CALL}", tools=BOTH))
    for name, tools in DEFINITIONS.items():
        found.append(case(f"tools {name}", ask(f"{name}: вызови что-нибудь", tools=tools)))
    found += both("functions", ask(CALL, functions=LEGACY))
    found += both("functions, named", ask(CALL, functions=LEGACY, function_call={"name": "get_time"}))
    found += both("functions, none", ask(CALL, functions=LEGACY, function_call="none"))
    found.append(case("functions and tools", ask(CALL, functions=LEGACY, tools=[WEATHER])))
    for name, turns in HISTORIES.items():
        found += both(f"history {name}", talk(*turns, tools=BOTH))
    for name, turns in OLDER.items():
        found += both(f"history {name}", talk(*turns, functions=LEGACY))
    for name, spoil in SPOILT.items():
        found += both(f"call with {name}", ask(CALL, tools=BOTH), faults=(spoil,))
    found += both("functions with no state", ask(CALL, functions=LEGACY), faults=(fault("no_state"),))
    found += both("calls of two choices", ask(CALL, tools=BOTH, n=2))
    return (*found, *_agents())


GROUPS = (
    Group("tools", distinct(_cases())),
    Group(
        "no state echo",
        distinct((*_agents(prefix="silent, "), case("an id of ours", talk(*HISTORIES["an id of ours"], tools=BOTH)))),
        {"GPT2GIGA_STATE_ECHO": "false"},
    ),
)
