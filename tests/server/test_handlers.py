"""The thin path over real sockets: a request in OpenAI's words, an answer of GigaChat's."""

from __future__ import annotations

import aiohttp

from tests.running import Running


async def test_a_whole_answer(gateway: Running, http: aiohttp.ClientSession) -> None:
    """A chat request is answered with what GigaChat said."""
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "sandbox:say Привет"}]}
    async with http.post(f"{gateway.url}/v1/chat/completions", json=body) as response:
        answer = await response.json()
    assert response.status == 200
    assert answer["choices"][0]["message"]["content"] == "Привет"
