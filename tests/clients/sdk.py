"""The programs and the official `openai` package as the tests of this folder use them.

The package's blocking and its asyncio client are behind one face: a test is written once and runs with both.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import isawaitable
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel

from tests.running import Process, wait_ready

ROOT = Path(__file__).resolve().parent.parent.parent
KEY = "key-of-the-gateway"
# Settings of gateways whose limits are soon met.
IMPATIENT = {
    "GIGACHAT_TIMEOUT": "0.3",
    "GPT2GIGA_FIRST_BYTE_SECONDS": "0.3",
    "GPT2GIGA_MAX_BODY_BYTES": "8000",
    "GPT2GIGA_MAX_BODIES_BYTES": "4000",
}
ALIASED = {
    "GIGACHAT_MODEL": "GigaChat-2-Pro",
    "GPT2GIGA_MODEL_ALIASES": "gpt-4o=GigaChat-2-Max,house-*=GigaChat-2,house=GigaChat-2-Pro",
}
TALKATIVE = {"GPT2GIGA_COMMIT_SECONDS": "0.02", "GPT2GIGA_KEEPALIVE_SECONDS": "0.02"}
STRICT = {"X-Gateway-Strict": "1"}
# What GigaChat has and the types of OpenAI's package have not.
THOUGHTS = {"choices.0.message.reasoning_content", "choices.0.delta.reasoning_content"}
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@dataclass
class Gigachat:
    """The sandbox's control side."""

    url: str

    def fault(self, kind: str, where: str = "chat", times: int | None = 1, **parameters: Any) -> None:
        """Let a fault stand."""
        self._call("POST", "/sandbox/faults", {"kind": kind, "where": where, "times": times, **parameters})

    def requests(self, where: str = "chat") -> list[dict[str, Any]]:
        """The record of a place since the test began."""
        found: list[dict[str, Any]] = self._call("GET", f"/sandbox/requests?where={where}")
        return found

    def last(self, where: str = "chat") -> dict[str, Any]:
        """The last request of a place."""
        return self.requests(where)[-1]

    def forget(self) -> None:
        """No faults, no record."""
        self._call("DELETE", "/sandbox/faults")
        self._call("DELETE", "/sandbox/requests")

    def revoke(self) -> None:
        """Forget all tokens: the next request meets a 401."""
        self._call("POST", "/sandbox/tokens/revoke", {})

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)  # noqa: S310 - a URL of this test's own
        with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
            return json.load(response)


@dataclass
class Programs:
    """Starts the programs in an empty directory; gateways are told apart by their settings."""

    place: Path
    running: list[Process] = field(default_factory=list)
    gateways: dict[tuple[tuple[str, str], ...], Process] = field(default_factory=dict)

    def start(self, *arguments: str, env: dict[str, str], module: str = "app") -> Process:
        """Start `python -m app ...`, or another module."""
        log = self.place / f"log{len(self.running)}"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("GIGACHAT_", "GPT2GIGA_"))}
        command = [sys.executable, "-m", module, *arguments]
        with log.open("wb") as out:
            popen = subprocess.Popen(command, env=clean | env, cwd=self.place, stdout=out, stderr=out)
        process = Process(popen, log)
        self.running.append(process)
        return process

    def gateway(self, *, ready: bool = True, **settings: str) -> Process:
        """A gateway with these settings, started when first asked for."""
        known = tuple(sorted(settings.items()))
        if known not in self.gateways:
            env = {
                "GPT2GIGA_PORT": "0",
                "GPT2GIGA_LOG_FORMAT": "json",
                "GPT2GIGA_API_KEY": KEY,
                "GIGACHAT_MAX_CONCURRENCY": str(10**15),  # each test's 429s halve it
                "GPT2GIGA_QUEUE_SECONDS": "1",
                "PYTHONPATH": str(ROOT),
                **settings,
            }
            process = self.gateways[known] = self.start(env=env, module="tests.untried")
            process.url = process.event("listening")["url"].removesuffix("/v1")
            wait_ready(process.url, "/readyz" if ready else "/livez")
        return self.gateways[known]

    def stop(self) -> None:
        """End them all."""
        for process in self.running:
            process.popen.kill()
            process.popen.wait(10)


GatewayWith = Callable[..., Process]


