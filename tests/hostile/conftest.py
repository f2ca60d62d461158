"""A gateway in a process of its own, in front of a GigaChat that attacks it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.hostile import near_gateway
from tests.hostile.gigachat import Hostile, hostile_gigachat
from tests.running import Process, ProcessStarter

CHAT = "/v1/chat/completions"
NEAR = Path(near_gateway.__file__)
Attacked = Callable[..., Awaitable[Process]]


@pytest.fixture
async def hostile() -> AsyncIterator[Hostile]:
    """The GigaChat that attacks; a stranger's file server as well."""
    async with hostile_gigachat() as found:
        yield found


@pytest.fixture
def attacked(hostile: Hostile, start_process: ProcessStarter, http: aiohttp.ClientSession) -> Attacked:
    """Start a gateway that the attacks go to: `await attacked(GIGACHAT_TIMEOUT="5")`.

    It has its token and models, unless it is not `ready`.
    """

    async def start(*, ready: bool = True, **settings: str) -> Process:
        env = {**hostile.settings, "SSL_CERT_FILE": os.devnull, **settings}
        process = await asyncio.to_thread(start_process, env=env, program=[str(NEAR)])
        async with asyncio.timeout(20):
            while ready:
                async with http.get(f"{process.url}/readyz") as response:
                    if response.status == 200 and hostile.asked["/v1/models"]:
                        break
                await asyncio.sleep(0.02)
        return process

    return start


async def chat(http: aiohttp.ClientSession, process: Process, **fields: Any) -> tuple[int, str]:
    """The status and the text that a client gets."""
    body = {"model": "GigaChat", "messages": [{"role": "user", "content": "hello"}], **fields}
    async with http.post(process.url + CHAT, json=body) as response:
        return response.status, await response.text()
