"""Streams with calls: what a stream gives is what the whole answer gives, in every slicing."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import sse
from app.sandbox.server import Running
from app.translate.dialogue import (
    Answer,
    Begin,
    Call,
    Delta,
    End,
    Event,
    Failed,
    Format,
    Part,
    Request,
    Sampling,
    Text,
    Thought,
    Tool,
)
from app.translate.gigachat.call_ids import make_call_id
from app.translate.gigachat.v1 import chat_answer, chat_request
from app.translate.gigachat.v1.calls import CallReader
from app.translate.gigachat.v1.stream_reader import StreamReader
from tests.examples import examples
from tests.translate.gigachat.dialogues import user
from tests.translate.samples import sample

STATE = "7f1d2c3a-1111-4222-8333-944445555666"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool("weather_forecast", None, {"type": "object", "properties": {"num_days": {"enum": [10]}}}, "tools[0]")
REQUEST = Request("GigaChat", [user("U")], Sampling(), tools=[WEATHER])
WANTED = Request("GigaChat", [user("U")], Sampling(), format=Format(CITY))
CALLED = {"name": "weather_forecast", "arguments": {"city": "Омск"}}

# sample of a stream, of a whole answer
SAMPLES = [
    *(
        (f"chat_call{case}.sse", f"chat_call{case}.json")
        for case in ("", "_string", "_after_text", "_no_state", "_stop")
    ),
    ("chat_call_bare.sse", "chat_call.json"),
    ("chat_call_apart.sse", "chat_call.json"),
    ("chat_think.sse", "chat_think.json"),
    ("chat_think_unclosed.sse", "chat_think_unclosed.json"),
]


def read(*chunks: bytes, calls: CallReader | None = None, index: int = 0) -> list[Event]:
    """All events of a stream that came in these pieces and ended."""
    reader = StreamReader(calls, index)
    return [event for chunk in chunks for event in reader.feed(chunk)] + reader.finish()


def stream(*choices: dict[str, Any], done: bool = True) -> bytes:
    """A stream of these choices; a usage beside the choice stands where GigaChat puts it."""
    bodies = []
    for choice in choices:
        usage = {"usage": choice.pop("usage")} if "usage" in choice else {}
        bodies.append({"choices": [choice] if choice else [], "created": 1, "model": "m", **usage})
    return b"".join(sse.encode(json.dumps(body).encode()) for body in bodies) + (sse.encode(sse.DONE) if done else b"")


def joined(events: list[Event]) -> tuple[list[Part], Event]:
    """The parts, neighbours of one kind joined, and the last event."""
    parts: list[Part] = []
    for event in events:
        if not isinstance(event, Delta):
            continue
        last = parts[-1] if parts else None
        if (
            isinstance(event.part, Text | Thought)
            and isinstance(last, Text | Thought)
            and type(last) is type(event.part)
        ):
            last.text += event.part.text
        else:
            parts.append(event.part)
    return parts, events[-1]


def rendered(answer: Answer | Failed) -> tuple[list[Part], Event]:
    """A whole answer as `joined` gives a stream's."""
    if isinstance(answer, Failed):
        return [], answer
    parts = [part for part in answer.parts if not isinstance(part, Text) or part.text]
    return parts, End(answer.finish, answer.raw_finish, answer.usage)


@pytest.mark.parametrize(("streamed", "whole"), SAMPLES)
def test_a_stream_is_the_whole_answer(streamed: str, whole: str) -> None:
    """The same parts with the same ids, the same end; byte by byte, and cut in two anywhere."""
    data, calls = sample(streamed), CallReader(REQUEST, "seed")
    answer = rendered(chat_answer.read(sample(whole), CallReader(REQUEST, "seed")))
    assert joined(read(data, calls=calls)) == answer
    assert joined(read(*(data[at : at + 1] for at in range(len(data))), calls=calls)) == answer
    events = read(data, calls=calls)
    assert all(read(data[:at], data[at:], calls=calls) == events for at in range(len(data)))


def test_the_call_of_the_sample() -> None:
    """Name, arguments by the client's schema, state, id."""
    arguments = {"location": "Манжерок", "num_days": 10}
    expected = Call("7f1d2c3a111142228333944445555666-v1-0", "weather_forecast", arguments, STATE)
    assert read(sample("chat_call.sse"), calls=CallReader(REQUEST, "s"))[1:-1] == [Delta(0, expected)]
    parts, _ = joined(read(sample("chat_call_no_state.sse"), calls=CallReader(REQUEST, "s")))
    assert parts == [Call(make_call_id(None, 0, "s"), "weather_forecast", arguments)]


def test_a_call_that_nobody_asked_for_is_read() -> None:
    """Without tools there is nothing to map it by; it is handed on."""
    parts, _ = joined(read(sample("chat_call.sse")))
    assert isinstance(parts[0], Call)


