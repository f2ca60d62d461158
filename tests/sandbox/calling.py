"""What the tests of calls share: two functions, and a client that asks both ways."""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson

from app import sse

CHAT = "/v1/chat/completions"

CITY: dict[str, Any] = {
    "name": "get_weather",
    "description": "Погода",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 3}},
        "required": ["city"],
    },
}
MAIL: dict[str, Any] = {"name": "send_mail", "parameters": {"type": "object", "properties": {}}}
FUNCTIONS = [CITY, MAIL]
INVENTED = {"city": "песочница: city", "days": 3}


async def choice(session: aiohttp.ClientSession, body: dict[str, Any]) -> dict[str, Any]:
    """The choice of a whole answer."""
    async with session.post(CHAT, json=body) as response:
        answer = await response.json()
        assert response.status == 200, answer
        found: dict[str, Any] = answer["choices"][0]
        return found


async def message(session: aiohttp.ClientSession, body: dict[str, Any]) -> dict[str, Any]:
    """The message of a whole answer."""
    found: dict[str, Any] = (await choice(session, body))["message"]
    return found


async def chunks(session: aiohttp.ClientSession, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The chunks of a stream, without [DONE]."""
    async with session.post(CHAT, json={**body, "stream": True}) as response:
        assert response.status == 200
        *events, done = sse.Decoder().feed(await response.read())
    assert done == sse.DONE
    return [orjson.loads(event) for event in events]


async def refusal(session: aiohttp.ClientSession, body: dict[str, Any]) -> tuple[int, str]:
    """The status and the message of an answer that refuses."""
    async with session.post(CHAT, json=body) as response:
        return response.status, (await response.json()).get("message", "")


def after(body: dict[str, Any], *messages: dict[str, Any], result: str = '{"t": 20}') -> dict[str, Any]:
    """The request that follows: the answers so far, each call with its result."""
    history = list(body["messages"])
    for one in messages:
        name = one["function_call"]["name"]
        history += [one, {"role": "function", "name": name, "content": result}]
    return {**body, "messages": history}
