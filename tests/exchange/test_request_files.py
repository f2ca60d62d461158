"""A request's files on their way: loaded once, uploaded once, and their memory given back."""

from __future__ import annotations

import asyncio
import base64
import gc
import json

import aiohttp
import pytest

from app.sandbox import server
from app.server.app_keys import BODIES
from app.translate.dialogue import Inline
from tests.attaching import (
    attached,
    by_id,
    chats,
    image,
    shelf,
    showing,
    sound,
    talking,
    uploads,
    user,
)
from tests.hosting import Host
from tests.media import files as made
from tests.running import GatewayStarter, Running, eventually
from tests.watching import ask, lines, told

PHOTO, OTHER = made.photo("JPEG"), made.photo("PNG")
STICKER = made.photo("WEBP")
# What is held of a small request besides its texts.
_OBJECTS = 5000
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def left(gateway: Running) -> int:
    """The memory that is free."""
    return gateway.app[BODIES].memory.left


async def test_a_chat_sends_its_image_once(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Ten turns with the same image, whole and streamed: one upload, one id, and the log says of each what it cost."""
    caplog.set_level("INFO", "gpt2giga")
    turns = [user(image(STICKER))]
    for number in range(10):
        reply = await ask(http, gateway, talking(*turns, stream=number % 2 == 1))
        assert reply.status == 200
        (file,) = shelf(sandbox)
        assert attached(sandbox) == [[file.id]]
        turns += [{"role": "assistant", "content": "кот"}, {"role": "user", "content": f"точно? {number}"}]
        line = await told(caplog, number + 1)
        assert (line["files"], line.get("uploads", 0)) == (1, 1 if number == 0 else 0)
    assert uploads(sandbox) == 1
    assert len({record.headers["X-Session-ID"] for record in sandbox.state.requests.of("chat")}) == 1


async def test_of_requests_at_the_same_time_one_uploads(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """The others wait for it, and all attach the same id."""
    sandbox.state.faults.add("slow", "files", seconds=0.1)
    bodies = [showing(image(STICKER), text=f"{number}", stream=number % 2 == 1) for number in range(12)]
    replies = await asyncio.gather(*(ask(http, gateway, body) for body in bodies))
    assert {reply.status for reply in replies} == {200}
    (file,) = shelf(sandbox)
    assert {one["messages"][0]["attachments"][0] for one in chats(sandbox)} == {file.id}
    assert uploads(sandbox) == 1


async def test_an_upload_that_fails_for_one_is_made_by_the_next(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Of three at the same time the first is refused; one of the others uploads, the last finds it there."""
    sandbox.state.faults.add("slow", "files", seconds=0.1)
    sandbox.state.faults.add("status", "files", status=500)
    replies = await asyncio.gather(*(ask(http, gateway, showing(image(PHOTO), text=one)) for one in "abc"))
    assert sorted(reply.status for reply in replies) == [200, 200, 502]
    assert uploads(sandbox) == 2
    assert len(shelf(sandbox)) == 1


@both
async def test_memory_is_given_back(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """After an answer, after a refused file, after a failed upload."""
    before = left(gateway)
    sandbox.state.faults.add("status", "files", status=422)
    data = made.OPUS + bytes(300_000)
    statuses = []
    for parts in ([image(PHOTO), sound(data)], [image(PHOTO), sound(data)], [image(PHOTO), image(data)]):
        statuses.append((await ask(http, gateway, showing(*parts, stream=stream))).status)
        await eventually(lambda: left(gateway) == before)
    assert statuses == [400, 200, 400]


async def test_files_count_against_the_memory_of_all(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, host: Host
) -> None:
    """Fetched and decoded ones: too much is a 503 that says to try again, and what was held is free again."""
    gateway = await start_gateway(public=lambda _: True, GPT2GIGA_MAX_BODIES_BYTES="100000", **host.settings)
    song = sound(made.OPUS + bytes(30_000))
    link = {"type": "file", "file": {"file_url": host.url("song", made.OPUS + bytes(110_000))}}
    for parts, status in (([song], 200), ([sound(made.OPUS + bytes(50_000))], 503), ([link], 503), ([song], 200)):
        reply = await ask(http, gateway, showing(*parts))
        assert reply.status == status
        if status == 503:
            assert (reply.error["code"], reply.headers["x-should-retry"]) == ("overloaded", "true")
        assert left(gateway) == 100_000
    assert uploads(sandbox) == 1


@both
async def test_a_client_that_leaves_during_the_upload(
    stream: bool,
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The upload ends, its memory is free, nothing was asked; the next client's upload is not held up."""
    caplog.set_level("INFO", "gpt2giga")
    before = left(gateway)
    sandbox.state.faults.add("slow", "files", seconds=1.0)
    body = showing(sound(made.OPUS + bytes(300_000)), stream=stream)
    client = asyncio.create_task(ask(http, gateway, body))
    await eventually(lambda: uploads(sandbox) == 1)
    waiting = asyncio.create_task(ask(http, gateway, body))
    await eventually(lambda: left(gateway) < before - 1_200_000)
    client.cancel()
    assert (await waiting).status == 200
    await eventually(lambda: left(gateway) == before)
    assert (uploads(sandbox), len(chats(sandbox)), len(shelf(sandbox))) == (1, 1, 1)
    await eventually(lambda: len(lines(caplog)) == 2)
    assert sorted(line["status"] for line in lines(caplog)) == [200, 499]


async def test_an_upload_counts_its_bytes_until_it_ends(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Once while its request lives, and on when the client has left, while nothing else of the request is held."""
    before, data = left(gateway), made.OPUS + bytes(300_000)
    body = showing(sound(data))
    sent, encoded = len(json.dumps(body)), base64.b64encode(data).decode()
    sandbox.state.faults.add("slow", "files", seconds=1.0)
    client = asyncio.create_task(ask(http, gateway, body))
    await eventually(lambda: uploads(sandbox) == 1)
    assert left(gateway) == pytest.approx(before - sent - len(data), abs=_OBJECTS)
    client.cancel()
    await eventually(lambda: left(gateway) > before - sent)
    await asyncio.sleep(0.1)
    assert left(gateway) == before - len(data)
    gc.collect()
    assert not any(isinstance(one, Inline) and one.text == encoded for one in gc.get_objects())
    await eventually(lambda: left(gateway) == before)


async def test_what_was_uploaded_counts_no_longer(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """While the second of two files is on its way, the first's bytes are let go."""
    before, second = left(gateway), made.OPUS + bytes(200_000)
    body = showing(sound(made.OPUS + bytes(300_000)), sound(second))
    sandbox.state.faults.add("slow", "files", seconds=0.01)
    sandbox.state.faults.add("slow", "files", seconds=0.5)
    client = asyncio.create_task(ask(http, gateway, body))
    await eventually(lambda: uploads(sandbox) == 2)
    assert left(gateway) == pytest.approx(before - len(json.dumps(body)) - len(second), abs=_OBJECTS)
    assert (await client).status == 200
    await eventually(lambda: left(gateway) == before)


async def test_what_is_no_id_is_refused_here(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Before GigaChat is asked."""
    reply = await ask(http, gateway, showing(by_id("a/b")))
    assert (reply.status, reply.error["code"]) == (400, "file_not_found")
    assert reply.error["param"] == "messages[0].content[1].file.file_id"
    assert "no file of yours" in reply.error["message"]
    assert (sandbox.state.requests.of("files"), chats(sandbox)) == ([], [])
