"""The peak of a gateway's process under attack, against the compose file's memory limit; figures: docs/memory.md."""

from __future__ import annotations

import asyncio
import base64
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
import orjson
import pytest

from tests.resident import limit, now, peak
from tests.running import Process
from tests.unfinished import Client, chunk, connected, head
from tests.watching import CHAT, saying

MIB = 1024 * 1024
_SIZE = 60_000_000
_PIECE = 256 * 1024
_EMBEDDINGS = "/v1/embeddings"


def said(text: str, *, stream: bool = False) -> bytes:
    """A chat request with one message."""
    return orjson.dumps({"model": "GigaChat-2-Max", "stream": stream, "messages": [{"role": "user", "content": text}]})


def beside(value: str, count: int) -> bytes:
    """A chat request with a field that nobody reads, of many values."""
    values = ",".join([value] * count)
    return f'{{"messages":[{{"role":"user","content":"a"}}],"x":[{values}]}}'.encode()


def document(kind: str, data: bytes) -> bytes:
    """A chat request with a file inside, and words with a wide character beside it."""
    file = {"filename": "a", "file_data": f"data:{kind};base64,{base64.b64encode(data).decode()}"}
    parts = [{"type": "text", "text": "Что здесь? 😀"}, {"type": "file", "file": file}]
    return orjson.dumps({"model": "GigaChat-2-Max", "messages": [{"role": "user", "content": parts}]})


def noise(size: int) -> bytes:
    """Bytes that no two requests share, so that each file is uploaded."""
    return random.Random(time.monotonic()).randbytes(size)


def inputs(**more: str) -> bytes:
    """A request of a few kilobytes whose answer has 5.2 million numbers."""
    return orjson.dumps({"model": "EmbeddingsGigaR", "input": [f"{n}" for n in range(2048)], **more})


# attack -> how many at once, what each sends, and where to
ATTACKS: dict[str, tuple[int, Callable[[], bytes], str]] = {
    "Cyrillic": (4, lambda: said("я" * (_SIZE // 2)), CHAT),
    "Cyrillic, streamed": (4, lambda: said("я" * (_SIZE // 2), stream=True), CHAT),
    "ASCII": (4, lambda: said("a " * (_SIZE // 2)), CHAT),
    "one emoji": (6, lambda: said("a" * (_SIZE // 2) + "😀"), CHAT),
    "documents": (4, lambda: document("application/pdf", b"%PDF-1.4\n" + noise(38_000_000)), CHAT),
    "texts in another encoding": (4, lambda: document("text/plain", ("слово, " * 2_000_000).encode("cp1251")), CHAT),
    "empty lists": (150, lambda: beside("[]", 330_000), CHAT),
    "small objects": (100, lambda: beside('{"a":1}', 120_000), CHAT),
    "embeddings": (6, inputs, _EMBEDDINGS),
    "embeddings in base64": (6, lambda: inputs(encoding_format="base64"), _EMBEDDINGS),
}


@dataclass
class Watched:
    """What others notice while an attack runs."""

    url: str
    served: list[int] = field(default_factory=list)
    longest: float = 0.0

    async def run(self, http: aiohttp.ClientSession) -> None:
        """A probe and a usual chat, again and again."""
        while True:
            begun = time.monotonic()
            async with http.get(f"{self.url}/livez") as response:
                assert response.status == 200
            self.longest = max(self.longest, time.monotonic() - begun)
            async with http.post(self.url + CHAT, json=saying("hi")) as response:
                self.served.append(response.status)
                await response.read()
            await asyncio.sleep(0.05)


async def attack(client: Client, path: str, body: bytes, *, chunked: bool) -> int:
    """Send a body as fast as it is taken, give the answer's status, read the answer."""
    await client.send(head(None if chunked else len(body), "Connection: close", path=path))
    try:
        for at in range(0, len(body), _PIECE):
            piece = body[at : at + _PIECE]
            await client.send(chunk(piece) if chunked else piece)
        await client.send(b"0\r\n\r\n" if chunked else b"")
    except ConnectionError:  # it was answered before all was sent
        pass
    status = await client.status(60)
    await client.answer(60)
    return status


@pytest.mark.long
@pytest.mark.parametrize("kind", ATTACKS)
async def test_no_attack_with_bodies_reaches_the_limit(kind: str, served: Process, http: aiohttp.ClientSession) -> None:
    """The peak stays below the container's limit, others are served beside it, and the memory comes back."""
    idle = now(served.popen.pid)
    count, made, path = ATTACKS[kind]
    body = made()
    watched = Watched(served.url)
    watching = asyncio.create_task(watched.run(http))

    async def one(number: int) -> int:
        async with connected(served.url) as client:
            return await attack(client, path, body, chunked=number % 2 == 1)

    statuses = Counter(await asyncio.gather(*(one(number) for number in range(count))))
    watching.cancel()
    highest = peak(served.popen.pid)
    print(f"{kind}: {dict(statuses)}, idle {idle >> 20}, peak {highest >> 20} MiB, probe {watched.longest:.2f} s")
    assert highest < 0.75 * limit(), statuses
    assert set(statuses) <= {200, 400, 503}
    assert watched.served
    assert set(watched.served) == {200}
    assert watched.longest < 5
    await asyncio.sleep(2.5)
    assert now(served.popen.pid) < idle + 80 * MIB
