"""LangChain's chat model at the gateway, the four ways to ask it, and the end of the connections that it keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.clients.sdk import KEY
from tests.running import Process

langchain_openai: Any = pytest.importorskip("langchain_openai")

# LangChain keeps its asynchronous connections for good, by address, and with them their loop.
one_loop = pytest.mark.asyncio(loop_scope="session")
ways = pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])


def chat(served: Process, **more: Any) -> Any:
    """The chat model as its users make it, but for retries."""
    given = {"model": "GigaChat-2", "base_url": f"{served.url}/v1", "api_key": KEY, "max_retries": 0}
    return langchain_openai.ChatOpenAI(**{**given, **more})


@pytest_asyncio.fixture(loop_scope="session", scope="session", autouse=True)
async def connections(served: Process) -> AsyncIterator[None]:
    """Those that LangChain keeps are closed at the end."""
    yield
    await chat(served).root_async_client.close()
