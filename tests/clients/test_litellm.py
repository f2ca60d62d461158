"""LiteLLM as a client of an OpenAI of one's own: texts, streams, tools, formats, embeddings and its own errors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from inspect import isawaitable
from typing import Any

import pytest
import pytest_asyncio

from tests.clients.pictures import JSON, SAID, TWO_CALLS, Picture
from tests.clients.sdk import KEY, Gigachat
from tests.running import Process

pytestmark = pytest.mark.heavy
# LiteLLM keeps its asynchronous connections for good, and with them their loop.
one_loop = pytest.mark.asyncio(loop_scope="module")
ways = pytest.mark.parametrize("way", ["completion", "stream", "acompletion", "astream"])


def tool(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    """A function that may be called."""
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": f"О {name}.", "parameters": parameters}}


TOOLS = [tool("weather", {"city": {"type": "string"}}), tool("clock", {"zone": {"type": "integer"}})]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def litellm() -> AsyncIterator[Any]:
    """The package, which is slow to import and would fetch a list of prices; what it keeps is closed at the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        package = pytest.importorskip("litellm")
        patch.setattr(package, "suppress_debug_info", True)
        yield package
        for kept in list(package.in_memory_llm_clients_cache.cache_dict.values()):
            closed = kept.close()
            if isawaitable(closed):
                await closed


class Client:
    """The package's functions, pointed at the gateway."""

    def __init__(self, package: Any, url: str) -> None:
        self.package = package
        self.where = {"api_base": f"{url}/v1", "api_key": KEY, "max_retries": 0, "num_retries": 0}

    async def __call__(self, given: str | list[Any], way: str, **more: Any) -> Any:
        """An answer; of a stream, what LiteLLM itself makes of the chunks."""
        messages = [{"role": "user", "content": given}] if isinstance(given, str) else given
        ask = {"model": "openai/GigaChat-2", "messages": messages, **self.where, **more}
        if way == "completion":
            return self.package.completion(**ask)
        if way == "acompletion":
            return await self.package.acompletion(**ask)
        ask |= {"stream": True, "stream_options": {"include_usage": True}}
        if way == "stream":
            chunks = list(self.package.completion(**ask))
        else:
            chunks = [chunk async for chunk in await self.package.acompletion(**ask)]
        assert len(chunks) > 1
        return self.package.stream_chunk_builder(chunks, messages=messages)


@pytest.fixture
def client(litellm: Any, served: Process) -> Client:
    """The client as its users have it, but for retries."""
    return Client(litellm, served.url)


@one_loop
@ways
async def test_text(client: Client, gigachat: Gigachat, way: str) -> None:
    """The text, how it ended and what it used; roles and settings are GigaChat's."""
    asking = [{"role": "system", "content": "Кратко."}, {"role": "user", "content": "sandbox:long 3"}]
    answer = await client(asking, way, temperature=0.5, max_tokens=100, top_p=0.9)
    assert answer.choices[0].message.content == "".join(f"Фраза {n} из 3, phrase {n} of 3. " for n in (1, 2, 3))
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.prompt_tokens > 0
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    body = gigachat.last()["body"]
    assert body["messages"] == asking
    assert (body["temperature"], body["max_tokens"], body["top_p"]) == (0.5, 100, 0.9)
    assert body.get("stream", False) is ("stream" in way)


@one_loop
@ways
async def test_thoughts(client: Client, way: str) -> None:
    """What GigaChat thought stands beside the text."""
    message = (await client("sandbox:reasoning\nsandbox:say Да", way)).choices[0].message
    assert message.content == "Да"
    assert message.reasoning_content.startswith("Пользователь спрашивает")


@one_loop
@ways
async def test_the_loop_of_an_agent(client: Client, gigachat: Gigachat, way: str) -> None:
    """Call, result, call, result, text: LiteLLM's own messages go back, each call's state with them."""
    turns: list[Any] = [{"role": "user", "content": TWO_CALLS}]
    for given in ('{"t": 20}', "полдень"):
        choice = (await client(turns, way, tools=TOOLS)).choices[0]
        assert choice.finish_reason == "tool_calls"
        (call,) = choice.message.tool_calls
        turns += [choice.message, {"role": "tool", "tool_call_id": call.id, "content": given}]
    choice = (await client(turns, way, tools=TOOLS)).choices[0]
    assert choice.finish_reason == "stop"
    assert 'weather → {"t": 20}; clock → {"result":"полдень"}' in choice.message.content
    body = gigachat.last()["body"]
    made, gave, made_too, gave_too = body["messages"][1:]
    assert made["function_call"] == {"name": "weather", "arguments": {"city": "Омск"}}
    assert made_too["function_call"] == {"name": "clock", "arguments": {"zone": 3}}
    assert made["functions_state_id"] != made_too["functions_state_id"]
    assert [gave["content"], gave_too["content"]] == ['{"t": 20}', '{"result":"полдень"}']
    assert body["functions"] == [one["function"] for one in TOOLS]


