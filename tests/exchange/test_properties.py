"""Properties of whole requests over real sockets: any valid request is taken, told of, and the same when streamed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from hypothesis import HealthCheck, event, given

from app.sandbox.record import Record
from app.translate.openai.parameters import DROPPABLE, IDENTITIES, PARAMETERS
from tests.examples import examples
from tests.exchange.strategies import chats
from tests.exchange.world import World
from tests.translate.schemas.strategies import properties
from tests.watching import Reply

bounded = examples(max_examples=50, suppress=[HealthCheck.too_slow])


def refused(reply: Reply, asked: list[Record]) -> bool:
    """Whether a row of the table of errors refused the request: by name, and for free."""
    if reply.status == 200:
        return False
    assert reply.status == 400, reply.text
    assert reply.error["code"] in {"invalid_value", "unsupported_parameter"}, reply.text
    assert reply.error["param"]
    assert asked == []
    event(f"refused: {reply.error['param']}")
    return True


@bounded
@given(body=chats())
def test_a_strict_gigachat_takes_what_is_not_refused(world: World, body: dict[str, Any]) -> None:
    """The sandbox refuses all that breaks the contract: it takes each request, and knows each of its fields."""
    reply, asked = world.ask(body)
    if not refused(reply, asked):
        assert {one.status for one in asked} == {200}, [one.body for one in asked]
        assert [one.unknown for one in asked if one.unknown] == []
        assert len(reply.choices) == body.get("n", 1)


def comparable(reply: Reply) -> Any:
    """What must be the same in a stream and in a whole answer: all but the ids, which bear GigaChat's state."""
    if reply.status != 200:
        return reply.status, reply.error
    choices = reply.choices
    for choice in choices:
        message = choice["message"]
        for call in message.get("tool_calls", []):
            # the last number is not compared: of several choices tests/regressions tells what is wrong with it
            assert re.fullmatch(r"[0-9a-f]{32}-v1-[0-9]", call.pop("id"))
        message["content"] = message["content"] or None
    usage = reply.events[-2]["usage"] if reply.streamed else reply.json["usage"]
    head = ("x-gateway-adapted", "x-gateway-dropped")
    return choices, usage, [reply.headers.get(name) for name in head]


@bounded
@given(body=chats())
def test_a_stream_is_the_whole_answer(world: World, body: dict[str, Any]) -> None:
    """Choices, words, thoughts, calls, reasons, usage and notes do not depend on how the answer comes."""
    body = {**body, "stream_options": {"include_usage": True}}
    whole, streamed = world.ask(body)[0], world.ask(body, stream=True)[0]
    if (whole.status, streamed.status) == (502, 200):  # no JSON: what a stream has said cannot be taken back
        assert body.get("response_format")
        return
    assert comparable(streamed) == comparable(whole)
    assert whole.status != 200 or streamed.events[-1] == "[DONE]"


def leaves(value: Any) -> Iterator[str]:
    """Every string in a payload, those inside the results of functions too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one)
    elif isinstance(value, dict):
        if value.get("role") == "function":
            yield from leaves(orjson.loads(value["content"]))
        for one in value.values():
            yield from leaves(one)


def told(reply: Reply) -> set[str]:
    """The rules of all notes that the client got, without their counts."""
    notes = f"{reply.headers.get('x-gateway-adapted', '')}, {reply.headers.get('x-gateway-dropped', '')}"
    return {note.partition(";")[0] for note in notes.split(", ")}


def texts(body: dict[str, Any]) -> Iterator[str]:
    """The words of all messages, whole."""
    for message in body["messages"]:
        content = message["content"] if isinstance(message["content"], list) else [message["content"]]
        for part in content:
            text = part["text"] if isinstance(part, dict) else part
            if text and message["role"] not in ("tool", "function"):
                yield text
        if message.get("refusal"):
            yield message["refusal"]


def offered(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The functions that may be called, as the client defined them."""
    given = [one["function"] for one in body.get("tools", []) if one["type"] == "function"]
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice["type"] == "allowed_tools":
        names = {one["function"]["name"] for one in choice["allowed_tools"]["tools"]}
        given = [one for one in given if one["name"] in names]
    return given or body.get("functions", [])


@bounded
@given(body=chats())
def test_no_word_is_lost(world: World, body: dict[str, Any]) -> None:
    """Each text, each argument, each result and each description is in the payload; so is each property or a note."""
    reply, asked = world.ask(body)
    if refused(reply, asked):
        return
    payload, rules = asked[0].body, told(reply)
    said = "\n".join(leaves(payload))
    assert [text for text in texts(body) if text not in said] == []
    functions = offered(body)
    marks = set(re.findall(r"w\d+x", orjson.dumps({"m": body["messages"], "f": functions}).decode()))
    assert marks <= set(re.findall(r"w\d+x", said))
    assert len(payload.get("functions", [])) == len(functions)
    cut = any(rule in rules for rule in ("schema.size", "schema.depth", "schema.unresolved", "schema.invalid"))
    for function, sent in zip(functions, payload.get("functions", []), strict=True):
        assert set(properties(function.get("parameters"))) <= set(properties(sent["parameters"])) or cut
    wanted = body.get("response_format", {})
    if wanted.get("type") == "json_schema":
        sent = payload["response_format"]["schema"]
        assert set(properties(wanted["json_schema"]["schema"])) <= set(properties(sent)) or cut


