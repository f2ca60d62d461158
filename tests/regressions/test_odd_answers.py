"""Odd answers: what GigaChat says beside the mark becomes what the client asked for, or an error that says so.

Each row is a form of one kind: the faults of GigaChat's model, what was asked, what the client's package parsed, and
how many requests went upstream.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import openai
import pytest
from openai import AsyncOpenAI

from app.sandbox import server
from tests.regressions.parsed import ACT, CALL, LOOK, calls, chats, completion
from tests.running import GatewayStarter, Running
from tests.watching import ask, asking, saying

both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "reply", "schema": SCHEMA, "strict": True}}
ANY = {"type": "json_object"}
Fault = tuple[str, dict[str, Any]]


@pytest.fixture
async def client(gateway: Running) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's package in front of the gateway."""
    async with AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="k", max_retries=0) as client:
        yield client


# name -> faults, what is asked besides the tools
PHRASES: dict[str, tuple[list[Fault], dict[str, Any]]] = {
    "beside a schema": ([("call_after_text", {})], {"response_format": FORMAT}),
    "beside json_object": ([("call_after_text", {"text": "Минуту."})], {"response_format": ANY}),
    "later": ([("call_after_text", {"text": "Минуту."}), ("stall", {"seconds": 0.2})], {"response_format": FORMAT}),
    "long": ([("call_after_text", {"text": "Сейчас посмотрю. " * 40})], {"response_format": FORMAT}),
    "with a stop": ([("call_after_text", {"text": "Минуту."})], {"stop": ["никогда"], "response_format": FORMAT}),
    "with a stop in it": ([("call_after_text", {"text": "Минуту. СТОП Смотрю."})], {"stop": ["СТОП"]}),
    "where a call is required": ([("call_after_text", {})], {"tool_choice": "required"}),
}


@both
@pytest.mark.parametrize(("faults", "more"), PHRASES.values(), ids=PHRASES)
async def test_a_phrase_does_not_cost_the_call(
    faults: list[Fault], more: dict[str, Any], stream: bool, sandbox: server.Running, client: AsyncOpenAI
) -> None:
    """The phrase and the call go out, for one request."""
    for kind, parameters in faults:
        if kind != "stall" or stream:
            sandbox.state.faults.add(kind, "chat", **parameters)
    made = await completion(client, asking(CALL, tools=[LOOK, ACT], **more), stream)
    (choice,) = made.choices
    assert (choice.finish_reason, len(chats(sandbox))) == ("tool_calls", 1)
    assert calls(made) == [("look", {"where": "up"})]
    text = faults[0][1].get("text", "Сейчас посмотрю. ")
    assert choice.message.content == (text.partition("СТОП")[0] if "stop" in more else text)
    assert made.usage is not None
    assert made.usage.total_tokens > 0


@both
@pytest.mark.parametrize("text", ["Готово.", "", "sandbox:long 30"], ids=["words", "nothing", "many words"])
async def test_a_required_call_is_chosen_and_forced(
    text: str, stream: bool, sandbox: server.Running, client: AsyncOpenAI
) -> None:
    """Never by the same request again: a choice among the names, then the function of that name."""
    asked = text if text.startswith("sandbox:") else f"sandbox:say {text}"
    made = await completion(client, asking(asked, tools=[LOOK, ACT], tool_choice="required"), stream)
    assert [name for name, _ in calls(made)] == ["look"]
    bodies = chats(sandbox)
    assert [body["function_call"] for body in bodies] == ["auto", {"name": "choose_function"}, {"name": "look"}]
    assert bodies[0]["messages"] == bodies[1]["messages"] == bodies[2]["messages"]  # the prompt stays in the cache
    chooser = bodies[1]["functions"][-1]
    assert chooser["parameters"]["properties"]["name"]["enum"] == ["look", "act"]


