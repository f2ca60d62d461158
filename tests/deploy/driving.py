"""Traffic of every kind of outcome: what a gateway meets in a month, in seconds."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tests.dropped import DROPPED

# The smallest picture that is one.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


def ask_sandbox(sandbox: str, path: str, **body: Any) -> Any:
    """Ask the sandbox's control side."""
    request = urllib.request.Request(  # noqa: S310 - a URL of this test's own
        f"{sandbox}/sandbox/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
        return json.load(response)


class Driver:
    """A gateway's clients, and whoever makes its GigaChat fail."""

    def __init__(self, gateway: str, sandbox: str, http: aiohttp.ClientSession) -> None:
        self._gateway = gateway
        self._sandbox = sandbox
        self._http = http

    def fault(self, kind: str, where: str = "chat", times: int | None = 1, **parameters: Any) -> None:
        """Let GigaChat fail."""
        ask_sandbox(self._sandbox, "faults", kind=kind, where=where, times=times, **parameters)

    def spend(self, looks: int) -> None:
        """Every look at the balance finds less of one package; the other is not used."""
        for left in range(9_000, 9_000 - looks, -1):
            packages = [{"usage": "GigaChat", "value": left}, {"usage": "embeddings", "value": 1_000}]
            self.fault("status", "balance", status=200, body={"balance": packages})

    def no_faults(self) -> None:
        """Let it recover."""
        url = f"{self._sandbox}/sandbox/faults"
        urllib.request.urlopen(urllib.request.Request(url, method="DELETE"), timeout=5).close()  # noqa: S310

    def revoke(self, token: str | None = None) -> None:
        """GigaChat forgets this token, or all."""
        ask_sandbox(self._sandbox, "tokens/revoke", **({"access_token": token} if token else {}))

    async def chat(self, text: str = "Привет!", *, leave: bool = False, **more: Any) -> int:
        """One request, read to its end; `leave`: the client goes after the first bytes."""
        content: Any = more.pop("content", text)
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": content}], **more}
        try:
            async with self._http.post(f"{self._gateway}/v1/chat/completions", json=body) as response:
                if leave:
                    await response.content.readany()
                    response.close()
                else:
                    await response.read()
                return response.status
        except aiohttp.ClientPayloadError:
            return 0

    async def usual(self, seconds: float) -> None:
        """What clients ask every day, for so long."""
        end = asyncio.get_running_loop().time() + seconds
        picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
        while asyncio.get_running_loop().time() < end:
            statuses = await asyncio.gather(
                self.chat(**DROPPED),
                self.chat(stream=True),
                self.chat("sandbox:wait 0.5"),
                self.chat("sandbox:long 20", stream=True, model="GigaChat-2-Max"),
                self.chat("sandbox:call weather", tools=[TOOL]),
                self.chat(content=[{"type": "text", "text": "что это?"}, picture], model="GigaChat-2-Max"),
                self.chat("sandbox:long 300", stream=True, leave=True),
                self.chat("sandbox:say раз два три четыре", stream=True, stop=["три"]),
                self._post("embeddings", {"model": "text-embedding-3-small", "input": "слово"}),
                self._get("models"),
            )
            assert set(statuses) == {200}, statuses
            self.fault("call_leaked")
            assert await self.chat("sandbox:call weather", tools=[TOOL]) == 200
            assert await self._get("nothing") == 404
            assert await self._post("chat/completions", {"model": 1}) == 400
            assert await self.chat(model="NoSuchModel") == 404

    async def troubles(self) -> None:
        """One of each: refusals, broken and silent streams, dead connections, a forgotten token."""
        self.fault("stall", after=2, seconds=4.0)
        stalled = asyncio.create_task(self.chat("sandbox:long 20", stream=True))
        await self._taken("stall")
        expected = {401: 200, 402: 429, 403: 502, 422: 400, 429: 200, 500: 200, 413: 400}
        for status, told in expected.items():
            self.fault("status", status=status)
            assert await self.chat() == told, status
        self.fault("status", times=2, status=500)
        assert await self.chat() == 502, "it is tried once more, no oftener"
        self.fault("status", status=423)
        assert await self.chat(model="GigaChat-2-Pro") == 503, "a model that nobody else asks for: its circuit opens"
        for kind in ("cut", "event_error", "end"):
            self.fault(kind, after=3)
            await self.chat("sandbox:long 20", stream=True)
        self.fault("slow", seconds=0.8)
        await self.chat(stream=True)
        self.fault("drop_idle")
        await self.chat()
        await self.chat()
        await stalled

    async def crowd(self, number: int = 30) -> None:
        """More at once than GigaChat takes and the queue holds: some wait, some are refused."""
        statuses = await asyncio.gather(*(self.chat("sandbox:wait 1.5") for _ in range(number)))
        assert set(statuses) == {200, 429}, statuses

    def silence(self) -> socket.socket:
        """A client that connects and says nothing."""
        parts = urlsplit(self._gateway)
        return socket.create_connection((parts.hostname, parts.port))

    async def _taken(self, kind: str) -> None:
        """Wait until a request has met this fault."""
        async with asyncio.timeout(10):
            while True:
                async with self._http.get(f"{self._sandbox}/sandbox/faults") as response:
                    if all(fault["kind"] != kind for fault in await response.json()):
                        return
                await asyncio.sleep(0.02)

    async def _post(self, path: str, body: Any) -> int:
        async with self._http.post(f"{self._gateway}/v1/{path}", json=body) as response:
            await response.read()
            return response.status

    async def _get(self, path: str) -> int:
        async with self._http.get(f"{self._gateway}/v1/{path}") as response:
            await response.read()
            return response.status
