"""A request's files on their way to GigaChat: loaded, judged by content, prepared, uploaded.

Bytes are held until they are uploaded, or until GigaChat is known to have them. All of them count against the memory
that requests may hold together; those of an upload count until it ends, which may be after its request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from time import monotonic

from app import errors
from app.admission.memory import Memory, Reservation
from app.errors import GatewayError
from app.exchange.failures import FileFailure, UnusableFile
from app.exchange.file_loader import FileLoader, Loadable, LoadedFile, check_all
from app.exchange.file_preparer import FilePreparer
from app.exchange.tries import CredentialLease
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


class RequestFiles:
    """The files of all requests: how they are loaded and brought to GigaChat."""

    def __init__(self, contract: Contract, fetcher: Fetcher, uploads: Uploads, memory: Memory) -> None:
        self.contract = contract
        self.loader = FileLoader(fetcher, uploads)
        self.preparer = FilePreparer()
        self.uploads = uploads
        self.memory = memory

    @asynccontextmanager
    async def of(self, turns: list[Turn], record: RequestRecord) -> AsyncIterator[FilesOfRequest]:
        """The files of these turns, loaded. What of them is at GigaChat stays there until the context ends.

        Raises GatewayError.
        """
        with self.uploads.collect_pins() as pins, self.memory.reserve(record.tenant) as memory:
            files = FilesOfRequest(self, self.contract.kept_files(turns), pins, memory, record)
            del turns  # a stream lasts, and need not hold them
            await files.load()
            yield files


class FilesOfRequest:
    """One request's files. `load` has them here, `bring` has them at GigaChat."""

    def __init__(
        self,
        room: RequestFiles,
        kept: list[Media],
        pins: list[UploadedFile],
        memory: Reservation,
        record: RequestRecord,
    ) -> None:
        record.record_files(len(kept))
        self._room = room
        self._surplus = _find_surplus(kept)
        self._kept = [media for media in kept if media.path not in self._surplus]
        self._client = derive_client_id(record.tenant)
        self._pins = pins
        self._memory = memory
        self._record = record
        self._loaded: dict[Loadable, LoadedFile | UnusableFile] = {}
        self._is_brought = False
        self.files: dict[str, Uploaded] = {}  # those that are at GigaChat, by their paths
        self.lost: set[str] = set()  # the paths of those of old turns that can't be had any more

    async def load(self) -> None:
        """Fetch or decode the files, and judge them. No slot is held meanwhile. Raises GatewayError."""
        with self._timed():
            self.files, self._loaded, self._is_brought = {}, {}, False
            loaded = await self._room.loader.load(self._kept, self._client, self._memory, self._pins)
            self._loaded, self.lost = loaded, self._surplus | check_all(self._kept, loaded)
            for fault in {id(one): one for one in loaded.values() if isinstance(one, UnusableFile)}.values():
                self._record.record_lost_file(_describe_cause(fault))

    async def bring(self, lease: CredentialLease) -> bool:
        """Bring to GigaChat what is not there yet. Returns whether anything has changed.

        Raises GatewayError, FileFailure.
        """
        missing = [media for media in self._kept if media.path not in self.lost and media.path not in self.files]
        if not missing and self._is_brought:
            return False
        self._is_brought = True
        with self._timed():
            for media in missing:  # one after another: an account may have one request at a time
                try:
                    self.files[media.path] = await self._bring_one(media, lease)
                except (UnusableFile, FileFailure) as failure:
                    if not (media.replaceable and is_unusable(failure)):
                        raise
                    self.lost.add(media.path)
                    self._record.record_lost_file(_describe_cause(failure))
        return True

    def let_go(self) -> None:
        """All is at GigaChat and will not be brought again: a stream lasts, and need not hold the files."""
        self._kept, self._loaded = [], {}

    def forget_if_lost(self, refusal: Refused) -> bool:
        """Whether GigaChat has lost one of these: what is known of them is forgotten then, and asked for anew."""
        if not names_lost_file(refusal.status, refusal.body):
            return False
        uploads = self._room.uploads
        forgotten = uploads.forget_described(self._client, self.files.values())
        uploads.forget(self._pins)
        return bool(self._pins) or forgotten

    async def _bring_one(self, media: Media, lease: CredentialLease) -> Uploaded:
        source, uploads = media.source, self._room.uploads
        if isinstance(source, FileId):
            return await uploads.get_by_id(self._client, source.id, media.path, self._record, self._pins, lease)
        loaded = self._loaded[source]
        assert isinstance(loaded, LoadedFile)  # noqa: S101 - `check_all` has sorted out the others
        if loaded.uploaded is None:
            prepare = partial(self._room.preparer.prepare, loaded)
            pending = PendingFile(prepare, loaded.hand_over, lambda: loaded.has_begun)
            try:
                uploaded = await uploads.get(loaded.key, pending, loaded.path, self._record, self._pins, lease)
            except FileFailure:
                loaded.take_back()
                raise
            loaded.release(uploaded)
            return uploaded.file
        return loaded.uploaded.file

    @contextmanager
    def _timed(self) -> Iterator[None]:
        started = monotonic()
        try:
            yield
        finally:
            self._record.add_file_time(monotonic() - started)


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
