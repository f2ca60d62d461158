"""Files of v1: the five calls, whose files they are, and the faults that meet them."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from app.sandbox.server import BASES, Running
from app.sandbox.state import SandboxSettings
from tests.sandbox.specimens import TEXT, form, png, upload

FILES = "/v1/files"
CALLS = [("GET", ""), ("GET", "/content"), ("POST", "/delete")]
NO_FILE = b'{"status":404,"message":"No such file"}\n'


async def _ask(
    session: aiohttp.ClientSession, method: str, path: str, client: str | None = None, **more: Any
) -> tuple[int, bytes]:
    headers = {} if client is None else {"X-Client-ID": client}
    async with session.request(method, FILES + path, headers=headers, **more) as response:
        return response.status, await response.read()


async def test_upload_bytes(session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """The documented shape byte for byte; the same when the file is asked for, and in the list."""
    monkeypatch.setattr("app.sandbox.wire.time.time", lambda: 1768996174.9)
    monkeypatch.setattr("app.sandbox.file_store.uuid4", lambda: "b02a1bbd-3e2e-4bd0-8d4b-5d1f3e5a5d11")
    file = (
        '{"id":"b02a1bbd-3e2e-4bd0-8d4b-5d1f3e5a5d11","object":"file","bytes":12,"created_at":1768996174,'
        '"filename":"файл.txt","purpose":"general","access_policy":"private","modalities":null}'
    )
    assert await _ask(session, "POST", "", data=form()) == (200, file.encode())
    assert await _ask(session, "GET", "/b02a1bbd-3e2e-4bd0-8d4b-5d1f3e5a5d11") == (200, file.encode())
    assert await _ask(session, "GET", "") == (200, f'{{"data":[{file}]}}'.encode())


@pytest.mark.parametrize("base", BASES)
async def test_content(session: aiohttp.ClientSession, base: str) -> None:
    """The bytes come back as they were sent, on both bases of v1."""
    name = await upload(session, png(), "image/png")
    async with session.get(f"{base}/files/{name}/content") as response:
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert await response.read() == png()


async def test_delete(running: Running, session: aiohttp.ClientSession) -> None:
    """A deleted file is told so once, and there is none from then on."""
    name = await upload(session)
    answer = f'{{"id":"{name}","deleted":true,"access_policy":"private"}}'.encode()
    assert await _ask(session, "POST", f"/{name}/delete") == (200, answer)
    for method, path in CALLS:
        assert await _ask(session, method, f"/{name}{path}") == (404, NO_FILE)
    assert await _ask(session, "GET", "") == (200, b'{"data":[]}')
    assert [record.where for record in running.state.requests.of()][:2] == ["files", "files/delete"]


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_unknown(session: aiohttp.ClientSession, method: str, path: str) -> None:
    """An id that nobody gave out is a 404."""
    assert await _ask(session, method, f"/b02a1bbd{path}") == (404, NO_FILE)


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize(("owner", "reader"), [("a", "b"), ("a", None), (None, "a"), (None, ""), ("a", "A")])
async def test_another_client(
    session: aiohttp.ClientSession, method: str, path: str, owner: str | None, reader: str | None
) -> None:
    """A file is denied under any other client id, none being one too; its owner still has it."""
    name = await upload(session, client=owner)
    denied = f'{{"status":403,"message":"Access to file \'{name}\' is denied"}}'.encode()
    assert await _ask(session, method, f"/{name}{path}", reader) == (403, denied)
    assert await _ask(session, "GET", "", reader) == (200, b'{"data":[]}')
    assert (await _ask(session, method, f"/{name}{path}", owner))[0] == 200


async def test_another_account(running: Running, session: aiohttp.ClientSession) -> None:
    """Files belong to the account: a new token of it opens them, another account's does not."""
    name = await upload(session)
    for account, status in (("sandbox", 200), ("other", 403)):
        token = running.state.tokens.issue(60, account)
        async with session.get(f"{FILES}/{name}", headers={"Authorization": f"Bearer {token}"}) as response:
            assert response.status == status


