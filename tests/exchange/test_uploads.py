"""The gateway's files at GigaChat: failures of uploads, and deletion when idle."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from app.sandbox import server
from tests.attaching import by_id, chats, image, shelf, showing, uploads
from tests.exchange.uploading import make_uploads, upload, use
from tests.media import files as made
from tests.running import GatewayStarter, Running, SandboxStarter, eventually
from tests.watching import ask, counted

PHOTO, OTHER = made.photo("JPEG"), made.photo("PNG")
SECOND = "messages[0].content[2].image_url.url"
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
IDLE = {"GPT2GIGA_FILE_SECONDS": "0.2"}


def deletions(sandbox: server.Running) -> list[str]:
    """What was to be deleted, in order."""
    return [record.path.split("/")[3] for record in sandbox.state.requests.of("files/delete")]


# name -> the fault, the status and code that the client gets
FAILURES: dict[str, tuple[dict[str, Any], int, str]] = {
    "500": ({"kind": "status", "status": 500}, 502, "upstream_error"),
    "a page of a proxy's": ({"kind": "status", "status": 503, "html": True}, 502, "upstream_error"),
    "400": ({"kind": "status", "status": 400, "message": "Bad file"}, 400, "unsupported_file"),
    "413": ({"kind": "status", "status": 413}, 400, "file_too_large"),
    "415": ({"kind": "status", "status": 415}, 400, "unsupported_file"),
    "422": ({"kind": "status", "status": 422, "message": "Invalid params: type"}, 400, "unsupported_file"),
    "403": ({"kind": "status", "status": 403}, 502, "upstream_permission_denied"),
    "402": ({"kind": "status", "status": 402}, 429, "insufficient_quota"),
    "429": ({"kind": "status", "status": 429}, 429, "rate_limit_exceeded"),
    "401 again and again": ({"kind": "status", "status": 401, "times": 2}, 503, "upstream_credentials_exhausted"),
    "a page in place of the answer": ({"kind": "html_200"}, 502, "upstream_error"),
    "half of the answer": ({"kind": "cut"}, 502, "upstream_error"),
    "no answer": ({"kind": "down", "times": 2}, 502, "upstream_error"),
    "silence": ({"kind": "slow", "seconds": 3.0}, 504, "upstream_timeout"),
}


@pytest.mark.samples("500", "413", "401 again and again", "silence")
@pytest.mark.parametrize(("fault", "status", "code"), FAILURES.values(), ids=FAILURES)
async def test_an_upload_that_fails(
    fault: dict[str, Any],
    status: int,
    code: str,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
) -> None:
    """The error names the part, nothing was asked; the next request uploads what is missing and no more."""
    gateway = await start_gateway(**({"GIGACHAT_TIMEOUT": "0.3"} if fault["kind"] == "slow" else {}))
    for stream in (False, True):
        tenant = {"X-Tenant-ID": f"{stream}".lower()}
        assert (await ask(http, gateway, showing(image(PHOTO)), headers=tenant)).status == 200
        sandbox.state.requests.clear()
        sandbox.state.faults.add(**fault, where="files")
        body = showing(image(PHOTO), image(OTHER), stream=stream)
        reply = await ask(http, gateway, body, headers=tenant)
        assert (reply.status, reply.error["code"], reply.error["param"]) == (status, code, SECOND)
        assert SECOND in reply.error["message"]
        assert chats(sandbox) == []
        if status != 503:  # a dead credential takes its time to revive
            sandbox.state.faults.clear()
            assert (await ask(http, gateway, body, headers=tenant)).status == 200
        await eventually(lambda: gateway.gateway.gigachat.monitor.available is True)
        if status == 503:
            return


async def test_an_upload_that_fails_late_is_told_in_the_stream(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Once the status line had to go out: comments meanwhile, then an error event that names the part, no [DONE]."""
    gateway = await start_gateway(GPT2GIGA_COMMIT_SECONDS="0.05", GPT2GIGA_KEEPALIVE_SECONDS="0.1")
    sandbox.state.faults.add("slow", "files", seconds=0.4)
    sandbox.state.faults.add("status", "files", status=422)
    reply = await ask(http, gateway, showing(image(PHOTO), stream=True))
    assert (reply.status, reply.text.count(": keep-alive") > 1, len(reply.events)) == (200, True, 1)
    error = reply.events[0]["error"]
    assert (error["code"], error["param"]) == ("unsupported_file", "messages[0].content[1].image_url.url")
    assert chats(sandbox) == []


