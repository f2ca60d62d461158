"""Tools through the official `openai` package: calls, their results, and the loop of an agent."""

from __future__ import annotations

import json
import re
from typing import Any, Literal

import pytest
from openai import pydantic_function_tool
from pydantic import BaseModel

from tests.clients.sdk import STRICT, Gigachat, Sdk, answered, both, refused


def tool(name: str, properties: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A function that may be called; all of its arguments are texts unless told."""
    schema = {"type": "object", "properties": properties or {"city": {"type": "string"}}}
    return {"type": "function", "function": {"name": name, "description": "d", "parameters": schema, **more}}


def call(number: str, name: str = "weather", arguments: str = '{"city":"Омск"}') -> dict[str, Any]:
    """A call of the assistant's, as a history has it."""
    return {"id": number, "type": "function", "function": {"name": name, "arguments": arguments}}


def result(number: str, content: Any) -> dict[str, Any]:
    """What a call gave."""
    return {"role": "tool", "tool_call_id": number, "content": content}


def history(*turns: dict[str, Any], calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A question, some calls, and what came behind them."""
    return [{"role": "user", "content": "q"}, {"role": "assistant", "content": None, "tool_calls": calls}, *turns]


def asked(gigachat: Gigachat) -> list[dict[str, Any]]:
    """The messages behind the first that GigaChat was sent last."""
    found: list[dict[str, Any]] = gigachat.last()["body"]["messages"][1:]
    return found


WEATHER, TIME = tool("weather"), tool("time")
TOOLS = [WEATHER, TIME]
ASK = 'sandbox:call weather {"city": "Омск"}'


@both
@pytest.mark.parametrize("parallel", [{}, {"parallel_tool_calls": False}, {"parallel_tool_calls": True}])
def test_a_call(sdk: Sdk, gigachat: Gigachat, stream: bool, parallel: dict[str, Any]) -> None:
    """One call an answer, of the SDK's own form, Cyrillic as it is; whatever is said of parallel calls is kept."""
    answer, headers = answered(sdk, ASK, stream=stream, tools=TOOLS, **parallel)
    choice = answer.choices[0]
    assert (choice.finish_reason, choice.message.content, choice.message.refusal) == ("tool_calls", None, None)
    (made,) = choice.message.tool_calls
    assert (made.type, made.function.name, made.function.arguments) == ("function", "weather", '{"city":"Омск"}')
    assert re.fullmatch(r"[0-9a-f]{32}-v1-0", made.id)
    assert not headers.keys() & {"x-gateway-dropped", "x-gateway-adapted"}
    body = gigachat.last()["body"]
    assert (body["functions"], body["function_call"]) == ([one["function"] for one in TOOLS], "auto")


@both
def test_the_loop_of_an_agent(sdk: Sdk, gigachat: Gigachat, stream: bool) -> None:
    """Call, result, call, result, text: the SDK's own messages go back, each call's state with them."""
    turns: list[Any] = [{"role": "user", "content": f"{ASK}; call time"}]
    states = []
    for step in (21, 42):
        message = answered(sdk, turns, stream=stream, tools=TOOLS)[0].choices[0].message
        (made,) = message.tool_calls
        states.append(made.id.split("-")[0])
        turns += [message, result(made.id, json.dumps({"степень": step}))]
    choice = answered(sdk, turns, stream=stream, tools=TOOLS)[0].choices[0]
    assert (choice.finish_reason, choice.message.tool_calls) == ("stop", None)
    assert 'weather → {"степень": 21}; time → {"степень": 42}' in choice.message.content
    sent = [one["functions_state_id"] for one in asked(gigachat) if one["role"] == "assistant"]
    assert [state.replace("-", "") for state in dict.fromkeys(sent)] == states


@both
@pytest.mark.parametrize("fault", ["no_state", "call_text", "call_after_text", "call_bare", "call_apart"])
def test_calls_in_other_forms(sdk: Sdk, gigachat: Gigachat, fault: str, stream: bool) -> None:
    """However GigaChat writes a call, the client reads the same one."""
    gigachat.fault(fault)
    message = answered(sdk, ASK, stream=stream, tools=TOOLS)[0].choices[0].message
    assert message.content == ("Сейчас посмотрю. " if fault == "call_after_text" else None)
    (made,) = message.tool_calls
    assert made.function.arguments == '{"city":"Омск"}'
    assert re.fullmatch(r"call_[0-9a-f]{32}" if fault == "no_state" else r"[0-9a-f]{32}-v1-0", made.id)


def test_several_calls_get_their_results_in_any_order(sdk: Sdk, gigachat: Gigachat) -> None:
    """Calls side by side are asked one after another, each with its own result; ids of others are no states."""
    turns = history(result("b", '{"n": 2}'), result("a", '{"n": 1}'), calls=[call("a"), call("b", "time", "")])
    headers = answered(sdk, turns, tools=TOOLS)[1]
    assert asked(gigachat) == [
        {"role": "assistant", "content": "", "function_call": {"name": "weather", "arguments": {"city": "Омск"}}},
        {"role": "function", "name": "weather", "content": '{"n": 1}'},
        {"role": "assistant", "content": "", "function_call": {"name": "time", "arguments": {}}},
        {"role": "function", "name": "time", "content": '{"n": 2}'},
    ]
    assert "x-gateway-adapted" not in headers


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("Тепло, +20", {"result": "Тепло, +20"}),
        ('{"t": 20}', {"t": 20}),
        ('[1, {"a": "б"}]', {"result": [1, {"a": "б"}]}),
        (json.dumps(json.dumps({"город": "Омск"})), {"город": "Омск"}),
        ("20.5", {"result": 20.5}),
        ("", {"result": ""}),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], {"result": "a\nb"}),
    ],
)
def test_results(sdk: Sdk, gigachat: Gigachat, given: Any, sent: dict[str, Any]) -> None:
    """GigaChat gets a JSON object whatever a function gave, unwrapped and unescaped; the answer is of it."""
    answer = answered(sdk, history(result("a", given), calls=[call("a")]), tools=TOOLS)[0]
    content = asked(gigachat)[-1]["content"]
    assert (json.loads(content), "\\u" in content) == (sent, False)
    assert content in answer.choices[0].message.content


