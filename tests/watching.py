"""What clients and operators see of a running gateway: replies, the events of streams, log lines, counters."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import orjson
import pytest
from multidict import CIMultiDictProxy

from app import sse
from tests.running import Running, eventually

CHAT = "/v1/chat/completions"
_LABEL = re.compile(r'(\w+)="([^"]*)"')


class Reply(NamedTuple):
    """What a client got, whole."""

    status: int
    headers: CIMultiDictProxy[str]
    text: str

    @property
    def json(self) -> Any:
        """The body of an answer that is JSON."""
        return orjson.loads(self.text)

    @property
    def error(self) -> dict[str, Any]:
        """The error in the envelope, which holds nothing else."""
        body = self.json
        assert list(body) == ["error"], self.text
        assert set(body["error"]) == {"message", "type", "param", "code"}
        error: dict[str, Any] = body["error"]
        return error

    @property
    def events(self) -> list[Any]:
        """The data of a stream's events; `[DONE]` stays a string."""
        data = sse.Decoder().feed(self.text.encode())
        return ["[DONE]" if item == sse.DONE else orjson.loads(item) for item in data]

    @property
    def streamed(self) -> bool:
        """Whether it came as a stream."""
        return self.headers["Content-Type"].startswith(sse.CONTENT_TYPE)

    @property
    def content(self) -> str:
        """The words of an answer, streamed or whole."""
        if not self.streamed:
            return str(self.json["choices"][0]["message"]["content"])
        deltas = [item["choices"][0]["delta"] for item in self.events if item != "[DONE]" and item.get("choices")]
        return "".join(delta.get("content", "") for delta in deltas)

    @property
    def choices(self) -> list[dict[str, Any]]:
        """The choices of an answer; those of a stream put together of its chunks, as they would be in a whole one."""
        if not self.streamed:
            found: list[dict[str, Any]] = self.json["choices"]
            return found
        made: dict[int, dict[str, Any]] = {}
        for chunk in self.events[:-1]:
            for one in chunk["choices"]:
                empty = {"role": "assistant", "content": None, "refusal": None}
                choice = made.setdefault(one["index"], {"index": one["index"], "message": empty, "finish_reason": None})
                _join(choice["message"], one["delta"])
                choice["finish_reason"] = one["finish_reason"]
        return [made[index] for index in sorted(made)]


def _join(message: dict[str, Any], delta: dict[str, Any]) -> None:
    """Put a stream's delta to the message that it belongs to."""
    for key, value in delta.items():
        if key == "tool_calls":
            calls = message.setdefault(key, [])
            for part in value:
                if part["index"] == len(calls):
                    calls.append({"id": part["id"], "type": part["type"], "function": {"name": "", "arguments": ""}})
                _join(calls[part["index"]]["function"], part["function"])
        elif isinstance(value, dict):
            _join(message.setdefault(key, {}), value)
        elif isinstance(value, str) and key != "role":
            message[key] = (message.get(key) or "") + value


def tool(name: str, properties: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A function that may be called."""
    schema = {"type": "object", "properties": properties or {}, **more}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


def called(number: str, name: str, arguments: str = "{}") -> dict[str, Any]:
    """A call as an assistant's message has it."""
    return {"id": number, "type": "function", "function": {"name": name, "arguments": arguments}}


def saying(text: str, **more: Any) -> dict[str, Any]:
    """A chat request that the sandbox answers with exactly this text."""
    return asking(f"sandbox:say {text}", **more)


def asking(text: str, **more: Any) -> dict[str, Any]:
    """A chat request with one message."""
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}


async def ask(
    http: aiohttp.ClientSession,
    gateway: Running,
    body: Any = None,
    *,
    path: str = CHAT,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    data: Any = None,
) -> Reply:
    """One request, its whole reply."""
    data = io.BytesIO(json.dumps(body).encode()) if body is not None else data
    async with http.request(method, gateway.url + path, data=data, headers=headers, allow_redirects=False) as response:
        return Reply(response.status, response.headers, await response.text())


async def health(http: aiohttp.ClientSession, gateway: Running, path: str = "/health") -> tuple[int, dict[str, Any]]:
    """Status and body of one of the operators' pages."""
    reply = await ask(http, gateway, method="GET", path=path)
    return reply.status, reply.json


async def raw(gateway: Running, request: bytes, *, end: bool = False) -> bytes:
    """Send bytes as they are; all that came until the gateway closed. `end`: then leave at once."""
    parts = urlsplit(gateway.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(request)
        await writer.drain()
        if end:
            return b""
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The fields of every finished request's log line."""
    return [
        record.__dict__["gateway_fields"]
        for record in caplog.records
        if record.name == "gpt2giga" and record.getMessage() == "request"
    ]


async def told(caplog: pytest.LogCaptureFixture, count: int = 1) -> dict[str, Any]:
    """The last log line, once so many requests have ended: a stream's line follows its last byte."""
    await eventually(lambda: len(lines(caplog)) >= count)
    assert len(lines(caplog)) == count
    return lines(caplog)[-1]


def everything(caplog: pytest.LogCaptureFixture) -> str:
    """All that was logged, fields and tracebacks too."""
    formatter = logging.Formatter()
    return "\n".join(f"{formatter.format(one)} {one.__dict__.get('gateway_fields')}" for one in caplog.records)


async def counted(http: aiohttp.ClientSession, gateway: Running, family: str, label: str, **only: str) -> Counter[str]:
    """A family's values by one label, as a scrape sees them. The registry is the process's: compare differences."""
    found: Counter[str] = Counter()
    async with http.get(f"{gateway.url}/metrics") as response:
        text = await response.text()
    for line in text.splitlines():
        if line.startswith(family + "{"):
            labels, _, value = line.rpartition(" ")
            named = dict(_LABEL.findall(labels))
            if only.items() <= named.items():
                found[named[label]] += int(float(value))
    return found


class Tally(NamedTuple):
    """What is counted of failures."""

    errors: Counter[str]
    slo: Counter[str]

    def since(self, before: Tally) -> tuple[dict[str, int], dict[str, int]]:
        """What has been added, by error_type and by result."""
        return dict(self.errors - before.errors), dict(self.slo - before.slo)


async def tally(http: aiohttp.ClientSession, gateway: Running) -> Tally:
    """The counters of failures now."""
    return Tally(
        await counted(http, gateway, "gpt2giga_proxy_errors_total", "error_type"),
        await counted(http, gateway, "gpt2giga_proxy_slo_events_total", "result", slo="availability"),
    )