async def test_the_wait_for_the_first_word_begins_behind_the_upload(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """A slow upload takes nothing of the time that GigaChat's model has."""
    gateway = await start_gateway(GPT2GIGA_FIRST_BYTE_SECONDS="0.4")
    sandbox.state.faults.add("slow", "files", seconds=0.5)
    reply = await ask(http, gateway, showing(image(PHOTO), stream=True))
    assert (reply.status, reply.events[-1]) == (200, "[DONE]")
    assert float(reply.headers["x-gateway-overhead-ms"]) < 400


@both
async def test_a_token_that_was_revoked_is_renewed(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """The 401 of the upload costs one renewal; the same bytes are sent again."""
    sandbox.state.tokens.revoke()
    assert (await ask(http, gateway, showing(image(PHOTO), stream=stream))).status == 200
    assert [record.status for record in sandbox.state.requests.of("files")] == [401, 200]
    assert [record.status for record in sandbox.state.requests.of("chat")] == [200]
    assert sandbox.state.tokens.issued == 2
    assert shelf(sandbox)[0].content == PHOTO


@both
async def test_an_idle_connection_that_died_costs_nothing(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """The upload goes once more, over a new one."""
    sandbox.state.faults.add("drop_idle", "chat")
    assert (await ask(http, gateway, showing())).status == 200
    assert (await ask(http, gateway, showing(image(PHOTO), stream=stream))).status == 200
    assert shelf(sandbox)[0].content == PHOTO


async def test_uploads_are_counted_as_what_they_are(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Attempts of their own kind; the gateway's own errand, its list of models, may come between."""
    family = "gpt2giga_proxy_upstream_requests_total"
    before = await counted(http, gateway, family, "operation")
    sandbox.state.faults.add("status", "files", status=500)
    for status in (502, 200):
        assert (await ask(http, gateway, showing(image(PHOTO)))).status == status
    since = await counted(http, gateway, family, "operation") - before
    assert (since["files"], since["chat"]) == (2, 1)


async def test_what_nobody_uses_is_deleted(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Once, under the client id that it was uploaded with; the next request uploads it anew."""
    gateway = await start_gateway(**IDLE)
    assert (await ask(http, gateway, showing(image(PHOTO)))).status == 200
    (file,) = shelf(sandbox)
    await eventually(lambda: shelf(sandbox) == [])
    (record,) = sandbox.state.requests.of("files/delete")
    assert (record.path, record.headers["X-Client-ID"]) == (f"/v1/files/{file.id}/delete", file.owner.client)
    assert (await ask(http, gateway, showing(image(PHOTO)))).status == 200
    assert (uploads(sandbox), deletions(sandbox)) == (2, [file.id])


@pytest.mark.long
async def test_what_is_used_stays(
    start_sandbox: SandboxStarter, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """A stream that lasts longer than the idle time keeps its file, and each turn begins the time anew."""
    sandbox = await start_sandbox(chunk_seconds=0.02, oauth_per_second=0)
    gateway = await start_gateway(sandbox, GPT2GIGA_FILE_SECONDS="1")
    reply = await ask(http, gateway, showing(image(PHOTO), text="sandbox:long 70", stream=True))
    assert reply.events[-1] == "[DONE]"
    assert (len(shelf(sandbox)), deletions(sandbox)) == (1, [])
    for _ in range(4):
        await asyncio.sleep(0.3)
        assert (await ask(http, gateway, showing(image(PHOTO)))).status == 200
    assert uploads(sandbox) == 1
    await eventually(lambda: shelf(sandbox) == [])


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 429},
        {"kind": "down", "times": 2},
        {"kind": "cut"},
    ],
    ids=["500", "429", "down", "cut"],
)
async def test_a_deletion_that_fails_is_tried_again(
    fault: dict[str, Any], sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """In the next round; of several the others are not forgotten meanwhile."""
    gateway = await start_gateway(**IDLE)
    assert (await ask(http, gateway, showing(image(PHOTO), image(OTHER)))).status == 200
    sandbox.state.faults.add(**fault, where="files/delete")
    await eventually(lambda: len(deletions(sandbox)) == 2 + fault.get("times", 1))
    await eventually(lambda: shelf(sandbox) == [])


async def test_a_deletion_that_fails_holds_up_no_other(sandbox: server.Running, gateway: Running) -> None:
    """The round ends with it; in the next round it comes last."""
    mine = make_uploads(gateway, idle_seconds=0.0)
    first, second = (file.file.id for file in await use(mine, "a", "b"))
    sandbox.state.faults.add("status", "files/delete", status=500)
    await mine.clean()
    assert (deletions(sandbox), len(shelf(sandbox))) == ([second], 2)
    await mine.clean()
    assert (deletions(sandbox), shelf(sandbox)) == ([second, first, second], [])


async def test_what_is_gone_already_is_no_failure(sandbox: server.Running, gateway: Running) -> None:
    """A file that GigaChat lost is asked for once, and forgotten."""
    mine = make_uploads(gateway, idle_seconds=0.0)
    await use(mine, "a")
    sandbox.state.files.forget()
    await mine.clean()
    await mine.clean()
    assert len(deletions(sandbox)) == 1


async def test_a_file_in_use_is_not_deleted(sandbox: server.Running, gateway: Running) -> None:
    """Neither when it is idle nor when it is forgotten; of a forgotten one the content is uploaded anew."""
    mine = make_uploads(gateway, idle_seconds=0.0)
    with mine.collect_pins() as pins:
        file = await upload(mine, "a", pins)
        await mine.clean()
        mine.forget(pins)
        await mine.clean()
        assert (deletions(sandbox), mine.find(file.key, pins)) == ([], None)
        again = await upload(mine, "a", pins)
        assert again.file.id != file.file.id
    await mine.clean()
    assert (sorted(deletions(sandbox)), shelf(sandbox)) == (sorted([file.file.id, again.file.id]), [])


async def test_no_more_are_kept_than_the_bound(sandbox: server.Running, gateway: Running) -> None:
    """The one unused for the longest time goes first; what a request uses stays."""
    mine = make_uploads(gateway, max_files=2)
    await use(mine, "a", "b", "a", "c")
    await mine.clean()
    assert [file.content for file in shelf(sandbox)] == [b"a", b"c"]
    with mine.collect_pins() as pins:
        for content in "abc":
            await upload(mine, content, pins)
        await mine.clean()
        assert sorted(file.content for file in shelf(sandbox)) == [b"a", b"b", b"c"]


async def test_whoever_leaves_during_an_upload_leaves_no_file_behind(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """What GigaChat has got is known here though nobody waits for it any more, and deleted when its time comes."""
    gateway = await start_gateway(**IDLE)
    sandbox.state.faults.add("slow", where="files", seconds=0.3)
    client = asyncio.create_task(ask(http, gateway, showing(image(PHOTO))))
    await eventually(lambda: uploads(sandbox) == 1)
    client.cancel()
    await eventually(lambda: len(deletions(sandbox)) == 1)
    await eventually(lambda: shelf(sandbox) == [])


async def test_an_id_of_ours_is_kept_while_it_is_used(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """A client that goes on with the id of a file that was uploaded for it keeps the file alive, without a look-up."""
    gateway = await start_gateway(GPT2GIGA_FILE_SECONDS="0.6")
    await ask(http, gateway, showing(image(PHOTO)))
    (file,) = shelf(sandbox)
    sandbox.state.requests.clear()
    for _ in range(5):
        await asyncio.sleep(0.2)
        assert (await ask(http, gateway, showing(by_id(file.id)))).status == 200
    assert (sandbox.state.requests.of("files"), deletions(sandbox)) == ([], [])