@both
@pytest.mark.parametrize(
    ("turns", "told"),
    [
        (history(calls=[call("a")]), "call.no_result"),
        (history(result("b", "x"), calls=[call("a")]), "call.no_result, result->user"),
        ([{"role": "user", "content": "q"}, result("a", "x")], "result->user"),
    ],
)
def test_broken_pairs(sdk: Sdk, gigachat: Gigachat, turns: list[Any], told: str, stream: bool) -> None:
    """A call without a result and a result without a call are mended and told; in strict mode refused."""
    answer, headers = answered(sdk, turns, stream=stream, tools=TOOLS)
    assert answer.choices[0].finish_reason == "stop"
    assert headers["x-gateway-adapted"] == told
    refused(sdk, gigachat, "messages[1]", stream=stream, tools=TOOLS, messages=turns)


NAMED = {"type": "function", "function": {"name": "time"}}
ALLOWED = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED]}}
LOOSE = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NAMED]}}


@both
@pytest.mark.parametrize(
    ("choice", "functions", "sent", "called"),
    [
        ("auto", TOOLS, "auto", "weather"),
        ("none", TOOLS, "none", None),
        ("required", [WEATHER], {"name": "weather"}, "weather"),
        ("required", TOOLS, "auto", "weather"),
        (NAMED, TOOLS, {"name": "time"}, "time"),
        (ALLOWED, TOOLS, {"name": "time"}, "time"),
        (LOOSE, TOOLS, "auto", None),
    ],
)
def test_tool_choice(
    sdk: Sdk, gigachat: Gigachat, choice: Any, functions: list[Any], sent: Any, called: str | None, stream: bool
) -> None:
    """Every form of the choice is what GigaChat does; `allowed_tools` sends those alone."""
    answer, headers = answered(sdk, ASK, stream=stream, tools=functions, tool_choice=choice)
    made = answer.choices[0].message.tool_calls
    assert (made[0].function.name if made else None) == called
    body = gigachat.last()["body"]
    assert body["function_call"] == sent
    kept = [TIME] if choice in (ALLOWED, LOOSE) else functions
    assert [one["name"] for one in body["functions"]] == [one["function"]["name"] for one in kept]
    assert ("x-gateway-adapted" in headers) is (choice == "required" and len(functions) > 1)


@both
def test_a_required_call_is_chosen_and_forced(sdk: Sdk, gigachat: Gigachat, stream: bool) -> None:
    """Prose where one of several functions must be called: one is chosen, and forced; strict mode refuses."""
    more: dict[str, Any] = {"tools": TOOLS, "tool_choice": "required"}
    answer, headers = answered(sdk, "sandbox:say Нет", stream=stream, **more)
    assert headers["x-gateway-adapted"] == "tool_choice=required->auto"
    (made,) = answer.choices[0].message.tool_calls
    first, _, last = gigachat.requests()
    assert first["body"]["messages"][0]["role"] == "system"
    assert last["body"]["function_call"] == {"name": made.function.name}
    refused(sdk, gigachat, "tool_choice", stream=stream, **more)


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("tool_choice", {"tool_choice": {"type": "function", "function": {"name": "none_such"}}}),
        ("tool_choice", {"tool_choice": "required", "tools": []}),
        ("parallel_tool_calls", {"parallel_tool_calls": "yes"}),
        ("tools[0].function.name", {"tools": [{"type": "function", "function": {}}]}),
    ],
)
def test_mistakes_are_named(sdk: Sdk, gigachat: Gigachat, path: str, given: dict[str, Any]) -> None:
    """A 400 says which field it is about, and GigaChat is not asked."""
    refused(sdk, gigachat, path, extra_headers={}, **{"tools": TOOLS, **given})