@pytest.mark.parametrize(("method", "path"), [("POST", ""), ("GET", ""), *((one, f"/a{two}") for one, two in CALLS)])
async def test_unauthorized(running: Running, session: aiohttp.ClientSession, method: str, path: str) -> None:
    """Every call needs a token."""
    running.state.tokens.revoke()
    assert (await _ask(session, method, path))[0] == 401


async def test_v1_only(session: aiohttp.ClientSession) -> None:
    """v2 has no files: nginx denies them."""
    for path in ("/v2/files", "/v2/files/a/content"):
        async with session.get(path) as response:
            assert response.status == 403
            assert response.content_type == "text/html"


@pytest.mark.parametrize("where", ["files", "files/delete"])
@pytest.mark.parametrize(
    ("wish", "status"), [({"status": 429}, 429), ({"status": 413}, 413), ({"status": 502, "html": True}, 502)]
)
async def test_status_fault(
    running: Running, session: aiohttp.ClientSession, where: str, wish: dict[str, Any], status: int
) -> None:
    """An error status for uploads, or for deletions: nothing happens to the file, and the next attempt is good."""
    running.state.faults.add("status", where, **wish)
    deleting = where == "files/delete"
    if deleting:
        path, data = f"/{await upload(session)}/delete", None
    else:
        path, data = "", form()
    assert (await _ask(session, "POST", path, data=data))[0] == status
    assert [file.is_gone for file in running.state.files] == [False] * deleting
    assert running.state.requests.of(where)[-1].outcome == "fault"
    assert (await _ask(session, "POST", path, data=None if deleting else form()))[0] == 200


async def test_faults_of_an_answer(running: Running, session: aiohttp.ClientSession) -> None:
    """An upload can be answered by a page, too late, half or not at all; cut, the file is kept all the same."""
    running.state.faults.add("html_200", "files")
    assert (await _ask(session, "POST", "", data=form()))[1].startswith(b"<html>")
    running.state.faults.add("slow", "files", seconds=60)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(_ask(session, "POST", "", data=form()), 0.2)
    running.state.faults.add("down", "files")
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await _ask(session, "POST", "", data=form())
    assert list(running.state.files) == []
    running.state.faults.add("cut", "files")
    with pytest.raises(aiohttp.ClientPayloadError):
        await _ask(session, "POST", "", data=form())
    assert len(list(running.state.files)) == 1
    assert [one.body["bytes"] for one in running.state.requests.of("files")] == [len(TEXT)] * 4


async def test_delete_that_is_cut(running: Running, session: aiohttp.ClientSession) -> None:
    """A deletion whose answer is cut has happened; one whose connection closed before has not."""
    first, second = await upload(session), await upload(session)
    running.state.faults.add("cut", "files/delete")
    with pytest.raises(aiohttp.ClientPayloadError):
        await _ask(session, "POST", f"/{first}/delete")
    running.state.faults.add("down", "files/delete")
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await _ask(session, "POST", f"/{second}/delete")
    assert [file.deleted for file in running.state.files] == [True, False]


@pytest.mark.parametrize("settings", [SandboxSettings(file_bytes=2 * len(TEXT))])
async def test_room(session: aiohttp.ClientSession) -> None:
    """Where there is no more room the oldest file is lost."""
    first, second, third = [await upload(session) for _ in range(3)]
    assert [(await _ask(session, "GET", f"/{name}"))[0] for name in (first, second, third)] == [404, 200, 200]


@pytest.mark.parametrize("settings", [SandboxSettings(max_concurrency=1)])
async def test_concurrency(running: Running, session: aiohttp.ClientSession) -> None:
    """Uploads do not count among the chats."""
    running.state.faults.add("slow", "files", times=None, seconds=0.1)
    await asyncio.gather(*(upload(session) for _ in range(3)))
    assert running.state.most_chatting == 0
