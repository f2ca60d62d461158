"""Clients in numbers: each asks for its own words, whole or streamed, and tells exactly what it saw."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

from app import sse
from tests.watching import CHAT

# What a client saw that got no HTTP answer, or not all of one.
GONE = "connection"
SERVED = (200, "")
_NUMBERS = itertools.count(1)


@dataclass(slots=True)
class Question:
    """One request, told from all others by its marker, which its answer repeats unless it has `phrases`."""

    marker: str
    stream: bool
    wait: float = 0.0  # seconds that GigaChat takes
    words: int = 12
    phrases: int = 0  # a long answer to a short question
    model: str = "GigaChat-2"
    choices: int = 1
    pause: float = 0.0  # seconds that the client rests between two reads
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def answer(self) -> str:
        """The words of the answer."""
        if self.phrases:
            each = range(1, self.phrases + 1)
            return "".join(f"Фраза {one} из {self.phrases}, phrase {one} of {self.phrases}. " for one in each)
        return " ".join([self.marker, *(f"word{number}" for number in range(self.words))])

    def body(self) -> dict[str, Any]:
        """The request."""
        text = f"{self.marker}\nsandbox:long {self.phrases}" if self.phrases else f"sandbox:say {self.answer}"
        if self.wait:
            text = f"sandbox:wait {self.wait:.3f}\n{text}"
        asked: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "user", "content": text}],
            "stream": self.stream,
        }
        if self.choices > 1:
            asked["n"] = self.choices
        return {**asked, "stream_options": {"include_usage": True}} if self.stream else asked


@dataclass(slots=True)
class Seen:
    """What came of a question. `status` is the wire's, `code` the error's, in a stream's last event too."""

    question: Question
    status: int = 0
    code: str = GONE
    text: str = ""
    ended: bool = False  # by `[DONE]`, or by the end of a whole answer
    tokens: int = 0  # that were paid for it, as the client is told
    headers: Mapping[str, str] = field(default_factory=dict)
    begun: float = 0.0
    took: float = 0.0

    @property
    def what(self) -> tuple[int, str]:
        """Status and code; (200, "") for an answer."""
        return self.status, self.code

    @property
    def served(self) -> bool:
        """Whether the whole answer came, once, and nothing else."""
        return self.what == SERVED and self.ended and self.text == self.question.answer

    def read_whole(self, data: bytes) -> None:
        """A whole answer, or an error."""
        body = orjson.loads(data)
        if "error" in body:
            self.code = str(body["error"]["code"])
            return
        self.code, self.ended = "", True
        self.text = body["choices"][0]["message"]["content"]
        self.tokens = body["usage"]["total_tokens"]

    def read_event(self, data: bytes) -> None:
        """An event of a stream."""
        if data == sse.DONE:
            self.ended, self.code = True, self.code if self.code != GONE else ""
            return
        event = orjson.loads(data)
        if "error" in event:
            self.code = str(event["error"]["code"])
            return
        if event.get("usage"):
            self.tokens = event["usage"]["total_tokens"]
        for choice in event["choices"]:
            self.text += choice["delta"].get("content") or ""


class Crowd:
    """Clients of one gateway, on as many connections as they need."""

    def __init__(self, url: str, *, narrow: bool = False) -> None:
        """`narrow`: the clients' systems take few bytes for them before they are read."""
        self._url = url + CHAT
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, socket_factory=_make_narrow if narrow else None),
            read_bufsize=4096 if narrow else 2**16,
            timeout=aiohttp.ClientTimeout(total=60),
        )
        self.asked: list[Question] = []

    async def __aenter__(self) -> Crowd:
        """Nobody asks yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """All leave."""
        await self._session.close()

    def questions(self, count: int, **given: Any) -> Iterator[Question]:
        """New ones, every other of them for a stream unless told."""
        for number in range(count):
            options = {"stream": number % 2 == 1, **given}
            yield Question(f"m{next(_NUMBERS):06d}", **options)

    async def ask(self, question: Question) -> Seen:
        """One request; whatever comes of it is told, nothing is raised."""
        self.asked.append(question)
        seen = Seen(question, begun=time.time())
        begun = time.monotonic()
        try:
            async with self._session.post(
                self._url, data=orjson.dumps(question.body()), headers={**_JSON, **question.headers}
            ) as response:
                seen.status, seen.headers = response.status, response.headers
                if response.content_type == sse.CONTENT_TYPE:
                    decoder = sse.Decoder()
                    async for chunk in response.content.iter_any():
                        for data in decoder.feed(chunk):
                            seen.read_event(data)
                        if question.pause:
                            await asyncio.sleep(question.pause)
                else:
                    seen.read_whole(await response.read())
        except (aiohttp.ClientError, OSError):
            seen.code = GONE
        seen.took = time.monotonic() - begun
        return seen

    async def ask_all(self, count: int, **given: Any) -> list[Seen]:
        """So many at once; what each saw."""
        return list(await asyncio.gather(*(self.ask(question) for question in self.questions(count, **given))))


_JSON = {"Content-Type": "application/json"}


def _make_narrow(address: tuple[Any, ...]) -> socket.socket:
    client = socket.socket(address[0], address[1], address[2])
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return client


def outcomes(seen: list[Seen]) -> Counter[tuple[int, str]]:
    """How often each status and code was seen."""
    return Counter(one.what for one in seen)


def served(seen: list[Seen]) -> int:
    """How many got their whole answer, and no other words."""
    return sum(one.served for one in seen)
