"""Files at their places in a conversation: by id, in a tool's result, several of them, too many of them."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from PIL import Image

from app.sandbox import server
from tests.attaching import attached, by_id, data_url, document, image, plain, shelf, showing, talking, uploads, user
from tests.media import files as made
from tests.running import GatewayStarter, Running
from tests.watching import ask, called

PHOTO = made.photo("JPEG")


async def test_a_file_of_gigachats_goes_by_its_id(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """It is looked up once, under the tenant's own client id, and attached by that id; nothing is uploaded."""
    await ask(http, await start_gateway(), showing(image(PHOTO)))
    gateway = await start_gateway()  # another one, which knows nothing of the file
    (file,) = shelf(sandbox)
    sandbox.state.requests.clear()
    for stream in (False, True, False):
        for part in (by_id(file.id), {"type": "input_image", "file_id": file.id}):
            reply = await ask(http, gateway, showing(part, model="GigaChat", stream=stream))
            assert (reply.status, reply.text.count("I see image/jpeg")) == (200, 1), reply.text
            assert reply.headers["x-gateway-adapted"] == "model->vision"
            assert attached(sandbox) == [[file.id]]
    (looked,) = sandbox.state.requests.of("files")
    assert (looked.method, looked.path) == ("GET", f"/v1/files/{file.id}")
    assert looked.headers["X-Client-ID"] == file.owner.client


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_tools_image_follows_its_result(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """GigaChat takes attachments of users only: the image comes in a user message right behind, and that is told."""
    turns: list[dict[str, Any]] = [
        {"role": "user", "content": "что на экране?"},
        {"role": "assistant", "content": None, "tool_calls": [called("1", "screenshot")]},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": '{"ok":1}'}, image(PHOTO)]},
    ]
    reply = await ask(http, gateway, talking(*turns, stream=stream))
    assert reply.status == 200
    assert "I see image/jpeg" in reply.content
    assert reply.headers["x-gateway-adapted"] == "file->user"
    sent = sandbox.state.requests.of("chat")[-1].body["messages"]
    assert [one["role"] for one in sent] == ["user", "assistant", "function", "user"]
    assert (sent[2]["content"], sent[3]["content"]) == ('{"ok":1}', "[tool result] screenshot")
    assert attached(sandbox) == [[shelf(sandbox)[0].id]]


def shot(number: int) -> bytes:
    """A photo that no other number has."""
    return made.saved(Image.new("RGB", (8, 8), (number, 0, 0)), "PNG")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_several_images_of_a_message(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """One a message, in order, the last with the text and the document; the same one twice is uploaded once."""
    parts = [image(shot(1)), document(made.PDF, "a.pdf"), image(shot(2)), image(shot(1), "image/png")]
    reply = await ask(http, gateway, showing(*parts, stream=stream))
    assert (reply.status, reply.headers["x-gateway-adapted"]) == (200, "images.split")
    first, paper, second = shelf(sandbox)
    assert attached(sandbox) == [[first.id], [second.id], [paper.id, first.id]]
    contents = [one["content"] for one in sandbox.state.requests.of("chat")[-1].body["messages"]]
    assert contents == ["", "", "что это?"]


@pytest.mark.long
async def test_of_many_images_the_oldest_stay_away_in_steps(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """A conversation with an image each turn: ten at most, the first the same for five turns, each uploaded once."""
    turns: list[dict[str, Any]] = []
    firsts = []
    for number in range(17):
        turns += [user(image(shot(number)), text=f"{number}")]
        reply = await ask(http, gateway, talking(*turns, stream=number % 2 == 1))
        turns += [{"role": "assistant", "content": "да"}]
        assert reply.status == 200
        out = 0 if number < 10 else 5 if number < 15 else 10
        told = f"images>10;n={out}" if out else None
        assert reply.headers.get("x-gateway-adapted") == told
        ids = {file.id: file.content for file in shelf(sandbox)}
        assert [ids[one] for (one,) in attached(sandbox)] == [shot(one) for one in range(out, number + 1)]
        firsts.append(attached(sandbox)[0])
    assert firsts[10:15] == [firsts[10]] * 5
    assert uploads(sandbox) == 17


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_images_are_counted_by_content(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Files that turn out to be images count with those that were sent as such: GigaChat gets ten, each with its id."""
    pictures = [document(shot(number), "a.pdf") for number in range(3)]
    reply = await ask(
        http,
        gateway,
        talking(*(user(one) for one in [*pictures, *(image(shot(3 + n)) for n in range(11))]), stream=stream),
    )
    assert reply.status == 200, reply.text
    ids = {file.id: file.content for file in shelf(sandbox)}
    assert [ids[one] for (one,) in attached(sandbox)] == [shot(one) for one in (0, 1, 2, 8, 9, 10, 11, 12, 13)]
    assert reply.headers["x-gateway-adapted"] == "images>10;n=5"


async def test_the_same_in_every_form_is_one_file(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """However it was written: what counts is its bytes."""
    parts = [image(data_url(PHOTO)), image(plain(PHOTO)), document(PHOTO, "a.jpg"), image(data_url(PHOTO, "image/png"))]
    assert (await ask(http, gateway, showing(*parts))).status == 200
    assert uploads(sandbox) == 1