class Sdk:
    """One of the package's two clients, used in the same words: `wait` gives what a call gives at its end."""

    def __init__(self, kind: str, url: str) -> None:
        self.kind = kind
        self.url = url
        self._runner = asyncio.Runner()
        self._made: list[Any] = []
        self.client = self.own(base_url=f"{url}/v1", api_key=KEY, max_retries=0, timeout=15.0)

    def make(self, url: str | None = None, **options: Any) -> Any:
        """The client with other options, on the same connections; it does not try again unless told to."""
        return self.client.with_options(base_url=url or f"{self.url}/v1", **options)

    def own(self, **options: Any) -> Any:
        """A client with these options and no others, and connections of its own."""
        self._made.append(OpenAI(**options) if self.kind == "sync" else AsyncOpenAI(**options))
        return self._made[-1]

    def wait(self, value: Any) -> Any:
        """A call's result."""
        return self._runner.run(_awaited(value)) if isawaitable(value) else value

    def chat(self, text: str, client: Any = None, **more: Any) -> Any:
        """One user message, answered."""
        given = {"model": "GigaChat-2", "messages": [{"role": "user", "content": text}], **more}
        return self.wait((client or self.client).chat.completions.create(**given))

    def heard(self, text: str, client: Any = None, *, stream: bool) -> Any:
        """An answer to its end: itself, or the list of its chunks."""
        answer = self.chat(text, client, stream=stream)
        return list(self.each(answer)) if stream else answer

    def together(self, texts: list[str], *, stream: bool) -> list[str]:
        """The answers to many messages, asked at the same time."""
        if self.kind == "async":
            return list(self.wait(self._gathered(texts, stream)))
        with ThreadPoolExecutor(len(texts)) as pool:
            return [words(answer) for answer in pool.map(lambda text: self.heard(text, stream=stream), texts)]

    async def _gathered(self, texts: list[str], stream: bool) -> list[str]:
        async def ask(text: str) -> str:
            answer = await self.client.chat.completions.create(
                model="GigaChat-2", messages=[{"role": "user", "content": text}], stream=stream
            )
            return words([chunk async for chunk in answer] if stream else answer)

        return await asyncio.gather(*map(ask, texts))

    def each(self, stream: Any) -> Iterator[Any]:
        """The items of a stream or page, one by one."""
        if not hasattr(stream, "__aiter__"):
            yield from stream
            return
        items = aiter(stream)
        while True:
            try:
                yield self.wait(anext(items))
            except StopAsyncIteration:
                return

    @contextmanager
    def within(self, manager: Any) -> Iterator[Any]:
        """`with`, or `async with`."""
        if not hasattr(manager, "__aenter__"):
            with manager as value:
                yield value
            return
        value = self.wait(manager.__aenter__())
        try:
            yield value
        finally:
            self.wait(manager.__aexit__(None, None, None))

    def close(self) -> None:
        """Close all clients."""
        for client in self._made:
            self.wait(client.close())
        self._runner.close()


def words(answer: Any) -> str:
    """The text of a whole answer, or of a stream's chunks."""
    if not isinstance(answer, list):
        return str(answer.choices[0].message.content)
    return "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)


async def _awaited(value: Any) -> Any:
    return await value


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def soon(find: Callable[[], Any], seconds: float = 5.0) -> Any:
    """What `find` finds, waited for."""
    end = time.monotonic() + seconds
    while not (found := find()):
        if time.monotonic() > end:
            raise AssertionError("it did not come to pass")
        time.sleep(0.01)
    return found


def logged(process: Process, request_id: str) -> dict[str, Any]:
    """The gateway's log line of a request, waited for."""

    def line() -> dict[str, Any] | None:
        return next((one for one in process.lines() if one.get("request_id") == request_id), None)

    found: dict[str, Any] = soon(line)
    return found


def strangers(model: Any, path: str = "") -> set[str]:
    """The paths of all keys that the SDK's types do not know."""
    if isinstance(model, list):
        return {found for index, item in enumerate(model) for found in strangers(item, f"{path}{index}.")}
    if not isinstance(model, BaseModel):
        return set()
    unknown = {path + name for name in model.model_extra or {}}
    for name in model.model_fields_set - set(model.model_extra or {}):
        unknown |= strangers(getattr(model, name), f"{path}{name}.")
    return unknown


def answered(sdk: Sdk, given: str | list[Any], *, stream: bool = False, **more: Any) -> tuple[Any, Any]:
    """An answer and its headers; of a stream, what the SDK itself makes of the chunks. No key is a stranger."""
    messages = [{"role": "user", "content": given}] if isinstance(given, str) else given
    ask = {"model": "GigaChat-2", "messages": messages, "stream": stream, **more}
    raw = sdk.wait(sdk.client.chat.completions.with_raw_response.create(**ask))
    answer = raw.parse()
    if not stream:
        assert strangers(ChatCompletion.model_validate_json(answer.to_json(), strict=True)) <= THOUGHTS
        return answer, raw.headers
    state: Any = ChatCompletionStreamState()
    for chunk in sdk.each(answer):
        assert strangers(ChatCompletionChunk.model_validate_json(chunk.to_json(), strict=True)) <= THOUGHTS
        state.handle_chunk(chunk)
    return state.get_final_completion(), raw.headers


def refused(sdk: Sdk, gigachat: Gigachat, path: str, **more: Any) -> None:
    """A 400 that names this field, in strict mode unless told, and GigaChat is not asked."""
    gigachat.forget()
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.chat("x", **{"extra_headers": STRICT, **more})
    assert caught.value.param == path
    assert gigachat.requests() == []
