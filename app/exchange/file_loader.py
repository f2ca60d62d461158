"""The bytes of a request's files: fetched or decoded, and judged by their content, before anything is uploaded.

All bytes count against the memory that requests may hold together.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from app import errors
from app.admission.memory import Reservation
from app.errors import GatewayError, Kind, drop_frames
from app.exchange.failures import UnusableFile
from app.exchange.known_links import KnownLinks, LinkedFile
from app.exchange.uploaded_files import UploadedFile, UploadKey
from app.exchange.uploads import Uploads
from app.media import inline, sniffer
from app.media.failure import MediaError, Reason
from app.media.fetch import Fetcher
from app.translate.dialogue import FileId, FileKind, Inline, Media, Url
from app.translate.gigachat import file_types

# A text in another encoding becomes this much longer as UTF-8, at most, and is held beside the file.
_MAX_UTF8_GROWTH = 2
# From this number of bytes on, hashing and looking for a type are done in a thread.
_THREADED_BYTES = 256 * 1024
_UNSAFE_CHARACTERS = re.compile(r"[^\w .()+-]+")
_MAX_STEM, _MAX_NAME_READ = 80, 1000  # characters

_KINDS_OF_ERRORS: dict[Reason, Kind] = {
    "unsupported": errors.UNSUPPORTED_FILE,
    "too_large": errors.FILE_TOO_LARGE,
    "download": errors.FILE_DOWNLOAD_FAILED,
    "busy": errors.OVERLOADED,
}
# The beginning of a type -> what to do instead.
_ADVICE = {
    "application/x-tgsticker": (
        "It is a Telegram sticker that moves (.tgs): send its thumbnail, which is a picture, or its emoji."
    ),
    "video/": (
        "Of a video, a video note or a video sticker send a frame or Telegram's thumbnail as an image, or its sound as "
        "audio (ffmpeg -i video.mp4 -vn sound.ogg)."
    ),
    "application/gzip": "Unpack it first.",
    "application/zip": "Unpack it first.",
}
_WITH_ARTICLE: dict[FileKind, str] = {"image": "an image", "audio": "audio", "document": "a document"}

Loadable = Inline | Url


@dataclass(slots=True)
class LoadedFile:
    """A file that GigaChat takes: `uploaded` if GigaChat has it already, else `data`.

    It refers to nothing else of the request, because an upload may outlive the request.
    """

    key: UploadKey
    path: str  # where it stands in the client's request
    stem: str  # of the name that it gets at GigaChat
    mime: str  # the type's registered name
    kind: FileKind
    size: int  # bytes
    data: bytes = field(repr=False)
    memory: Reservation = field(repr=False)  # the request's
    held: int  # bytes that the request's memory counts for this file
    uploaded: UploadedFile | None = None
    has_begun: bool = False  # its turn to be read has come

    def begin(self) -> None:
        """The file's turn to be read has come."""
        self.has_begun = True

    def hand_over(self) -> Reservation:
        """From now on the bytes count until the upload ends, not until the request ends."""
        held, self.held = self.held, 0
        return self.memory.hand_over(held)

    def take_back(self) -> None:
        """The upload has failed: the bytes count for the request again, which may upload them once more."""
        self.held = len(self.data)
        self.memory.hold(self.held)

    def release(self, uploaded: UploadedFile) -> None:
        """GigaChat has the file: its bytes are not needed any more."""
        self.uploaded, self.data = uploaded, b""
        self.memory.give(self.held)
        self.held = 0


class FileLoader:
    """Loads files. Those that GigaChat has already are found by their content."""

    def __init__(self, fetcher: Fetcher, uploads: Uploads) -> None:
        self._fetcher = fetcher
        self._uploads = uploads
        self._links = KnownLinks()

    async def load(
        self, kept: list[Media], client: str, memory: Reservation, pins: list[UploadedFile]
    ) -> dict[Loadable, LoadedFile | UnusableFile]:
        """The files that are sent or linked, by their sources; each source is loaded once, all at the same time.

        Files that GigaChat has already are pinned, and added to `pins`. Raises GatewayError for a new file; one that
        only old turns have, and that can't be had any more, is the error.
        """
        # In reverse order: of equal sources the first one gives the path, a new one before those of the past.
        ordered = sorted(kept, key=lambda media: (media.replaceable, media.past))
        sources: dict[Loadable, Media] = {
            media.source: media for media in reversed(ordered) if not isinstance(media.source, FileId)
        }
        try:
            async with asyncio.TaskGroup() as group:
                tasks = {
                    source: group.create_task(
                        (self._load_replaceable if media.replaceable else self._load)(
                            media, source, client, memory, pins
                        )
                    )
                    for source, media in sources.items()
                }
        except BaseExceptionGroup as faults:
            raise faults.exceptions[0] from None
        return {source: task.result() for source, task in tasks.items()}

    async def _load_replaceable(
        self, media: Media, source: Loadable, client: str, memory: Reservation, pins: list[UploadedFile]
    ) -> LoadedFile | UnusableFile:
        """A file for which words may stand: the error where it can't be had. A link of old is what it led to before."""
        if media.past and isinstance(source, Url):
            known = self._links.find(client, source.url)
            if isinstance(known, UnusableFile):
                return known
            if known is not None:
                key = self._uploads.key(client, known.digest)
                uploaded = self._uploads.find(key, pins)
                if uploaded is not None:
                    kind = uploaded.file.kind
                    return LoadedFile(key, media.path, "", "", kind, known.size, b"", memory, 0, uploaded)
        try:
            return await self._load(media, source, client, memory, pins)
        except UnusableFile as fault:
            drop_frames(fault)
            if isinstance(source, Url):
                self._links.remember(client, source.url, fault)
            return fault

    async def _load(
        self, media: Media, source: Loadable, client: str, memory: Reservation, pins: list[UploadedFile]
    ) -> LoadedFile:
        try:
            data = await self._read(source, memory, client)
        except MediaError as fault:
            raise refuse(media.path, fault) from fault
        size = len(data)
        digest, mime = await asyncio.to_thread(_examine, data) if size > _THREADED_BYTES else _examine(data)
        mime, kind = _check_type(media, mime, size)
        growth = _MAX_UTF8_GROWTH * size if mime == "text/plain" else 0
        memory.take(growth)
        if isinstance(source, Url):
            self._links.remember(client, source.url, LinkedFile(digest, size))
        key = self._uploads.key(client, digest)
        loaded = LoadedFile(key, media.path, _stem(media), mime, kind, size, data, memory, held=size + growth)
        uploaded = self._uploads.find(key, pins)
        if uploaded is not None:
            loaded.release(uploaded)
        return loaded

    async def _read(self, source: Loadable, memory: Reservation, client: str) -> bytes:
        if isinstance(source, Url):
            return await self._fetcher.get(source.url, file_types.LARGEST, memory.take, client)
        size = len(source.text)
        memory.take(size)  # the decoded bytes are fewer; how many is not known yet
        data = await (inline.decode_base64(source.text) if source.base64 else inline.decode_percent(source.text))
        memory.give(size - len(data))
        return data


