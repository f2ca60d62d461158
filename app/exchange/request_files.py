"""A request's files on their way to GigaChat: loaded, judged by content, prepared, uploaded.

Bytes are held until they are uploaded, or until GigaChat is known to have them. All of them count against the memory
that requests may hold together; those of an upload count until it ends, which may be after its request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from time import monotonic

from app import errors
from app.admission.memory import Memory
from app.errors import GatewayError
from app.exchange.failures import FileFailure, UnusableFile
from app.exchange.file_loader import FileLoader, Loadable, LoadedFile, check_all
from app.exchange.file_preparer import FilePreparer
from app.exchange.uploaded_files import UploadedFile
from app.exchange.uploads import Uploads
from app.exchange.uploads_under_way import PendingFile
from app.media.fetch import Fetcher
from app.observe.request_record import RequestRecord
from app.translate.dialogue import FileId, Media, Turn, Uploaded
from app.translate.gigachat.contract import Contract
from app.translate.gigachat.refusals import names_lost_file, rejects_file
from app.translate.identity_headers import derive_client_id
from app.upstream.failures import Refused

# The history of a conversation may hold many files; each costs a look-up even if GigaChat has it.
_MAX_FILES = 100


@dataclass(slots=True)
class Attached:
    """The files of a request at GigaChat, by their paths."""

    files: dict[str, Uploaded]
    lost: set[str]  # the paths of those of old turns that can't be had any more
    _client: str
    _pins: list[UploadedFile]
    _uploads: Uploads

    def forget_if_lost(self, refusal: Refused) -> bool:
        """Whether GigaChat has lost one of these: what is known of them is forgotten then, and asked for anew."""
        if not names_lost_file(refusal.status, refusal.body):
            return False
        forgotten = self._uploads.forget_described(self._client, self.files.values())
        self._uploads.forget(self._pins)
        return bool(self._pins) or forgotten


class RequestFiles:
    """Brings a request's files to GigaChat."""

    def __init__(self, contract: Contract, fetcher: Fetcher, uploads: Uploads, memory: Memory) -> None:
        self._contract = contract
        self._loader = FileLoader(fetcher, uploads)
        self._preparer = FilePreparer()
        self._uploads = uploads
        self._memory = memory

    @asynccontextmanager
    async def of(self, turns: list[Turn], record: RequestRecord) -> AsyncIterator[Attached]:
        """The files of these turns, which stay at GigaChat until the context ends. Raises GatewayError, FileFailure."""
        with self._uploads.collect_pins() as pins:
            started = monotonic()
            try:
                files, lost = await self._bring(self._contract.kept_files(turns), pins, record)
                del turns  # a stream lasts, and its question's memory is given back
            finally:
                record.add_file_time(monotonic() - started)
            yield Attached(files, lost, derive_client_id(record.tenant), pins, self._uploads)

    async def _bring(
        self, kept: list[Media], pins: list[UploadedFile], record: RequestRecord
    ) -> tuple[dict[str, Uploaded], set[str]]:
        """The files by their paths, and the paths of those of old turns that can't be had any more."""
        record.record_files(len(kept))
        surplus = _find_surplus(kept)
        kept = [media for media in kept if media.path not in surplus]
        client = derive_client_id(record.tenant)
        files: dict[str, Uploaded] = {}
        with self._memory.reserve(record.tenant) as memory:
            loaded = await self._loader.load(kept, client, memory, pins)
            lost = check_all(kept, loaded)
            for fault in {id(one): one for one in loaded.values() if isinstance(one, UnusableFile)}.values():
                record.record_lost_file(_describe_cause(fault))
            for media in kept:  # one after another: an account may have one request at a time
                if media.path in lost:
                    continue
                try:
                    files[media.path] = await self._bring_one(media, loaded, client, pins, record)
                except (UnusableFile, FileFailure) as failure:
                    if not (media.replaceable and is_unusable(failure)):
                        raise
                    lost.add(media.path)
                    record.record_lost_file(_describe_cause(failure))
        return files, lost | surplus

    async def _bring_one(
        self,
        media: Media,
        loaded: Mapping[Loadable, LoadedFile | UnusableFile],
        client: str,
        pins: list[UploadedFile],
        record: RequestRecord,
    ) -> Uploaded:
        source = media.source
        if isinstance(source, FileId):
            return await self._uploads.get_by_id(client, source.id, media.path, record, pins)
        found = loaded[source]
        assert isinstance(found, LoadedFile)  # noqa: S101 - `check_all` has sorted out the others
        return await self._upload(found, pins, record)

    async def _upload(self, loaded: LoadedFile, pins: list[UploadedFile], record: RequestRecord) -> Uploaded:
        uploaded = loaded.uploaded
        if uploaded is None:
            pending = PendingFile(partial(self._preparer.prepare, loaded), loaded.hand_over, lambda: loaded.has_begun)
            uploaded = await self._uploads.get(loaded.key, pending, loaded.path, record, pins)
            loaded.release(uploaded)
        return uploaded.file


def _describe_cause(failure: UnusableFile | FileFailure) -> str:
    """Why a file can't be had, for the operator's log."""
    if isinstance(failure, FileFailure):
        return str(failure.cause)
    return f"{failure.kind.name}: {failure.detail}" if failure.detail else failure.kind.name


def is_unusable(failure: UnusableFile | FileFailure) -> bool:
    """Whether a file can't be had, however often it is tried."""
    if isinstance(failure, UnusableFile):
        return True
    return isinstance(failure.cause, Refused) and rejects_file(failure.cause.status, failure.cause.body)


def _find_surplus(kept: list[Media]) -> set[str]:
    """The paths of the oldest files of old turns, where there are too many. Raises GatewayError for new ones."""
    surplus = len(kept) - _MAX_FILES
    replaceable = [media.path for media in kept if media.replaceable]
    if surplus > len(replaceable):
        path = kept[-1].path
        raise GatewayError(errors.INVALID_VALUE, f"'{path}': a request may hold {_MAX_FILES} files.", param=path)
    return set(replaceable[: max(0, surplus)])
