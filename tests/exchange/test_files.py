"""A request's files on their way: loaded once, uploaded once, and their memory given back."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import threading
import time

import aiohttp
import pytest

from app.media import images
from app.observe.facts import Facts
from app.sandbox import server
from app.server.keys import BODIES
from app.translate.dialogue import FileId, Inline, Media, Text, Turn
from tests.attaching import (
    attached,
    chats,
    document,
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

pytestmark = pytest.mark.usefixtures("few_roots")

PHOTO, OTHER = made.photo("JPEG"), made.photo("PNG")
STICKER = made.photo("WEBP")
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
async def test_a_link_is_loaded_once_for_a_request(
    stream: bool, sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, host: Host
) -> None:
    """However often it stands there; what it leads to is asked for again the next time, and uploaded if it is new."""
    gateway = await start_gateway(public=lambda _: True, **host.settings)
    link = image(host.url("now.jpg", PHOTO))
    assert (await ask(http, gateway, showing(link, link, link, stream=stream))).status == 200
    assert host.asked["now.jpg"] == uploads(sandbox) == 1
    assert attached(sandbox) == [[shelf(sandbox)[0].id]] * 3
    for number, data in enumerate((PHOTO, OTHER)):
        host.files["now.jpg"] = data
        assert (await ask(http, gateway, showing(link, stream=stream))).status == 200
        assert (host.asked["now.jpg"], uploads(sandbox)) == (2 + number, 1 + number)


async def test_links_are_loaded_side_by_side(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession, host: Host
) -> None:
    """Four slow hosts cost the time of one."""
    gateway = await start_gateway(public=lambda _: True, **host.settings)
    host.slow = 0.3
    parts = [image(host.url(f"{number}", PHOTO)) for number in range(4)]
    begun = asyncio.get_running_loop().time()
    assert (await ask(http, gateway, showing(*parts))).status == 200
    assert asyncio.get_running_loop().time() - begun < 1.0


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
    assert gateway.gateway.chat._files._uploads._under_way == {}


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
    assert left(gateway) == before - sent - len(data)
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
    assert left(gateway) == before - len(json.dumps(body)) - len(second)
    assert (await client).status == 200
    await eventually(lambda: left(gateway) == before)


async def test_an_image_whose_turn_does_not_come(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind images that take for ever it is no bad image: a 503 that says to try again."""
    monkeypatch.setattr(images, "_SECONDS", 0.2)
    done = threading.Event()
    slow = [asyncio.ensure_future(images._off_the_loop(done.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    try:
        reply = await ask(http, gateway, showing(image(PHOTO)))
    finally:
        done.set()
        await asyncio.gather(*slow, return_exceptions=True)
    assert (reply.status, reply.error["code"], reply.headers["x-should-retry"]) == (503, "overloaded", "true")
    assert "Try again" in reply.error["message"]
    assert (await ask(http, gateway, showing(image(PHOTO)))).status == 200
    assert uploads(sandbox) == 1


async def test_a_client_that_leaves_during_a_download(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, host: Host
) -> None:
    """The other files of the request are given up as well."""
    gateway = await start_gateway(public=lambda _: True, **host.settings)
    before = left(gateway)
    client = asyncio.create_task(ask(http, gateway, showing(image(PHOTO), image(host.url("slow", 30.0)))))
    await eventually(lambda: host.asked["slow"] == 1 and left(gateway) < before)
    client.cancel()
    await eventually(lambda: left(gateway) == before)
    assert uploads(sandbox) == 0


async def test_what_is_left_out_is_not_even_loaded(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, host: Host
) -> None:
    """The oldest of too many images cost no download."""
    gateway = await start_gateway(public=lambda _: True, **host.settings)
    links = [user(image(host.url(f"{number}", PHOTO))) for number in range(11)]
    assert (await ask(http, gateway, talking(*links))).status == 200
    assert sorted(host.asked) == sorted(f"{number}" for number in range(5, 11))


async def test_nothing_to_bring(gateway: Running) -> None:
    """A turn without a file; an id that is none is refused before GigaChat is asked."""
    files = gateway.gateway.chat._files
    async with files.of([Turn("user", [Text("x")], "messages[0]")], Facts()) as found:
        assert found.files == {}
    media = Media(None, FileId("a/b"), "p")
    with pytest.raises(Exception, match="no file of yours"):
        async with files.of([Turn("user", [media], "messages[0]")], Facts()):
            pass


async def test_a_data_url_in_per_cent(sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession) -> None:
    """Is the text that it says, and a large one costs no other request its time."""
    part = document(b"")
    part["file"]["file_data"] = "data:text/plain;charset=utf-8,%D0%BA%D0%BE%D1%82" + "%20x" * 100_000
    assert (await ask(http, gateway, showing(part))).status == 200
    assert shelf(sandbox)[0].content == "кот".encode() + b" x" * 100_000


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("Отчёт за год.final.pdf", "Отчёт за год.final.txt"),
        ("../../etc/passwd", "passwd.txt"),
        ("C:\\temp\\a.txt", "a.txt"),
        ('a"\r\nX: y.txt', "a_X_ y.txt"),
        ("", "file.txt"),
        (";a" * 1_000_000, f"{'_a' * 40}.txt"),
    ],
)
async def test_a_files_name(
    given: str, sent: str, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Nothing of it is a path or ends a header, and a long one costs nothing."""
    part = {"type": "file", "file": {"file_data": "data:text/plain;base64,aGk=", "filename": given}}
    begun = time.perf_counter()
    assert (await ask(http, gateway, showing(part))).status == 200
    assert time.perf_counter() - begun < 1
    assert sandbox.state.requests.of("files")[-1].body["filename"] == sent
