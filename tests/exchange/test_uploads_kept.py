"""What a restart knows of the files at GigaChat, a journal that is broken, and uploads that fail together."""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from app.sandbox import server
from app.sandbox.file_store import Owner
from app.storage.uploads import UploadJournal, UploadRecord
from app.translate.identity_headers import derive_client_id
from tests.attaching import attached, by_id, image, shelf, showing, uploads
from tests.exchange.uploading import make_uploads, use
from tests.media import files as made
from tests.running import GatewayStarter, Running, eventually
from tests.watching import ask, everything

PHOTO, OTHER = made.photo("JPEG"), made.photo("PNG")
IDLE = {"GPT2GIGA_FILE_SECONDS": "0.2"}


def records(directory: Path) -> list[UploadRecord]:
    """What the journal knows."""
    return UploadJournal(directory, print).load()


async def test_a_restart_uses_what_is_there(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """The same id, no upload, the tenant's own still; when nobody uses it, it is deleted and the journal is empty."""
    first = await start_gateway(GPT2GIGA_STATE_DIR=str(tmp_path))
    for tenant in ("alice", "bob"):
        assert (await ask(http, first, showing(image(PHOTO)), headers={"X-Tenant-ID": tenant})).status == 200
    hers, his = shelf(sandbox)
    assert {record.id for record in records(tmp_path)} == {hers.id, his.id}
    second = await start_gateway(GPT2GIGA_STATE_DIR=str(tmp_path))
    for stream in (False, True):
        body = showing(image(PHOTO), stream=stream)
        assert (await ask(http, second, body, headers={"X-Tenant-ID": "alice"})).status == 200
        assert (uploads(sandbox), attached(sandbox)) == (2, [[hers.id]])
    reply = await ask(http, second, showing(by_id(his.id)), headers={"X-Tenant-ID": "alice"})
    assert (reply.status, reply.error["code"]) == (400, "file_not_found")
    await start_gateway(GPT2GIGA_STATE_DIR=str(tmp_path), **IDLE)
    await eventually(lambda: shelf(sandbox) == [])
    await eventually(lambda: records(tmp_path) == [])


async def test_files_of_0_1_0(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """It took a key's hash for the tenant. Such a file is nobody's now: made anew, read by none, deleted when idle."""
    kept = {"GPT2GIGA_STATE_DIR": str(tmp_path)}
    key, old = {"x-api-key": "sk-alice"}, hashlib.blake2b(b"sk-alice", digest_size=6).hexdigest()
    first = await start_gateway(**kept)
    for headers in (key, {"X-Tenant-ID": "bob"}):
        assert (await ask(http, first, showing(image(PHOTO)), headers=headers)).status == 200
    hers, his = shelf(sandbox)
    # as that version has left it: at GigaChat and in the journal
    client = hashlib.blake2b(b"files\0" + old.encode(), digest_size=16).hexdigest()
    journal = tmp_path / "uploads.jsonl"
    journal.write_text(journal.read_text().replace(str(hers.owner.client), client))
    hers.owner = Owner(hers.owner.account, client)
    assert {record.client for record in records(tmp_path)} == {client, derive_client_id("bob")}

    second = await start_gateway(**kept)
    assert (await ask(http, second, showing(image(PHOTO)), headers={"X-Tenant-ID": "bob"})).status == 200
    assert (uploads(sandbox), attached(sandbox)) == (2, [[his.id]])
    for number, headers in enumerate((key, {"X-Tenant-ID": old}), start=3):
        reply = await ask(http, second, showing(by_id(hers.id)), headers=headers)
        assert (reply.status, reply.error["code"]) == (400, "file_not_found")
        assert (await ask(http, second, showing(image(PHOTO)), headers=headers)).status == 200
        assert (uploads(sandbox), attached(sandbox)) == (number, [[shelf(sandbox)[-1].id]])
    # without the journal GigaChat itself is asked
    third = await start_gateway()
    assert (await ask(http, third, showing(by_id(hers.id)), headers={"X-Tenant-ID": old})).status == 400
    await start_gateway(**kept, **IDLE)
    await eventually(lambda: shelf(sandbox) == [])
    await eventually(lambda: records(tmp_path) == [])


async def test_a_restart_knows_what_was_used_lately(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """A file that was uploaded long ago and is in use stays; uses that lie close together cost one line."""
    settings = {"GPT2GIGA_STATE_DIR": str(tmp_path), "GPT2GIGA_FILE_SECONDS": "100"}
    first = await start_gateway(**settings)
    assert (await ask(http, first, showing(image(PHOTO)))).status == 200
    (record,) = records(tmp_path)
    UploadJournal(tmp_path, print).add(replace(record, used=time.time() - 90))
    second = await start_gateway(**settings)
    for stream in (False, True, False):
        assert (await ask(http, second, showing(image(PHOTO), stream=stream))).status == 200
    assert len((tmp_path / "uploads.jsonl").read_bytes().splitlines()) == 2
    (again,) = records(tmp_path)
    assert again == replace(record, used=again.used)
    assert again.used > time.time() - 10
    assert uploads(sandbox) == 1


async def test_an_id_whose_content_was_sent_anew(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Whoever goes on with the old id is served."""
    assert (await ask(http, gateway, showing(image(PHOTO)))).status == 200
    sandbox.state.faults.add("status", "chat", status=404, message="No such file")
    assert (await ask(http, gateway, showing(image(PHOTO)))).status == 200
    old, new = shelf(sandbox)
    assert attached(sandbox) == [[new.id]]
    assert (await ask(http, gateway, showing(by_id(old.id)))).status == 200
    assert attached(sandbox) == [[old.id]]


async def test_a_file_that_could_not_be_deleted_before_a_restart(
    sandbox: server.Running, gateway: Running, start_gateway: GatewayStarter, tmp_path: Path
) -> None:
    """It was uploaded anew meanwhile: both ids are in the journal, and both are deleted in the end."""
    first = make_uploads(gateway, directory=tmp_path, idle_seconds=0.0)
    sandbox.state.faults.add("status", "files/delete", status=500, times=None)
    await use(first, "a")
    await first.clean()
    await use(first, "a")
    assert (len(shelf(sandbox)), len(records(tmp_path))) == (2, 2)
    sandbox.state.faults.clear()
    await start_gateway(GPT2GIGA_STATE_DIR=str(tmp_path), **IDLE)
    await eventually(lambda: shelf(sandbox) == [])
    await eventually(lambda: records(tmp_path) == [])


async def test_a_journal_that_is_broken_stops_nobody(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """A line cut off by a crash is passed over; the others count."""
    first = await start_gateway(GPT2GIGA_STATE_DIR=str(tmp_path))
    for data in (PHOTO, OTHER):
        assert (await ask(http, first, showing(image(data)))).status == 200
    journal = tmp_path / "uploads.jsonl"
    journal.write_bytes(b'\x00{"id":5}\n[1]\n' + journal.read_bytes()[:-40])
    second = await start_gateway(GPT2GIGA_STATE_DIR=str(tmp_path))
    for data, count in ((PHOTO, 2), (OTHER, 3)):
        assert (await ask(http, second, showing(image(data)))).status == 200
        assert uploads(sandbox) == count
    assert len(records(tmp_path)) == 2


async def test_a_directory_that_takes_nothing_is_told_once(
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In the log, without a path of a client's; the chat goes on."""
    gateway = await start_gateway(GPT2GIGA_STATE_DIR=str(tmp_path))
    (tmp_path / "uploads.jsonl").mkdir()
    for data in (PHOTO, OTHER):
        assert (await ask(http, gateway, showing(image(data)))).status == 200
    told = [record for record in caplog.records if "journal of uploaded files" in record.getMessage()]
    assert [record.levelname for record in told] == ["WARNING"]
    assert "Traceback" not in everything(caplog)


async def test_failures_do_not_queue(sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession) -> None:
    """Ten that want the same file: eight wait for two that fail, and then try side by side."""
    sandbox.state.faults.add("slow", "files", seconds=0.5, times=None)
    sandbox.state.faults.add("status", "files", status=500, times=None)
    begun = time.monotonic()
    replies = await asyncio.gather(*(ask(http, gateway, showing(image(PHOTO))) for _ in range(10)))
    assert {reply.status for reply in replies} == {502}
    assert time.monotonic() - begun < 4
    assert uploads(sandbox) == 10
