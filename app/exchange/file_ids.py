"""Ids of files that clients name in their requests: who may use which.

A client may use the files that were uploaded for it, here or elsewhere. An id that was uploaded here for another client
is refused. Of an unknown id GigaChat is asked under the client's own hash: it describes the file, or refuses. Its
description holds for a while, so that a conversation does not cost a look-up with each turn.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from app import errors
from app.exchange.credential import UpstreamCredential
from app.exchange.failures import UnusableFile
from app.exchange.files_api import FilesApi
from app.exchange.uploaded_files import UploadedFile, UploadedFiles
from app.observe.request_record import RequestRecord
from app.translate.dialogue import Uploaded
from app.translate.gigachat import file_types
from app.translate.mistaken_files import find_mistake

MAX_DESCRIBED = 10_000
_NO_FILE = "'{path}' is no file of yours at GigaChat: send the file itself, its bytes as a data URL."


class _Description(NamedTuple):
    """What GigaChat said of a file, and the Unix time until which it holds."""

    file: Uploaded
    until: float


class FileIds:
    """Decides who may use which id. A description of GigaChat's holds for so many `seconds`. `clock` is Unix time."""

    def __init__(
        self,
        files: UploadedFiles,
        api: FilesApi,
        seconds: float,
        *,
        max_described: int = MAX_DESCRIBED,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._files = files
        self._api = api
        self._seconds = seconds
        self._max_described = max_described
        self._clock = clock
        self._described: OrderedDict[tuple[str, str], _Description] = OrderedDict()  # by client and id

    async def use(
        self,
        client: str,
        file_id: str,
        path: str,
        record: RequestRecord,
        pins: list[UploadedFile],
        credential: UpstreamCredential,
    ) -> Uploaded:
        """The file that a client names; a current file of the gateway's own is pinned, and added to `pins`.

        Raises UnusableFile where the client may not use it, FileFailure where GigaChat does not describe it.
        """
        known = self._files.find(file_id)
        is_foreign = known is not None and known.key.client != client
        mistake = find_mistake(file_id) if known is None else None
        if mistake is not None:
            message = f"'{path}' is no file of yours at GigaChat: it {mistake}."
            raise UnusableFile(errors.FILE_NOT_FOUND, message, param=path)
        if is_foreign or not file_types.is_id(file_id):
            raise UnusableFile(errors.FILE_NOT_FOUND, _NO_FILE.format(path=path), param=path)
        # One that is to be deleted is treated as unknown: GigaChat tells whether it still has it.
        if known is not None and self._files.is_current(known):
            self._files.pin(known.key)
            pins.append(known)
            return known.file
        return await self._describe(client, file_id, path, record, credential)

    def forget(self, client: str, file_id: str) -> bool:
        """Whether a description of this file was known."""
        return self._described.pop((client, file_id), None) is not None

    async def _describe(
        self, client: str, file_id: str, path: str, record: RequestRecord, credential: UpstreamCredential
    ) -> Uploaded:
        described = self._described.get((client, file_id))
        if described is not None and described.until >= self._clock():
            return described.file
        file = await self._api.describe(file_id, client, path, record, credential)
        self._described[client, file_id] = _Description(file, self._clock() + self._seconds)
        if len(self._described) > self._max_described:
            self._described.popitem(last=False)
        return file
