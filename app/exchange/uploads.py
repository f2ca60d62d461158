"""Files at GigaChat: each content is uploaded once for a credential and a client, and deleted when it is not used.

A conversation sends its images again with every turn. Without this, each turn would cost an upload, and a new id would
make GigaChat's prompt cache useless.

    which files there are          app/exchange/uploaded_files.py
    two requests, one file         app/exchange/uploads_under_way.py
    who may use a file's id        app/exchange/file_ids.py
    when a file is deleted         `Uploads.clean`
    what a restart knows           app/storage/uploads.py
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from app.background import report_bug
from app.exchange.credential import UpstreamCredential
from app.exchange.file_ids import FileIds
from app.exchange.files_api import FilesApi
from app.exchange.sender import Sender
from app.exchange.tries import CredentialLease
from app.exchange.uploaded_files import MAX_FILES, UploadedFile, UploadedFiles, UploadKey
from app.exchange.uploads_under_way import PendingFile, UploadsUnderWay
from app.observe.request_record import RequestRecord
from app.storage.uploads import UploadJournal, UploadRecord
from app.translate.dialogue import Uploaded
from app.translate.gigachat import file_types

_ROUND_SECONDS = 60.0


class Uploads:
    """Uploads files, and deletes those that nobody has used for `idle_seconds`."""

    def __init__(
        self,
        sender: Sender,
        journal: UploadJournal,
        idle_seconds: float,
        *,
        credential: str,
        enter_idle: Callable[[], CredentialLease | None],
        max_files: int = MAX_FILES,
    ) -> None:
        self._api = FilesApi(sender)
        self._credential = credential
        self.enter_idle = enter_idle
        self._journal = journal
        self._idle_seconds = idle_seconds
        self._files = UploadedFiles(max_files)
        self._under_way = UploadsUnderWay()
        self._ids = FileIds(self._files, self._api, idle_seconds)
        for record in sorted(journal.load(), key=lambda record: record.used):
            if file_types.is_id(record.id) and record.kind in file_types.MAX_BYTES:
                key = UploadKey(record.credential, record.client, record.digest)
                self._files.add(UploadedFile(key, Uploaded(record.id, record.kind, record.note), record.used))

    def key(self, client: str, digest: str) -> UploadKey:
        """The key of a client's file under the credential in use."""
        return UploadKey(self._credential, client, digest)

    def find(self, key: UploadKey, pins: list[UploadedFile]) -> UploadedFile | None:
        """The file, pinned and added to `pins`, if GigaChat has it already."""
        file = self._files.pin(key)
        if file is not None:
            pins.append(file)
        return file

    @contextmanager
    def collect_pins(self) -> Iterator[list[UploadedFile]]:
        """A list for the pinned files of one request: they stay at GigaChat until the context ends."""
        pins: list[UploadedFile] = []
        try:
            yield pins
        finally:
            for file in pins:
                self._files.unpin(file, time.time())
                if self._files.is_current(file):
                    # A line for every request would be too many. A restart may delete a file by this much too early.
                    self._journal.record_use(file.file.id, file.used, self._idle_seconds / 2)

    async def get(
        self,
        key: UploadKey,
        pending: PendingFile,
        path: str,
        record: RequestRecord,
        pins: list[UploadedFile],
        lease: CredentialLease,
    ) -> UploadedFile:
        """The file, pinned and added to `pins`; it is prepared and uploaded if GigaChat does not have it.

        `path` is where it stands in the client's request. Raises FileFailure, GatewayError.
        """
        find = partial(self.find, key, pins)
        upload = partial(self._upload, key, pending, path, record, lease.credential)
        return await self._under_way.bring(key, pending, find, upload, lease)

    async def get_by_id(
        self,
        client: str,
        file_id: str,
        path: str,
        record: RequestRecord,
        pins: list[UploadedFile],
        lease: CredentialLease,
    ) -> Uploaded:
        """A file that the client names by its id at GigaChat; one that was uploaded here is pinned.

        Raises FileFailure, GatewayError.
        """
        return await self._ids.use(client, file_id, path, record, pins, lease.credential)

    def forget(self, files: Iterable[UploadedFile]) -> None:
        """GigaChat has lost one of these and does not say which: all are uploaded anew when they are needed."""
        for file in files:
            self._files.retire(file)

    def forget_described(self, client: str, files: Iterable[Uploaded]) -> bool:
        """Whether GigaChat's description of one of these was known: it is asked again, and may not have it any more."""
        return sum(self._ids.forget(client, file.id) for file in files) > 0

    async def run(self) -> None:
        """Delete files for as long as the gateway runs. Ends only by cancellation."""
        try:
            while True:
                await asyncio.sleep(min(_ROUND_SECONDS, self._idle_seconds / 2))
                try:
                    await self.clean()
                except Exception as bug:  # noqa: BLE001 - it is reported, and the next round may succeed
                    report_bug(bug, "deletion of files")
        finally:
            await self._under_way.stop()

    async def clean(self) -> None:
        """Delete the files that no request uses and that are idle, lost, replaced by a newer one, or too many.

        The round ends with the first deletion that fails, or finds no idle slot. That file comes last in the next
        round.
        """
        files = self._files.take_deletable(time.time() - self._idle_seconds)
        while files:
            file = files.pop()
            if not await self._delete(file):
                self._files.put_back([file, *files])
                return
            self._files.remove(file)
            self._journal.remove(file.file.id)

    async def _delete(self, file: UploadedFile) -> bool:
        lease = self.enter_idle()
        if lease is None:
            return False
        with lease:
            return await self._api.delete(file.file.id, file.key.client, lease.credential)

    async def _upload(
        self, key: UploadKey, pending: PendingFile, path: str, record: RequestRecord, credential: UpstreamCredential
    ) -> None:
        prepared = await pending.prepare()
        found = await self._api.upload(prepared.form, key.client, path, record, credential)
        file = UploadedFile(key, Uploaded(found.id, found.kind, prepared.note), time.time())
        record.record_upload()
        self._files.add(file)
        self._journal.add(UploadRecord(found.id, *key, found.kind, prepared.note, file.used))