def test_the_index_stands_everywhere() -> None:
    """In each event of a choice; a call's id counts the calls of its own choice, as in the whole answer."""
    events = read(sample("chat_call_after_text.sse"), calls=CallReader(REQUEST, "s"), index=2)
    assert [event.index for event in events if isinstance(event, Begin | Delta | End)] == [2] * len(events)
    assert read(stream({"delta": {"content": "a"}}), index=2)[-1] == End("stop", None, None, 2)
    parts, _ = joined(events)
    call = parts[-1]
    assert isinstance(call, Call)
    assert call.id.endswith("-v1-0")
    whole = chat_answer.read(sample("chat_call_after_text.json"), CallReader(REQUEST, "s"))
    assert isinstance(whole, Answer)
    assert whole.parts == parts


DELTA = {"delta": {"function_call": CALLED, "functions_state_id": STATE}}
FINISH = {"delta": {}, "finish_reason": "function_call"}
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}

# choices of a stream, how many calls come, the end's finish, its prompt's tokens
ORDERS: list[tuple[list[dict[str, Any]], int, str, int | None]] = [
    ([{**DELTA, "finish_reason": "function_call", "usage": USAGE}], 1, "calls", 1),
    ([DELTA, {**FINISH, "usage": USAGE}], 1, "calls", 1),
    ([DELTA, FINISH, {"usage": USAGE}], 1, "calls", 1),
    ([DELTA, FINISH, {"delta": {"content": ""}, "usage": USAGE}], 1, "calls", 1),
    (
        [{**DELTA, "finish_reason": "function_call", "usage": USAGE}, {"delta": {}, "finish_reason": "stop"}],
        1,
        "calls",
        1,
    ),
    ([FINISH, DELTA], 1, "calls", None),
    ([{"usage": USAGE}, DELTA, FINISH], 1, "calls", None),
    ([{"delta": {"reasoning_content": "\ud83d", **DELTA["delta"]}}, FINISH], 1, "calls", None),
    ([DELTA, DELTA, FINISH], 1, "calls", None),
    ([DELTA, {"delta": {"function_call": {"name": "g"}}}, FINISH], 2, "calls", None),
    ([DELTA], 1, "calls", None),
    ([{"delta": {"function_call": None, "content": "a"}}, {"delta": {}, "finish_reason": "stop"}], 0, "stop", None),
    ([{"delta": {"function_call": "f"}}, FINISH], 0, "uncalled", None),
    ([{"delta": {"content": "a"}}, FINISH], 0, "uncalled", None),
]


@pytest.mark.parametrize(("choices", "count", "finish", "prompt"), ORDERS)
def test_call_end_and_usage_in_any_order(
    choices: list[dict[str, Any]], count: int, finish: str, prompt: int | None
) -> None:
    """Together or apart; a call comes once, and each has an id of its own."""
    parts, end = joined(read(stream(*(dict(choice) for choice in choices)), calls=CallReader(REQUEST, "s")))
    calls = [part for part in parts if isinstance(part, Call)]
    assert len({call.id for call in calls}) == len(calls) == count
    assert isinstance(end, End)
    assert (end.finish, end.usage and end.usage.prompt) == (finish, prompt)


# delta, finish
BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"function_call": {"name": "f", "arguments": '{"a": 1'}}, "function_call"),
    ({"function_call": {"arguments": {}}}, "function_call"),
    ({"function_call": CALLED}, "error"),
    ({"function_call": CALLED}, "function_call_error"),
    ({"content": ""}, "error"),
]


@pytest.mark.parametrize(("delta", "finish"), BROKEN)
def test_a_broken_call_is_a_failed_generation(delta: dict[str, Any], finish: str) -> None:
    """No half of it comes, and nothing after; the whole answer fails alike."""
    events = read(stream({"delta": delta, "finish_reason": finish}), calls=CallReader(REQUEST, "s"))
    assert events[1:] == [Failed("generation", "")]
    body = {"choices": [{"message": delta, "finish_reason": finish}]}
    assert chat_answer.read(json.dumps(body).encode(), CallReader(REQUEST, "s")) == Failed("generation", "")


ANSWER = {"name": "answer", "arguments": {"city": "Омск"}}

# deltas, what is said
AS_FUNCTION: list[tuple[list[dict[str, Any]], list[Part]]] = [
    ([{"function_call": ANSWER}], [Text('{"city":"Омск"}')]),
    ([{"content": "Вот: "}, {"content": "да.", "function_call": ANSWER}], [Text('{"city":"Омск"}')]),
    ([{"content": "<think>a</think>b"}, {"function_call": ANSWER}], [Thought("a"), Text('{"city":"Омск"}')]),
    ([{"content": "Вот\ud83d"}, {"function_call": ANSWER}], [Text('{"city":"Омск"}')]),
    ([{"function_call": ANSWER}, {"content": " Всё."}, {"function_call": ANSWER}], [Text('{"city":"Омск"}')]),
    ([{"content": "Вот: "}, {"content": "да."}], [Text("Вот: да.")]),
    (
        [{"content": "Вот: ", "function_call": CALLED}],
        [Text("Вот: "), Call(make_call_id(None, 0, "s"), "weather_forecast", {"city": "Омск"})],
    ),
]