def test_strict_functions_and_other_tools_are_told(sdk: Sdk, gigachat: Gigachat) -> None:
    """`strict` and tools that are no functions are dropped, which strict mode refuses."""
    tools = [tool("weather", strict=True), {"type": "custom", "custom": {"name": "code"}}]
    assert answered(sdk, ASK, tools=tools)[1]["x-gateway-dropped"] == "tools.strict, tools.type"
    assert [sorted(one) for one in gigachat.last()["body"]["functions"]] == [["description", "name", "parameters"]]
    refused(sdk, gigachat, "tools[0].function.strict", tools=tools)


@both
def test_functions_of_old(sdk: Sdk, gigachat: Gigachat, stream: bool) -> None:
    """`functions` are answered with `function_call`, and a result of role `function` finds its call."""
    turns: list[Any] = [{"role": "user", "content": "x"}]
    more: dict[str, Any] = {"functions": [one["function"] for one in TOOLS], "stream": stream}
    choice = answered(sdk, turns, function_call={"name": "time"}, **more)[0].choices[0]
    assert (choice.finish_reason, choice.message.tool_calls) == ("function_call", None)
    made = choice.message.function_call
    assert (made.name, list(json.loads(made.arguments))) == ("time", ["city"])
    turns += [choice.message, {"role": "function", "name": "time", "content": "полдень"}]
    final, headers = answered(sdk, turns, function_call="auto", **more)
    assert 'time → {"result":"полдень"}' in final.choices[0].message.content
    assert "x-gateway-adapted" not in headers
    assert not answered(sdk, ASK, function_call="none", **more)[0].choices[0].message.function_call


@both
@pytest.mark.parametrize("name", ["погода", "7 days", "mcp__s/read:file", "text2image", "get_file_content", "_x"])
def test_names(sdk: Sdk, gigachat: Gigachat, stream: bool, name: str) -> None:
    """A name that GigaChat has no room for, or has itself, is another one there, and the client's here: no loss."""
    more: dict[str, Any] = {"tools": [WEATHER, tool(name)], "stream": stream, "extra_headers": STRICT}
    chosen = answered(sdk, "x", tool_choice={"type": "function", "function": {"name": name}}, **more)[0]
    message = chosen.choices[0].message
    assert message.tool_calls[0].function.name == name
    used = gigachat.last()["body"]["function_call"]["name"]
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]*_[0-9a-f]{8}", used)
    answered(sdk, [{"role": "user", "content": "x"}, message, result(message.tool_calls[0].id, "y")], **more)
    assert [one["name"] for one in asked(gigachat) if one["role"] == "function"] == [used]


class Spin(BaseModel):
    """Turn around."""

    times: Literal[1, 2]
    inner: list[Literal[3, "three"]]


@both
def test_integer_enums(sdk: Sdk, stream: bool) -> None:
    """GigaChat knows enums of texts only; the arguments are of the client's own types again."""
    asking = 'sandbox:call Spin {"times": "2", "inner": ["3", "three"]}'
    message = answered(sdk, asking, stream=stream, tools=[pydantic_function_tool(Spin)])[0].choices[0].message
    assert json.loads(message.tool_calls[0].function.arguments) == {"times": 2, "inner": [3, "three"]}


def test_parsed_arguments(sdk: Sdk) -> None:
    """`parse` makes an object of a call's arguments; `stream()` tells them as they come, and at their end, parsed."""
    said = [{"role": "user", "content": "Spin"}]
    ask = {"model": "gpt-4o", "messages": said, "tools": [pydantic_function_tool(Spin)]}
    answer = sdk.wait(sdk.client.chat.completions.parse(**ask))
    spun = Spin(times=1, inner=[3, "three"])
    assert answer.choices[0].message.tool_calls[0].function.parsed_arguments == spun
    with sdk.within(sdk.client.chat.completions.stream(**ask)) as stream:
        *deltas, done = [event for event in sdk.each(stream) if event.type.startswith("tool_calls")]
        final = sdk.wait(stream.get_final_completion())
    assert "".join(event.arguments_delta for event in deltas) == done.arguments
    assert (done.type, done.name, done.index) == ("tool_calls.function.arguments.done", "Spin", 0)
    assert done.parsed_arguments == spun
    assert final.choices[0].message.tool_calls[0].function.parsed_arguments == spun
