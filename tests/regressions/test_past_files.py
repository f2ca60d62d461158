"""Files of old turns: links that are dead, ids that GigaChat has forgotten, parts that never were a file."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from app.sandbox import server
from tests.attaching import attached, chats, document, image, shelf, talking, uploads, user
from tests.hosting import Host
from tests.media import files as made
from tests.regressions.pasts import NEXT
from tests.running import GatewayStarter, Running
from tests.watching import ask

PHOTO = made.photo("JPEG")
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
GONE = {
    "a link": lambda host: image(host.url("gone", 404)),
    "a host that is none": lambda _: image("https://gone.invalid/1.png"),
    "an address inside": lambda _: image("http://10.0.0.1/1.png"),
    "an id": lambda _: {"type": "file", "file": {"file_id": "11111111-2222-4333-8444-555555555555"}},
    "an id that is none": lambda _: {"type": "input_image", "file_id": "file-abc"},
    "no image": lambda _: image(b"\0\1\2"),
    "a broken data URL": lambda _: image("data:image/png;base64"),
    "an empty part": lambda _: {"type": "image_url", "image_url": {}},
    "a video": lambda _: {"type": "video_url", "video_url": {"url": "https://a.b/c.mp4"}},
}


@both
@pytest.mark.parametrize("gone", GONE.values(), ids=GONE)
async def test_a_file_that_is_gone(
    stream: bool,
    gone: Any,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    host: Host,
) -> None:
    """Its place is told in words; the same part in a new message is a 400 that names it."""
    gateway = await start_gateway(public=lambda _: True, **host.settings)
    asked, answered = user(gone(host), text="Что на фото?"), {"role": "assistant", "content": "Мост."}
    reply = await ask(http, gateway, talking(asked, answered, NEXT, stream=stream))
    assert (reply.status, reply.headers.get("x-gateway-adapted")) == (200, "file->words"), reply.text
    words = chats(sandbox)[-1]["messages"][0]["content"]
    assert words.startswith("Что на фото?\n[")
    assert words.endswith("is no longer available]")
    new = await ask(http, gateway, talking(asked, answered, asked, stream=stream))
    assert (new.status, new.error["param"].startswith("messages[2].content[1]")) == (400, True), new.text
    assert len(chats(sandbox)) == 1


@both
@pytest.mark.parametrize("gone", [GONE[name] for name in ("a link", "an id that is none", "no image")])
async def test_words_in_the_place_of_an_image_need_no_model_that_sees(
    stream: bool,
    gone: Any,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    host: Host,
) -> None:
    """The model that was asked for goes on: a conversation would pay for the larger one for ever."""
    gateway = await start_gateway(public=lambda _: True, **host.settings)
    asked, answered = user(gone(host)), {"role": "assistant", "content": "Мост."}
    reply = await ask(http, gateway, talking(asked, answered, NEXT, model="GigaChat", stream=stream))
    assert (reply.status, reply.headers.get("x-gateway-adapted")) == (200, "file->words"), reply.text
    assert chats(sandbox)[-1]["model"] == "GigaChat"


@both
async def test_a_link_of_the_past_is_what_it_was(
    stream: bool, sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, host: Host
) -> None:
    """Links of messengers live for an hour: in the past the file is the one that GigaChat has; a new link is asked."""
    gateway = await start_gateway(public=lambda _: True, **host.settings)
    asked = user(image(host.url("photo", PHOTO)))
    assert (await ask(http, gateway, talking(asked, stream=stream))).status == 200
    host.files["photo"] = 404
    later = talking(asked, {"role": "assistant", "content": "Мост."}, NEXT, stream=stream)
    for _ in range(2):
        reply = await ask(http, gateway, later)
        assert (reply.status, reply.headers.get("x-gateway-adapted")) == (200, None), reply.text
        assert attached(sandbox) == [[shelf(sandbox)[0].id]]
    assert (host.asked["photo"], uploads(sandbox)) == (1, 1)
    stranger = await ask(http, gateway, later, headers={"X-Tenant-ID": "bob"})
    assert (stranger.status, stranger.headers["x-gateway-adapted"]) == (200, "file->words")
    assert (await ask(http, gateway, talking(asked, stream=stream))).status == 400


async def test_a_dead_link_is_not_waited_for_with_each_turn(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, host: Host
) -> None:
    """Asked once in a while, not with every turn."""
    gateway = await start_gateway(public=lambda _: True, **host.settings)
    later = talking(user(image(host.url("gone", 404))), {"role": "assistant", "content": "Мост."}, NEXT)
    for _ in range(3):
        assert (await ask(http, gateway, later)).status == 200
    assert host.asked["gone"] == 1


async def test_a_file_that_gigachat_has_lost(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """A client's own id that was good a turn ago: words in the past, a 400 where it is new."""
    first = await ask(http, gateway, talking(user(image(PHOTO))))
    assert first.status == 200
    (stored,) = shelf(sandbox)
    by_id = {"role": "user", "content": "Что это?", "attachments": [stored.id]}
    again = await ask(http, gateway, talking(by_id))
    assert (again.status, attached(sandbox)) == (200, [[stored.id]]), again.text
    stored.lost = True
    later = await ask(http, gateway, talking(by_id, {"role": "assistant", "content": "Мост."}, NEXT))
    assert (later.status, later.headers["x-gateway-adapted"]) == (200, "file->words"), later.text


@both
@pytest.mark.parametrize("images", [11, 16, 40])
async def test_more_images_than_go_along_and_all_are_gone(
    stream: bool, images: int, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """None of them goes by an id that it never got: in one message, and in one each."""
    gone, said = (
        [image(f"http://10.0.0.1/{number}") for number in range(images)],
        {"role": "assistant", "content": "Да."},
    )
    for messages in ([user(*gone)], [user(one) for one in gone]):
        reply = await ask(http, gateway, talking(*messages, said, NEXT, model="GigaChat", stream=stream))
        assert reply.status == 200, reply.text
        assert attached(sandbox) == []
        assert "images>10" in reply.headers["x-gateway-adapted"]


async def test_more_files_than_a_request_may_hold(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """The oldest documents of a long conversation are told in words; as many new ones are refused."""
    parts = [document(f"text {number}".encode()) for number in range(103)]
    reply = await ask(http, gateway, talking(user(*parts), {"role": "assistant", "content": "Да."}, NEXT))
    assert reply.status == 200, reply.text
    assert "file->words;n=3" in reply.headers["x-gateway-adapted"]
    assert (await ask(http, gateway, talking(user(*parts)))).status == 400


@pytest.mark.parametrize("old", [11, 15, 30])
async def test_all_images_that_go_along_are_gone(
    old: int, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Those that were left out for their number stay out: they were never brought to GigaChat."""
    gone = [image(b"\0\1" + bytes([number])) for number in range(old)]
    reply = await ask(http, gateway, talking(user(*gone), {"role": "assistant", "content": "Да."}, NEXT))
    assert reply.status == 200, reply.text
    assert attached(sandbox) == []
    assert "images>10" in reply.headers["x-gateway-adapted"]