def refuse(path: str, fault: MediaError) -> GatewayError:
    """The client's error for a file that cannot be used, or not now."""
    error = GatewayError if fault.reason == "busy" else UnusableFile
    return error(_KINDS_OF_ERRORS[fault.reason], f"'{path}': {fault}", param=path, detail=fault.detail)


def _examine(data: bytes) -> tuple[str, str | None]:
    """A file's digest and its type."""
    return hashlib.sha256(data).hexdigest(), sniffer.sniff_type(data)


def _check_type(media: Media, mime: str | None, size: int) -> tuple[str, FileKind]:
    """A file's type and kind, if GigaChat takes them at this size. Raises GatewayError."""
    kind = _kind(mime)
    if mime is None or kind is None:
        what = f"is {mime}, which GigaChat does not take" if mime else "is of no type that is known here"
        message = f"'{media.path}' {what}. {_advise(mime or '')}Taken are: {file_types.LISTED[media.kind]}."
        raise UnusableFile(errors.UNSUPPORTED_FILE, message, param=media.path)
    limit = file_types.LARGEST if mime in file_types.CONVERTED else file_types.MAX_BYTES[kind]
    if size > limit:
        message = f"'{media.path}' has {size} bytes; GigaChat takes {limit >> 20} MiB of {kind}."
        raise UnusableFile(errors.FILE_TOO_LARGE, message, param=media.path)
    return mime, kind


def _advise(mime: str) -> str:
    """What to do about a file of this type, where there is more to say than what is taken."""
    return next((f"{advice} " for stem, advice in _ADVICE.items() if mime.startswith(stem)), "")


def _kind(mime: str | None) -> FileKind | None:
    """What a file of this type is for GigaChat; None: it takes no such file."""
    if mime in file_types.CONVERTED:
        return "image"
    taken = file_types.TAKEN.get(mime or "")
    return None if taken is None else taken.kind


def check_all(kept: list[Media], loaded: Mapping[Loadable, LoadedFile | UnusableFile]) -> set[str]:
    """The paths of old turns' files that can't go along. Raises GatewayError for a new one."""
    lost: set[str] = set()
    for media in kept:
        if isinstance(media.source, FileId):
            continue
        found = loaded[media.source]
        fault = found if isinstance(found, UnusableFile) else _find_wrong_kind(media, found.kind)
        if fault is not None:
            if not media.replaceable:
                raise fault
            lost.add(media.path)
    return lost | _find_surplus([media for media in kept if media.path not in lost], loaded)


def _find_wrong_kind(media: Media, kind: FileKind) -> UnusableFile | None:
    """The error where the client says that a file is something else."""
    if media.kind is None or media.kind == kind:
        return None
    what, listed = _WITH_ARTICLE[media.kind], file_types.LISTED[media.kind]
    message = f"'{media.path}' is not {what} by its content: {listed} are taken here."
    return UnusableFile(errors.UNSUPPORTED_FILE, message, param=media.path)


def _find_surplus(kept: list[Media], loaded: Mapping[Loadable, LoadedFile | UnusableFile]) -> set[str]:
    """The oldest files of old turns, where images and audio are too large together. Raises GatewayError."""
    sources: dict[Loadable, list[Media]] = {}
    for media in kept:
        if not isinstance(media.source, FileId):
            sources.setdefault(media.source, []).append(media)
    files = [(loaded[source], found) for source, found in sources.items()]
    limited = [(one.size, found) for one, found in files if isinstance(one, LoadedFile) and one.kind != "document"]
    total, lost = sum(size for size, _ in limited), set[str]()
    for size, found in limited:
        if total > file_types.MAX_TOGETHER and all(media.replaceable for media in found):
            total -= size
            lost.update(media.path for media in found)
    if total > file_types.MAX_TOGETHER:
        path = limited[-1][1][0].path
        message = f"Images and audio of one request may have {file_types.MAX_TOGETHER >> 20} MiB together: send fewer."
        raise GatewayError(errors.FILE_TOO_LARGE, message, param=path)
    return lost


def _stem(media: Media) -> str:
    """The file's name without its directories and its extension, and without characters that end a header."""
    name = (media.name or "")[-_MAX_NAME_READ:].replace("\\", "/").rpartition("/")[2]
    before, _, after = name.rpartition(".")
    return _UNSAFE_CHARACTERS.sub("_", before or after)[:_MAX_STEM].strip() or "file"
