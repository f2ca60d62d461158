"""A request's files on their way to GigaChat: fetched or decoded, judged by content, converted, uploaded.

Bytes are held only until they are uploaded, or known to be there already. All of them count against the memory that
requests may hold together, those of an upload until it ends: its request may have ended before.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

from app import errors
from app.admission.memory import Memory, Share
from app.errors import GatewayError, Row
from app.exchange.uploads import Entry, Key, Ready, Source, Uploads
from app.media import images, inline, sniff
from app.media.failure import MediaError
from app.media.fetch import Fetcher
from app.media.text import utf8
from app.observe.facts import Facts
from app.translate.dialogue import FileId, FileKind, Inline, Media, Turn, Uploaded, Url
from app.translate.gigachat import files
from app.translate.gigachat.attachments import Attachments
from app.translate.session import client_id
from app.upstream.forms import Form

# A conversation's history may hold many; each costs a look, if it is known.
_MOST = 100
# From this size on hashing and looking are done in a thread.
_LARGE = 256 * 1024
_UNFIT = re.compile(r"[^\w .()+-]+")
_LONGEST_NAME, _LONGEST_GIVEN = 80, 1000

_ROWS: dict[str, Row] = {
    "unsupported": errors.UNSUPPORTED_FILE,
    "too_large": errors.FILE_TOO_LARGE,
    "download": errors.FILE_DOWNLOAD_FAILED,
    "busy": errors.OVERLOADED,
}


@dataclass(slots=True)
class _Loaded:
    """A file that can be passed on: `entry` where GigaChat has it already, else `data`.

    Nothing else of the request is here, since an upload may hold it for longer.
    """

    key: Key
    path: str
    stem: str  # of the name that it gets
    mime: str  # the type's registered name
    kind: FileKind
    size: int
    data: bytes = field(repr=False)
    share: Share = field(repr=False)
    held: int  # what the request's share counts for it
    entry: Entry | None = None

    def hand_over(self) -> Share:
        """From now on the bytes count for as long as the upload takes, not for the request."""
        held, self.held = self.held, 0
        return self.share.hand_over(held)

    def there(self, entry: Entry) -> None:
        """GigaChat has it: the bytes are let go."""
        self.entry, self.data = entry, b""
        self.share.give(self.held)
        self.held = 0


@dataclass(slots=True)
class Attached:
    """The files of a request at GigaChat, by their paths."""

    files: dict[str, Uploaded]
    _entries: list[Entry]
    _uploads: Uploads

    def lost(self, error: GatewayError) -> bool:
        """Whether GigaChat has lost files that were uploaded here before: then they are forgotten, to be sent anew."""
        if error.row is not errors.FILE_NOT_FOUND or not self._entries:
            return False
        self._uploads.forget(self._entries)
        return True


class Files:
    """Brings a request's files to GigaChat."""

    def __init__(self, fetcher: Fetcher, uploads: Uploads, memory: Memory) -> None:
        self._fetcher = fetcher
        self._uploads = uploads
        self._memory = memory

    @asynccontextmanager
    async def of(self, turns: list[Turn], facts: Facts) -> AsyncIterator[Attached]:
        """The files of these turns, which stay at GigaChat until the context ends. Raises GatewayError."""
        with self._uploads.pinned() as entries:
            begun = monotonic()
            try:
                found = await self._brought(Attachments(turns, {}, []).kept, entries, facts)
            finally:
                facts.files_seconds += monotonic() - begun
            yield Attached(found, entries, self._uploads)

    async def _brought(self, kept: list[Media], entries: list[Entry], facts: Facts) -> dict[str, Uploaded]:
        facts.files = len(kept)
        if len(kept) > _MOST:
            path = kept[_MOST].path
            raise GatewayError(errors.INVALID_VALUE, f"'{path}': a request may hold {_MOST} files.", param=path)
        client = client_id(facts.tenant)
        found: dict[str, Uploaded] = {}
        with self._memory.share() as share:
            loaded = await self._loaded(kept, client, share, entries)
            for media in kept:  # one after another: an account may have one request at a time
                if isinstance(media.source, FileId):
                    number = media.source.id
                    found[media.path] = await self._uploads.of_client(client, number, media.path, facts, entries)
                else:
                    found[media.path] = await self._uploaded(loaded[media.source], entries, facts)
        return found

    async def _uploaded(self, one: _Loaded, entries: list[Entry], facts: Facts) -> Uploaded:
        entry = one.entry
        if entry is None:
            source = Source(partial(_ready, one), one.hand_over)
            entry = await self._uploads.get(one.key, source, one.path, facts)
            entries.append(entry)
            one.there(entry)
        return entry.file

    async def _loaded(
        self, kept: list[Media], client: str, share: Share, entries: list[Entry]
    ) -> dict[Inline | Url | FileId, _Loaded]:
        """What is to be there, checked; the same source is loaded once. Downloads go side by side."""
        sources = {media.source: media for media in reversed(kept) if not isinstance(media.source, FileId)}
        try:
            async with asyncio.TaskGroup() as group:
                tasks = {
                    source: group.create_task(self._load(media, client, share, entries))
                    for source, media in sources.items()
                }
        except BaseExceptionGroup as faults:
            raise faults.exceptions[0] from None
        loaded: dict[Inline | Url | FileId, _Loaded] = {source: task.result() for source, task in tasks.items()}
        for media in kept:
            if media.source in loaded:
                _check_kind(media, loaded[media.source].kind)
        # the last in the request is named: they stand in reverse order
        heard = [(loaded[source], media) for source, media in sources.items() if loaded[source].kind != "document"]
        if sum(one.size for one, _ in heard) > files.MAX_TOGETHER:
            message = f"Images and audio of one request may have {files.MAX_TOGETHER >> 20} MiB together: send fewer."
            raise GatewayError(errors.FILE_TOO_LARGE, message, param=heard[0][1].path)
        return loaded

    async def _load(self, media: Media, client: str, share: Share, entries: list[Entry]) -> _Loaded:
        try:
            data = await self._bytes(media, share, client)
        except MediaError as fault:
            raise _refused(media.path, fault) from fault
        if len(data) > _LARGE:
            digest, mime = await asyncio.to_thread(_examined, data)
        else:
            digest, mime = _examined(data)
        kind = _kind(mime)
        if kind is None:
            raise _unsupported(media, mime)
        limit = files.LARGEST if mime in files.CONVERTED else files.MAX_BYTES[kind]
        if len(data) > limit:
            message = f"'{media.path}' has {len(data)} bytes; GigaChat takes {limit >> 20} MiB of {kind}."
            raise GatewayError(errors.FILE_TOO_LARGE, message, param=media.path)
        assert mime is not None  # noqa: S101 - it has a kind
        key, size = self._uploads.key(client, digest), len(data)
        loaded = _Loaded(key, media.path, _stem(media), mime, kind, size, data, share, held=size)
        entry = self._uploads.pin(key)
        if entry is not None:
            entries.append(entry)
            loaded.there(entry)
        return loaded

    async def _bytes(self, media: Media, share: Share, client: str) -> bytes:
        source = media.source
        if isinstance(source, Url):
            return await self._fetcher.get(source.url, files.LARGEST, share.take, client)
        assert isinstance(source, Inline)  # noqa: S101 - ids are not loaded
        size = len(source.text)
        share.take(size)  # before it is there; it becomes smaller
        data = await (inline.decoded(source.text) if source.base64 else inline.unquoted(source.text))
        share.give(size - len(data))
        return data


