"""Whose files they are at GigaChat, and what happens when GigaChat has lost them."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from app.sandbox import server
from tests.attaching import attached, by_id, chats, image, shelf, showing, uploads
from tests.media import files as made
from tests.running import GatewayStarter, Running, eventually
from tests.watching import ask

PHOTO = made.photo("JPEG")
STICKER = made.photo("WEBP")
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
ALICE, BOB = {"X-Tenant-ID": "alice"}, {"X-Tenant-ID": "bob"}


@both
async def test_tenants_share_no_file(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """The same image is uploaded for each under a client id of its own; neither can use the other's."""
    body = showing(image(PHOTO), stream=stream)
    for tenant in (ALICE, BOB, ALICE):
        assert (await ask(http, gateway, body, headers=tenant)).status == 200
    hers, his = shelf(sandbox)
    assert hers.owner.client != his.owner.client
    asked = [record.headers["X-Client-ID"] for record in sandbox.state.requests.of("chat")]
    assert asked == [hers.owner.client, his.owner.client, hers.owner.client]
    sandbox.state.requests.clear()
    for tenant, file in ((BOB, hers), (ALICE, his)):
        reply = await ask(http, gateway, showing(by_id(file.id), stream=stream), headers=tenant)
        assert (reply.status, reply.error["code"]) == (400, "file_not_found")
        assert reply.error["param"] == "messages[0].content[1].file.file_id"
        assert (await ask(http, gateway, showing(by_id(file.id), stream=stream))).status == 400
    assert chats(sandbox) == []
    for tenant, file in ((ALICE, hers), (BOB, his)):
        reply = await ask(http, gateway, showing(by_id(file.id), stream=stream), headers=tenant)
        assert (reply.status, attached(sandbox)) == (200, [[file.id]])


async def test_a_file_that_another_process_uploaded_is_its_clients_own(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """GigaChat binds it to the client id: this gateway need not know whose it is."""
    first, second = await start_gateway(), await start_gateway()
    await ask(http, first, showing(image(PHOTO)), headers=ALICE)
    (file,) = shelf(sandbox)
    reply = await ask(http, second, showing(by_id(file.id)), headers=BOB)
    assert (reply.status, reply.error["code"]) == (400, "file_not_found")
    assert (await ask(http, second, showing(by_id(file.id)), headers=ALICE)).status == 200


@both
async def test_a_clients_own_client_id_stays_here(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Neither the upload nor the chat bears it, nor does a chat without files."""
    headers = {"X-Client-ID": "someone-else", **ALICE}
    for body in (showing(image(PHOTO), stream=stream), showing(stream=stream)):
        assert (await ask(http, gateway, body, headers=headers)).status == 200
    records = sandbox.state.requests.of()
    assert not any("someone-else" in str(record.headers) for record in records)
    assert ["X-Client-ID" in record.headers for record in sandbox.state.requests.of("chat")] == [True, False]


@both
@pytest.mark.parametrize("more", [{}, {"stop": ["zzz"]}, {"n": 2}], ids=["plain", "stop", "n"])
async def test_a_file_that_gigachat_lost_is_uploaded_again(
    more: dict[str, Any], stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Once, with all other files of the request, and the client sees an answer."""
    body = showing(image(PHOTO), image(STICKER), stream=stream, **more)
    assert (await ask(http, gateway, body)).status == 200
    lost, other = shelf(sandbox)
    sandbox.state.files.forget(lost.id)
    reply = await ask(http, gateway, body)
    assert reply.status == 200, reply.text
    assert (reply.text.count("I see"), uploads(sandbox)) == (2 * more.get("n", 1), 4)
    assert attached(sandbox) == [[file.id] for file in shelf(sandbox) if file is not other]


async def test_what_was_uploaded_beside_a_lost_file_is_deleted(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """In the next round, though the same content is in use again."""
    gateway = await start_gateway(GPT2GIGA_FILE_SECONDS="3")
    body = showing(image(PHOTO), image(STICKER))
    assert (await ask(http, gateway, body)).status == 200
    lost, other = shelf(sandbox)
    sandbox.state.files.forget(lost.id)
    assert (await ask(http, gateway, body)).status == 200
    await eventually(lambda: other not in shelf(sandbox))
    assert attached(sandbox) == [[file.id] for file in shelf(sandbox)]


@both
async def test_a_lost_file_of_several_requests_is_uploaded_again_once(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Whoever hears of it first: the others do not forget what has been uploaded since."""
    assert (await ask(http, gateway, showing(image(PHOTO)))).status == 200
    sandbox.state.files.forget()
    bodies = [showing(image(PHOTO), text=f"{number}", stream=stream) for number in range(8)]
    replies = await asyncio.gather(*(ask(http, gateway, body) for body in bodies))
    assert {reply.status for reply in replies} == {200}
    assert uploads(sandbox) == 2


@both
async def test_a_file_that_gigachat_loses_again_and_again(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """After one more try the client is told, and the next request begins anew."""
    sandbox.state.faults.add("files_lost", "chat", times=2)
    reply = await ask(http, gateway, showing(image(PHOTO), stream=stream))
    assert (reply.status, reply.error["code"]) == (400, "file_not_found")
    assert (uploads(sandbox), len(chats(sandbox))) == (2, 2)
    assert (await ask(http, gateway, showing(image(PHOTO), stream=stream))).status == 200


@both
async def test_a_clients_own_file_that_is_lost_is_the_clients_to_send(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """The gateway has no bytes of it: one try, one 400."""
    await ask(http, gateway, showing(image(PHOTO)))
    (file,) = shelf(sandbox)
    body = showing(by_id(file.id), stream=stream)
    assert (await ask(http, gateway, body)).status == 200
    sandbox.state.files.forget()
    reply = await ask(http, gateway, body)
    assert (reply.status, reply.error["code"], len(chats(sandbox))) == (400, "file_not_found", 3)