@pytest.mark.parametrize(("deltas", "expected"), AS_FUNCTION)
def test_the_formats_call_is_the_text(deltas: list[dict[str, Any]], expected: list[Part]) -> None:
    """JSON and nothing around it, which ends with `stop`; where the call does not come, what was said and no answer."""
    choices = [{"delta": delta} for delta in deltas]
    calls = CallReader(WANTED, "s", as_function=True)
    parts, end = joined(read(stream(*choices, dict(FINISH)), calls=calls))
    assert parts == expected
    called, answered = isinstance(expected[-1], Call), any("function_call" in delta for delta in deltas)
    assert end == End("calls" if called else "stop" if answered else "uncalled", "function_call", None)
    merged: dict[str, Any] = {"content": "".join(delta.get("content", "") for delta in deltas)}
    for delta in deltas:
        merged |= {"function_call": delta["function_call"]} if "function_call" in delta else {}
    body = {"choices": [{"message": merged, "finish_reason": "function_call"}]}
    assert rendered(chat_answer.read(json.dumps(body).encode(), calls)) == (parts, end)


@examples(max_examples=150)
@given(
    st.lists(
        st.sampled_from(["<think>", "</think>", "\n", "<", "a🚀", "\ud83d", "\ude80"]) | st.text(max_size=4), max_size=6
    ),
    st.booleans(),
    st.booleans(),
)
def test_any_words_before_a_call(contents: list[str], called: bool, as_function: bool) -> None:
    """Cut as it may, a stream is what the whole answer is."""
    calls = CallReader(WANTED, "s", as_function=as_function)
    more = [{"function_call": ANSWER, "functions_state_id": STATE}] if called else []
    deltas: list[dict[str, Any]] = [*({"content": content} for content in contents), *more]
    parts, end = joined(read(stream(*({"delta": delta} for delta in deltas), {"finish_reason": "stop"}), calls=calls))
    message = {"content": "".join(contents), **(more[0] if more else {})}
    body = {"choices": [{"message": message, "finish_reason": "stop"}]}
    assert (parts, end) == rendered(chat_answer.read(json.dumps(body).encode(), calls))


# fault of the sandbox, what comes
FAULTS: list[tuple[str | None, str]] = [
    (None, "call"),
    ("call_bare", "call"),
    ("call_apart", "call"),
    ("call_text", "call"),
    ("call_after_text", "text and call"),
    ("no_state", "call"),
    ("no_usage", "call"),
    ("call_stranger", "call"),
    ("call_unfit", "call"),
    ("call_broken", "failure"),
    ("call_error", "failure"),
]


@pytest.mark.parametrize(("fault", "kind"), FAULTS)
async def test_what_the_sandbox_calls_is_read(
    sandbox: Running, http: aiohttp.ClientSession, fault: str | None, kind: str
) -> None:
    """Whatever spoils a call, whole and streamed; its id brings the state back to GigaChat."""
    request = Request("GigaChat-2-Max", [user("погода")], Sampling(), tools=[Tool("погода", None, CITY, "tools[0]")])
    headers = {"Authorization": f"Bearer {sandbox.state.tokens.issue(60)}"}
    for streamed in (False, True):
        if fault is not None:
            sandbox.state.faults.clear()
            sandbox.state.faults.add(fault)
        request.stream = streamed
        payload, _ = chat_request.write(request)
        payload["messages"][0]["content"] = f'sandbox:call {payload["functions"][0]["name"]} {{"city": "Омск"}}'
        async with http.post(f"{sandbox.url}/v1/chat/completions", json=payload, headers=headers) as response:
            assert response.status == 200
            data = await response.read()
        calls = CallReader(request, "s")
        parts, end = joined(read(data, calls=calls)) if streamed else rendered(chat_answer.read(data, calls))
        if kind == "failure":
            assert end == Failed("generation", "")
            continue
        assert isinstance(end, End)
        assert end.finish == "calls"
        assert [type(part) for part in parts] == ([Text, Call] if kind == "text and call" else [Call])
        call = parts[-1]
        assert isinstance(call, Call)
        assert call.name == ("no_such_function" if fault == "call_stranger" else "погода")
        assert (call.state is None) is (fault == "no_state")
        assert call.id == make_call_id(call.state, 0, "s")
        if fault != "call_unfit":
            assert call.arguments == {"city": "Омск"}
