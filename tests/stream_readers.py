"""Streams read as people read them: each reader gives the chunks, and fails at a line that is not what it expects."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import httpx2
import openai
import requests

from tests.watching import CHAT

Chunks = list[dict[str, Any]]
Reader = Callable[[str, dict[str, Any]], Awaitable[Chunks]]
_SECONDS = 20


def _payloads(lines: Iterable[str]) -> Chunks:
    """The data of lines, as simple loops take it; comments are skipped."""
    data = [line.removeprefix("data: ") for line in lines if line and not line.startswith(":")]
    assert data.pop() == "[DONE]"
    return [json.loads(one) for one in data]


def _by_requests(url: str, body: dict[str, Any]) -> Chunks:
    with requests.post(url + CHAT, json=body, stream=True, timeout=_SECONDS) as response:
        return _payloads(map(str, response.iter_lines(decode_unicode=True)))


def _by_dropping_data(url: str, body: dict[str, Any]) -> Chunks:
    """A loop that knows no comments, events or encodings: it parses every line that is not empty."""
    with requests.post(url + CHAT, json=body, stream=True, timeout=_SECONDS) as response:
        data = [str(line).replace("data: ", "", 1) for line in response.iter_lines(decode_unicode=True) if line]
        return [json.loads(one) for one in data if one != "[DONE]"]


def _by_httpx(url: str, body: dict[str, Any]) -> Chunks:
    with httpx2.stream("POST", url + CHAT, json=body, timeout=_SECONDS) as response:
        return _payloads(response.iter_lines())


def _by_sseclient(url: str, body: dict[str, Any]) -> Chunks:
    """As the packages `sseclient` and `sseclient-py` cut events and lines: of text, at every end of a line."""
    with requests.post(url + CHAT, json=body, stream=True, timeout=_SECONDS) as response:
        assert response.encoding == "utf-8"
        text = response.content.decode(response.encoding)
    *events, rest = re.split("\r\n\r\n|\n\n|\r\r", text)
    assert not rest
    return _payloads(line for event in events for line in event.splitlines())


def _by_openai(url: str, body: dict[str, Any]) -> Chunks:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0, timeout=_SECONDS) as client:
        return [chunk.to_dict() for chunk in client.chat.completions.create(**body)]


async def _by_asyncio(url: str, body: dict[str, Any]) -> Chunks:
    """A StreamReader with its own limit: a line of more than 64 KB is an error."""
    parts, data = urlsplit(url), json.dumps(body).encode()
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = f"POST {CHAT} HTTP/1.0\r\nHost: {parts.netloc}\r\nContent-Length: {len(data)}\r\n\r\n"
    writer.write(head.encode() + data)
    while await reader.readline() != b"\r\n":
        pass
    lines = []
    while line := await reader.readline():
        lines.append(line.decode().removesuffix("\n"))
    writer.close()
    return _payloads(lines)


def _in_thread(read: Callable[[str, dict[str, Any]], Chunks]) -> Reader:
    async def run(url: str, body: dict[str, Any]) -> Chunks:
        return await asyncio.to_thread(read, url, body)

    return run


READERS: dict[str, Reader] = {
    "requests": _in_thread(_by_requests),
    "sseclient": _in_thread(_by_sseclient),
    "httpx": _in_thread(_by_httpx),
    "asyncio": _by_asyncio,
    "openai": _in_thread(_by_openai),
}
# It takes comments for data: it needs keep-alives that are deltas, or none.
NAIVE: Reader = _in_thread(_by_dropping_data)