def _examined(data: bytes) -> tuple[str, str | None]:
    return hashlib.sha256(data).hexdigest(), sniff.sniff(data)


def _kind(mime: str | None) -> FileKind | None:
    """What a file is, by its type, if GigaChat can get it."""
    if mime in files.CONVERTED:
        return "image"
    taken = files.TAKEN.get(mime or "")
    return None if taken is None else taken.kind


async def _ready(loaded: _Loaded) -> Ready:
    """The file as GigaChat takes it."""
    data, mime, note = loaded.data, loaded.mime, None
    try:
        if mime in files.CONVERTED:
            data, mime, note = await images.converted(data, files.MAX_MADE)
        elif loaded.kind == "image":
            await images.check(data, mime)
        elif mime == "text/plain":
            data = await asyncio.to_thread(utf8, data)
    except MediaError as fault:
        raise _refused(loaded.path, fault) from fault
    taken = files.TAKEN[mime]
    name = f"{loaded.stem}.{taken.extension}"
    rule = None if note is None else f"image.{note}"
    return Ready(Form(name, taken.mime, data, (("purpose", files.PURPOSE),)), rule)


def _stem(media: Media) -> str:
    """The name that the client gave, without what could be a path or end a header; the type gives the extension."""
    stem = (media.name or "")[-_LONGEST_GIVEN:].replace("\\", "/").rpartition("/")[2].rpartition(".")
    return _UNFIT.sub("_", stem[0] or stem[2])[:_LONGEST_NAME].strip() or "file"


def _check_kind(media: Media, kind: FileKind) -> None:
    if media.kind is not None and media.kind != kind:
        message = f"'{media.path}' is not {_A[media.kind]} by its content: {files.LISTED[media.kind]} are taken here."
        raise GatewayError(errors.UNSUPPORTED_FILE, message, param=media.path)


_A = {"image": "an image", "audio": "audio", "document": "a document"}


def _unsupported(media: Media, mime: str | None) -> GatewayError:
    what = f"is {mime}, which GigaChat does not take" if mime else "is of no type that is known here"
    message = f"'{media.path}' {what}. Taken are: {files.LISTED[media.kind]}."
    return GatewayError(errors.UNSUPPORTED_FILE, message, param=media.path)


def _refused(path: str, fault: MediaError) -> GatewayError:
    return GatewayError(_ROWS[fault.reason], f"'{path}': {fault}", param=path)
