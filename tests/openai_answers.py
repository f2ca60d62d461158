"""What OpenAI's own package makes of a gateway's answers, whole and streamed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from openai import AsyncOpenAI
from openai.lib.streaming.chat import ChatCompletionStreamState

from tests.running import Running


class Parsed(NamedTuple):
    """An answer as the package parsed it, and its headers."""

    completion: Any
    headers: Mapping[str, str]

    @property
    def message(self) -> Any:
        """The message of the first choice."""
        return self.completion.choices[0].message

    @property
    def call(self) -> tuple[str, Any]:
        """The name and the arguments of the only call."""
        (call,) = self.message.tool_calls
        return call.function.name, orjson.loads(call.function.arguments)

    @property
    def told(self) -> dict[str, str]:
        """What the client is told of losses."""
        return {
            kind: self.headers[f"x-gateway-{kind}"]
            for kind in ("adapted", "dropped")
            if f"x-gateway-{kind}" in self.headers
        }


async def parse(gateway: Running, body: dict[str, Any]) -> Parsed:
    """Send a body by the package; keys that it does not know go along as they are."""
    body = {"model": "gpt-4o", **body}
    async with AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="k", max_retries=0, timeout=20) as client:
        known = {key: body[key] for key in ("model", "messages", "stream") if key in body}
        more = {key: value for key, value in body.items() if key not in known}
        raw = await client.chat.completions.with_raw_response.create(**known, extra_body=more)
        answer: Any = raw.parse()
        if not body.get("stream"):
            return Parsed(answer, raw.headers)
        state: Any = ChatCompletionStreamState()
        async for chunk in answer:
            state.handle_chunk(chunk)
        return Parsed(state.get_final_completion(), raw.headers)