@bounded
@given(body=chats())
def test_each_result_stands_behind_its_call(world: World, body: dict[str, Any]) -> None:
    """In whatever order results come: call, result, call, result, and a call without one is told."""
    reply, asked = world.ask(body)
    if refused(reply, asked):
        return
    sent = asked[0].body["messages"]
    behind = {
        one["function_call"]["arguments"]["mark"]: other["content"]
        for one, other in itertools.pairwise(sent)
        if "function_call" in one
    }
    results = {one["tool_call_id"]: one["content"] for one in body["messages"] if one["role"] == "tool"}
    for message in body["messages"]:
        for call in message.get("tool_calls", []):
            mark = orjson.loads(call["function"]["arguments"])["mark"]
            if call["id"] in results:
                assert re.findall(r"w\d+x", results[call["id"]]) == re.findall(r"w\d+x", behind[mark])
            else:
                assert behind[mark] == '{"error":"no result"}'
                assert "call.no_result" in told(reply)


Check = Callable[[Any, dict[str, Any], Reply], bool]


def _limited(value: Any, payload: dict[str, Any], reply: Reply) -> bool:
    return bool(
        payload["max_tokens"] == value or (payload["max_tokens"] < value and "max_tokens->clamped" in told(reply))
    )


def _chosen(value: Any, payload: dict[str, Any], reply: Reply) -> bool:
    """A choice is what GigaChat is told, or the client is told what became of it."""
    if value == "required":
        forced = len(payload["functions"]) == 1 and payload["function_call"] == {
            "name": payload["functions"][0]["name"]
        }
        return forced or "tool_choice=required->auto" in told(reply)
    if isinstance(value, dict) and value.get("type") != "allowed_tools":
        calls = [choice["message"].get("tool_calls", []) for choice in reply.choices]
        names = {call["function"]["name"] for one in calls for call in one}
        finishes = {choice["finish_reason"] for choice in reply.choices}
        return "name" in payload["function_call"] and (names == {value["function"]["name"]} or finishes == {"length"})
    return bool(payload["function_call"] == (value if isinstance(value, str) else "auto"))


# A carried field -> how it is known that it was: in the payload, in the answer, or in a note. Equivalents stand here.
CARRIED: dict[str, Check] = {
    "messages": lambda value, payload, _: bool(payload["messages"]),
    "model": lambda value, payload, _: payload["model"] in ("GigaChat", "GigaChat-2-Max"),
    "temperature": lambda value, payload, _: (
        payload["temperature"] == value or 0 == value < payload["temperature"] < 0.001
    ),
    "top_p": lambda value, payload, _: payload["top_p"] == value,
    "max_completion_tokens": _limited,
    "reasoning_effort": lambda value, payload, reply: (
        payload.get("reasoning_effort") == value or any(f"={value}->" in rule for rule in told(reply))
    ),
    "n": lambda value, _, reply: len(reply.choices) == value,
    "stop": lambda value, _, reply: (
        not any(
            word in (choice["message"]["content"] or "")
            for choice in reply.choices
            for word in ([value] if isinstance(value, str) else value)
        )
    ),
    "tool_choice": _chosen,
    "function_call": lambda value, payload, _: (
        (payload["function_call"] == value) or "name" in payload["function_call"]
    ),
    "response_format": lambda value, payload, _: (
        value["type"] == "text" or payload["response_format"]["type"] == "json_schema"
    ),
    "tools": lambda value, payload, _: "functions" in payload,
    "functions": lambda value, payload, _: "functions" in payload,
    "parallel_tool_calls": lambda value, _, reply: all(
        len(choice["message"].get("tool_calls", [])) <= 1 for choice in reply.choices
    ),
    "stream_options": lambda *_: True,
}


@bounded
@given(body=chats())
def test_no_field_is_lost_silently(world: World, body: dict[str, Any]) -> None:
    """Each field is in the payload as its own or as its equivalent, or its name stands in the notes."""
    reply, asked = world.ask(body)
    if refused(reply, asked):
        return
    payload, rules = asked[0].body, told(reply)
    for name, value in body.items():
        if name not in PARAMETERS:
            assert rules & {name, "unknown"}
        elif name in DROPPABLE:
            assert name in rules or value in PARAMETERS[name].neutral, name
            assert name not in payload
        elif name in IDENTITIES:
            assert name not in payload
        elif name == "max_tokens":
            assert "max_completion_tokens" in body or _limited(value, payload, reply)
        else:
            assert CARRIED[name](value, payload, reply), (name, value, payload)
    assert "model" in body or payload["model"] == "GigaChat"
    assert "tools.type" in rules or {"type": "web_search"} not in body.get("tools", [])
    assert "messages.name" in rules or not any(one.get("name") == "bob" for one in body["messages"])
