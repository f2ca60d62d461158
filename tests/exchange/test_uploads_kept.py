"""What a restart knows of the files at GigaChat, a journal that is broken, and uploads that fail together."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app import errors
from app.admission.memory import Memory
from app.errors import GatewayError
from app.exchange.uploads import Source
from app.observe.facts import Facts
from app.sandbox import server
from app.storage.uploads import Record, UploadJournal
from tests.attaching import attached, by_id, image, shelf, showing, uploads
from tests.media import files as made
from tests.running import GatewayStarter, Running, eventually, no_longer_than
from tests.watching import ask, everything

pytestmark = pytest.mark.usefixtures("few_roots")

PHOTO, OTHER = made.photo("JPEG"), made.photo("PNG")
IDLE = {"GPT2GIGA_FILE_SECONDS": "0.2"}


def records(directory: Path) -> list[Record]:
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
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Whoever goes on with the old id is served, and keeps the new file from no deletion."""
    gateway = await start_gateway()
    kept = gateway.gateway.chat._files._uploads
    assert (await ask(http, gateway, showing(image(PHOTO)))).status == 200
    kept.forget(list(kept._entries.values()))
    assert (await ask(http, gateway, showing(image(PHOTO)))).status == 200
    old, new = shelf(sandbox)
    assert (await ask(http, gateway, showing(by_id(old.id)))).status == 200
    assert attached(sandbox) == [[old.id]]
    (entry,) = kept._entries.values()
    assert (entry.file.id, entry.pins) == (new.id, 0)


async def test_a_file_that_could_not_be_deleted_before_a_restart(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """It was uploaded anew meanwhile: both ids are in the journal, and both are deleted in the end."""
    first = await start_gateway(GPT2GIGA_STATE_DIR=str(tmp_path))
    assert (await ask(http, first, showing(image(PHOTO)))).status == 200
    sandbox.state.faults.add("status", "files/delete", status=500, times=None)
    for entry in first.gateway.chat._files._uploads._entries.values():
        entry.used = time.time() - 10_000
    await first.gateway.chat._files._uploads.clean()
    assert (await ask(http, first, showing(image(PHOTO)))).status == 200
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


async def test_a_failure_is_not_waited_for_again(gateway: Running) -> None:
    """Whoever asks in the very turn in which an upload fails tries itself: the loop must not spin for it."""
    uploads = gateway.gateway.chat._files._uploads
    key, memory = uploads.key("client", "digest"), Memory(1000)
    gate, tries = asyncio.get_running_loop().create_future(), 0

    async def make() -> Any:
        nonlocal tries
        tries += 1
        await gate
        raise GatewayError(errors.UPSTREAM_ERROR, "GigaChat failed")

    source = Source(make, memory.share)
    first = asyncio.create_task(uploads.get(key, source, "a", Facts()))
    await eventually(lambda: tries == 1)
    gate.set_result(None)
    second = asyncio.create_task(uploads.get(key, source, "b", Facts()))
    with no_longer_than(5):
        failures = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(failure) for failure in failures] == [GatewayError] * 2
    assert (tries, uploads._under_way, memory.left) == (2, {}, 1000)


async def test_failures_do_not_queue(sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession) -> None:
    """Ten that want the same file: eight wait for two that fail, and then try side by side."""
    sandbox.state.faults.add("slow", "files", seconds=0.5, times=None)
    sandbox.state.faults.add("status", "files", status=500, times=None)
    begun = time.monotonic()
    replies = await asyncio.gather(*(ask(http, gateway, showing(image(PHOTO))) for _ in range(10)))
    assert {reply.status for reply in replies} == {502}
    assert time.monotonic() - begun < 4
    assert uploads(sandbox) == 10
    assert gateway.gateway.chat._files._uploads._tasks == set()
