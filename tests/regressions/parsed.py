"""What OpenAI's package makes of an answer, and what went upstream for it."""

from __future__ import annotations

import json
from typing import Any

from openai import AsyncOpenAI
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion

from app.sandbox import server
from tests.watching import tool

LOOK, ACT = (
    tool("look", {"where": {"type": "string"}, "times": {"type": "integer"}}, required=["where"]),
    tool("act", {"what": {"type": "string"}}, required=["what"]),
)
CALL = 'sandbox:call look {"where": "up"}'


async def completion(client: AsyncOpenAI, body: dict[str, Any], stream: bool) -> ChatCompletion:
    """What the package makes of the answer, whole or put together of its chunks."""
    create: Any = client.chat.completions.create
    if not stream:
        made: ChatCompletion = await create(**body)
        return made
    state = ChatCompletionStreamState()
    options = {"include_usage": True}
    async for chunk in await create(**body, stream=True, stream_options=options):
        state.handle_chunk(chunk)
    return state.current_completion_snapshot


def calls(made: ChatCompletion) -> list[tuple[str, Any]]:
    """The functions that are called, with their arguments."""
    found = [call.to_dict() for call in made.choices[0].message.tool_calls or []]
    functions: list[Any] = [call["function"] for call in found]
    return [(function["name"], json.loads(function["arguments"])) for function in functions]


def chats(sandbox: server.Running) -> list[dict[str, Any]]:
    """The bodies that GigaChat got."""
    return [record.body for record in sandbox.state.requests.of("chat")]