@one_loop
@ways
async def test_calls_side_by_side(client: Client, gigachat: Gigachat, way: str) -> None:
    """Several calls of one turn go on as pairs, each with its own result."""
    calls = [
        {"id": number, "type": "function", "function": {"name": name, "arguments": arguments}}
        for number, name, arguments in [("a", "weather", '{"city": "Омск"}'), ("b", "clock", "{}")]
    ]
    turns = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "b", "content": "полдень"},
        {"role": "tool", "tool_call_id": "a", "content": '{"t": 20}'},
    ]
    answer = await client(turns, way, tools=TOOLS)
    assert 'weather → {"t": 20}; clock → {"result":"полдень"}' in answer.choices[0].message.content
    assert gigachat.last()["body"]["messages"][1:] == [
        {"role": "assistant", "content": "", "function_call": {"name": "weather", "arguments": {"city": "Омск"}}},
        {"role": "function", "name": "weather", "content": '{"t": 20}'},
        {"role": "assistant", "content": "", "function_call": {"name": "clock", "arguments": {}}},
        {"role": "function", "name": "clock", "content": '{"result":"полдень"}'},
    ]


@one_loop
@ways
@pytest.mark.parametrize(
    ("choice", "sent", "called"),
    [
        ("required", "auto", ["weather"]),
        ({"type": "function", "function": {"name": "clock"}}, {"name": "clock"}, ["clock"]),
        ("none", "none", []),
    ],
)
async def test_the_choice_of_a_tool(
    client: Client, gigachat: Gigachat, choice: Any, sent: Any, called: list[str], way: str
) -> None:
    """Every form of the choice is what GigaChat does."""
    answer = await client("weather", way, tools=TOOLS, tool_choice=choice, parallel_tool_calls=False)
    assert [call.function.name for call in answer.choices[0].message.tool_calls or []] == called
    assert gigachat.last()["body"]["function_call"] == sent


@one_loop
@ways
async def test_formats(client: Client, gigachat: Gigachat, way: str) -> None:
    """A pydantic model is a strict format with all of its schema; `json_object` is any object."""
    content = (await client(f"sandbox:say {JSON}", way, response_format=Picture)).choices[0].message.content
    assert Picture.model_validate_json(content) == Picture.model_validate(SAID)
    form = gigachat.last()["body"]["response_format"]
    assert (form["type"], form["strict"]) == ("json_schema", True)
    assert set(form["schema"]["required"]) == form["schema"]["properties"].keys() == Picture.model_fields.keys()
    assert form["schema"]["properties"]["note"]["anyOf"] == [{"type": "string"}, {"type": "null"}]
    assert form["schema"]["$defs"]["Point"]["properties"]["x"]["type"] == "number"
    answer = await client("Ответь в JSON", way, response_format={"type": "json_object"})
    assert isinstance(json.loads(answer.choices[0].message.content), dict)
    assert gigachat.last()["body"]["response_format"] == {"type": "json_schema", "schema": {"type": "object"}}


@one_loop
async def test_embeddings(client: Client, gigachat: Gigachat) -> None:
    """The vectors of texts, in their order, and what they used."""
    ask = {"model": "openai/Embeddings", "input": ["Привет", "Hello"], **client.where}
    one, other = client.package.embedding(**ask), await client.package.aembedding(**ask)
    assert [item["embedding"] for item in one.data] == [item["embedding"] for item in other.data]
    assert [len(item["embedding"]) for item in one.data] == [1024, 1024]
    assert one.data[0]["embedding"] != one.data[1]["embedding"]
    assert one.usage.prompt_tokens > 0
    assert [request["body"]["input"] for request in gigachat.requests("embeddings")] == [["Привет", "Hello"]] * 2


@one_loop
@ways
@pytest.mark.parametrize(
    ("wrong", "error", "param"),
    [
        ({"temperature": -1}, "BadRequestError", "temperature"),
        ({"messages": []}, "BadRequestError", "messages"),
        ({"model": "openai/NoSuchModel"}, "NotFoundError", None),
        ({"api_key": "sk-wrong"}, "AuthenticationError", None),
    ],
)
async def test_errors(client: Client, wrong: dict[str, Any], error: str, param: str | None, way: str) -> None:
    """They are LiteLLM's, which are OpenAI's, and name the field."""
    with pytest.raises(getattr(client.package, error)) as caught:
        await client("x", way, **wrong)
    assert getattr(caught.value, "param", None) == param


REFUSALS = {
    "too long": ({"status": 413}, "ContextWindowExceededError"),
    "no tokens left": ({"status": 402}, "RateLimitError"),
    "server error": ({"status": 500, "times": 3}, "BadGatewayError"),
}


@one_loop
@ways
@pytest.mark.parametrize(("fault", "error"), REFUSALS.values(), ids=REFUSALS)
async def test_refusals(client: Client, gigachat: Gigachat, fault: dict[str, Any], error: str, way: str) -> None:
    """GigaChat's refusals are of LiteLLM's kinds, by which it takes another model or tries again."""
    gigachat.fault("status", **fault)
    with pytest.raises(getattr(client.package, error)):
        await client("x", way)
