"""Files, where gateways of this kind fail: types refused, images lost on the way, ids shared, uploads left behind."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import aiohttp
import pytest
from PIL import Image

from app.sandbox import server
from tests.attaching import attached, by_id, chats, image, shelf, showing, sound, talking, uploads, user
from tests.hosting import Host
from tests.media import files as made
from tests.running import GatewayStarter, Running, eventually
from tests.watching import ask

pytestmark = pytest.mark.long

PHOTO = made.photo("JPEG")
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@both
async def test_telegrams_stickers_and_voice_are_taken(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """webp and audio/ogg, as a bot gets them: no 415, and GigaChat has something that it can open."""
    for part in (image(made.photo("WEBP"), "image/webp"), sound(made.OPUS, "ogg")):
        reply = await ask(http, gateway, showing(part, model="gpt-4o", stream=stream))
        assert (reply.status, reply.content.count("I see")) == (200, 1), reply.text
    sticker, voice = shelf(sandbox)
    assert Image.open(io.BytesIO(sticker.content)).format == "JPEG"
    assert (voice.mime, voice.content) == ("audio/x-ogg", made.OPUS)


@both
@pytest.mark.parametrize("there", [404, 403, 500, b"", b"<html>"], ids=["404", "403", "500", "empty", "a page"])
async def test_no_image_is_dropped_in_silence(
    there: Any,
    stream: bool,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    host: Host,
) -> None:
    """A download that fails fails the request: the text never goes alone."""
    gateway = await start_gateway(public=lambda _: True, **host.settings)
    asked = user(image(host.url("gone", there)))
    reply = await ask(http, gateway, talking(asked, stream=stream))
    assert (reply.status, reply.error["param"]) == (400, "messages[0].content[1].image_url.url")
    assert chats(sandbox) == []
    host.files["gone"] = PHOTO
    assert (await ask(http, gateway, talking(asked, stream=stream))).status == 200
    assert attached(sandbox) == [[shelf(sandbox)[0].id]]


@both
async def test_no_file_is_shared_between_tenants(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """The same bytes, two files, two owners; an id is good for its owner alone."""
    for tenant in ("alice", "bob"):
        body = showing(image(PHOTO), stream=stream)
        assert (await ask(http, gateway, body, headers={"X-Tenant-ID": tenant})).status == 200
    hers, his = shelf(sandbox)
    assert (hers.sha256, hers.owner == his.owner) == (his.sha256, False)
    before = len(chats(sandbox))
    body = showing(by_id(hers.id), stream=stream)
    reply = await ask(http, gateway, body, headers={"X-Tenant-ID": "bob"})
    assert (reply.status, reply.error["code"], len(chats(sandbox))) == (400, "file_not_found", before)


@pytest.mark.long
async def test_files_do_not_wait_for_one_another(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, host: Host
) -> None:
    """Slow links load side by side; tenants upload side by side; a further turn uploads only what is new."""
    gateway = await start_gateway(public=lambda _: True, **host.settings)
    host.slow = 0.6
    shots = [made.saved(Image.new("RGB", (8, 8), (number, 0, 0)), "PNG") for number in range(6)]
    links = [image(host.url(f"{number}", shot)) for number, shot in enumerate(shots)]
    clock = asyncio.get_running_loop().time
    begun = clock()
    assert (await ask(http, gateway, showing(*links[:5]))).status == 200
    assert clock() - begun < 2.4
    assert (await ask(http, gateway, showing(*links))).status == 200
    assert uploads(sandbox) == 6
    sandbox.state.faults.add("slow", "files", times=5, seconds=0.6)
    begun = clock()
    tenants = [{"X-Tenant-ID": f"t{number}"} for number in range(5)]
    replies = await asyncio.gather(*(ask(http, gateway, showing(image(PHOTO)), headers=one) for one in tenants))
    assert clock() - begun < 2.4
    assert [reply.status for reply in replies] == [200] * 5


async def test_uploaded_files_are_deleted(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """When nobody has used them for the set time, each under its owner's name."""
    gateway = await start_gateway(GPT2GIGA_FILE_SECONDS="1")
    for tenant in ("alice", "bob"):
        body = showing(image(PHOTO), sound(made.OPUS))
        assert (await ask(http, gateway, body, headers={"X-Tenant-ID": tenant})).status == 200
    assert len(shelf(sandbox)) == 4
    await eventually(lambda: shelf(sandbox) == [])
    assert [record.status for record in sandbox.state.requests.of("files/delete")] == [200] * 4