# name -> the fault, the format, the requests upstream
JSON: dict[str, tuple[str, dict[str, Any], dict[str, Any], int]] = {
    "a fence": ("fenced_json", {}, FORMAT, 1),
    "a fence around any object": ("fenced_json", {}, ANY, 1),
    "words": ("json_in_words", {}, FORMAT, 1),
    "words with braces": ("json_in_words", {"before": "Для {name}: ", "after": " {}"}, FORMAT, 1),
    "words and a fence": ("json_in_words", {"before": "Вот:\n```json\n", "after": "\n```\nВсё."}, ANY, 1),
    "raw line ends": ("json_raw", {}, FORMAT, 1),
    "nothing": ("json_empty", {}, FORMAT, 2),
    "a list": ("json_in_list", {}, FORMAT, 2),
    "prose": ("ignore_format", {}, FORMAT, 2),
    "prose for any object": ("ignore_format", {}, ANY, 2),
    "nothing for any object": ("json_empty", {}, ANY, 2),
}


@both
@pytest.mark.parametrize(("fault", "parameters", "wanted", "requests"), JSON.values(), ids=JSON)
async def test_json_is_json(
    fault: str,
    parameters: dict[str, Any],
    wanted: dict[str, Any],
    requests: int,
    stream: bool,
    sandbox: server.Running,
    client: AsyncOpenAI,
) -> None:
    """It is taken from the first answer where it is there; another request is paid only where it is not."""
    sandbox.state.faults.add(fault, "chat", **parameters)
    made = await completion(client, asking("hello", response_format=wanted), stream)
    assert isinstance(json.loads(made.choices[0].message.content or ""), dict)
    assert len(chats(sandbox)) == requests


@both
@pytest.mark.parametrize("fault", ["ignore_format", "json_empty", "fenced_json"])
@pytest.mark.parametrize("schema", [{"enum": ["a", "b"]}, {"type": "array", "items": {}}, {"type": "integer"}], ids=str)
async def test_a_root_that_is_no_object(
    schema: dict[str, Any], fault: str, stream: bool, sandbox: server.Running, client: AsyncOpenAI
) -> None:
    """What stands in for it gives such a value as well."""
    sandbox.state.faults.add(fault, "chat")
    wanted = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
    made = await completion(client, asking("hello", response_format=wanted), stream)
    assert not isinstance(json.loads(made.choices[0].message.content or ""), dict)


OPTIONAL = {"anyOf": [SCHEMA, {"type": "null"}]}
# the schema, GigaChat's words, the JSON in them
SURROUNDED: list[tuple[dict[str, Any], str, str]] = [
    (OPTIONAL, '```json\n{"city": "Омск"}\n```', '{"city": "Омск"}'),
    (OPTIONAL, 'Вот: {"city": "Омск"}', '{"city": "Омск"}'),
    ({"type": "integer"}, "```json\n5\n```", "5"),
    ({"type": "string"}, '```\n"да"\n```', '"да"'),
    ({"type": ["boolean", "null"]}, "\n```JSON null```\n", "null"),
    (SCHEMA, json.dumps('{"city": "Омск"}'), '{"city": "Омск"}'),
]


@both
@pytest.mark.parametrize(("schema", "said", "found"), SURROUNDED)
async def test_what_is_taken_out_is_the_same_in_a_stream(
    schema: dict[str, Any],
    said: str,
    found: str,
    stream: bool,
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
) -> None:
    """Also where the first bracket does not tell what the JSON is; the client is told of it."""
    wanted = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
    reply = await ask(http, gateway, saying(said, response_format=wanted, stream=stream))
    assert reply.content == found
    assert reply.headers["x-gateway-adapted"] == "response_format.extracted"
    assert len(chats(sandbox)) == 1


@both
@pytest.mark.parametrize("stop", [None, ["никогда"]], ids=["plain", "with a stop"])
async def test_broken_json_is_no_answer(
    stop: list[str] | None, stream: bool, sandbox: server.Running, client: AsyncOpenAI
) -> None:
    """Whole it is asked for in another way; of a stream it has gone out."""
    sandbox.state.faults.add("json_broken", "chat")
    more: dict[str, Any] = {} if stop is None else {"stop": stop}
    made = await completion(client, asking("hello", response_format=FORMAT, **more), stream)
    content = made.choices[0].message.content or ""
    if stream:
        assert content.startswith("{")
    else:
        assert set(json.loads(content)) == {"city"}
        assert "response_format" not in chats(sandbox)[1]


@pytest.mark.parametrize("fault", ["ignore_format", "json_broken", "json_empty"])
async def test_no_json_at_all_is_an_error(fault: str, sandbox: server.Running, client: AsyncOpenAI) -> None:
    """A whole answer is never 200 with something else."""
    sandbox.state.faults.add(fault, "chat", times=None)
    with pytest.raises(openai.InternalServerError) as failed:
        await completion(client, asking("hello", response_format=ANY), stream=False)
    assert (failed.value.status_code, failed.value.code) == (502, "upstream_generation_error")
    assert len(chats(sandbox)) == 2


async def test_what_one_tenant_brings_about_is_its_own(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Prose that one provokes, and a schema of its own that is refused, change no other's request."""
    gateway = await start_gateway()
    mallory, alice = {"X-Tenant-ID": "mallory"}, {"X-Tenant-ID": "alice"}
    for _ in range(3):
        await ask(http, gateway, saying("prose", response_format=FORMAT), headers=mallory)
        sandbox.state.faults.add("format_refused", "chat")
        await ask(http, gateway, saying("x", response_format=FORMAT), headers=mallory)
    sandbox.state.faults.clear()
    assert (await ask(http, gateway, asking("hello", response_format=FORMAT), headers=alice)).status == 200
    assert "response_format" in chats(sandbox)[-1]


CENSORED: dict[str, dict[str, Any]] = {
    "a schema": {"response_format": FORMAT},
    "json_object": {"response_format": ANY},
    "a required call": {"tools": [LOOK, ACT], "tool_choice": "required"},
    "a format and tools": {"tools": [LOOK, ACT], "response_format": FORMAT},
    "a stop": {"response_format": FORMAT, "stop": ["никогда"]},
}


@both
@pytest.mark.parametrize("more", CENSORED.values(), ids=CENSORED)
async def test_a_censored_answer_is_final(
    more: dict[str, Any], stream: bool, sandbox: server.Running, client: AsyncOpenAI
) -> None:
    """GigaChat's sentence goes out, and nothing is asked a second time."""
    made = await completion(client, asking("sandbox:finish blacklist\nsandbox:say Сменим тему?", **more), stream)
    assert (made.choices[0].finish_reason, made.choices[0].message.content) == ("content_filter", "Сменим тему?")
    assert len(chats(sandbox)) == 1


UNCALLED: dict[str, dict[str, Any]] = {
    "without tools": asking("sandbox:finish function_call\nsandbox:say "),
    "with tools": asking("sandbox:finish function_call\nsandbox:say ", tools=[LOOK]),
    "after a phrase": asking("sandbox:finish function_call\nsandbox:say Минуту.", tools=[LOOK, ACT]),
    "with a format": asking("sandbox:finish function_call\nsandbox:say x", tools=[LOOK], response_format=FORMAT),
}


@both
@pytest.mark.parametrize("body", UNCALLED.values(), ids=UNCALLED)
async def test_a_call_that_does_not_come_is_an_error(
    body: dict[str, Any], stream: bool, sandbox: server.Running, client: AsyncOpenAI
) -> None:
    """A real status while nothing has gone out, else an event inside the stream; an agent's loop would end on less."""
    with pytest.raises(openai.APIError) as failed:
        await completion(client, body, stream)
    assert failed.value.code == "upstream_generation_error"
    assert getattr(failed.value, "status_code", 502) == 502
    assert len(chats(sandbox)) == 1


# the status, GigaChat's words, the numbers that the client must see
TOO_LONG: list[tuple[int, str, list[str]]] = [
    (422, "CONTEXT_TOO_LONG: context too long 270000, maximum allowed context is 261120", ["270000", "261120"]),
    (400, "Invalid params: the prompt has 270 000 tokens, the limit is 261 120", ["270000", "261120"]),
    (400, "Запрос слишком длинный", []),
    (413, "Payload too large", []),
]


@both
@pytest.mark.parametrize(("status", "words", "numbers"), TOO_LONG)
async def test_too_long_by_its_words(
    status: int, words: str, numbers: list[str], stream: bool, sandbox: server.Running, client: AsyncOpenAI
) -> None:
    """The error by which clients shorten their history, for one request."""
    sandbox.state.faults.add("too_long", "chat", status=status, message=words)
    with pytest.raises(openai.BadRequestError) as failed:
        await completion(client, saying("x"), stream)
    assert failed.value.code == "context_length_exceeded"
    assert [number for number in numbers if number not in failed.value.message] == []
    assert len(chats(sandbox)) == 1
