"""Stores the uploaded files with their owners.

The owner of a file is an account and the `X-Client-ID` of its upload; a missing header is a separate value. A deleted
or lost file stays in the store for the control API. The number and the bytes of files are limited: the oldest are
dropped first, and bytes of deleted or lost files before those of others.

Source: docs/gigachat-api.md, "Headers" (X-Client-ID) and "Files". Assumed: `access_policy` is private, `modalities`
null.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import uuid4

KEPT = 1_000


class Owner(NamedTuple):
    """Who may use a file."""

    account: str
    client: str | None


@dataclass(slots=True)
class Upload:
    """The content of an upload. `filename` is None if it has no file. `problem`: the status and text of a refusal."""

    filename: str | None = None
    mime: str = ""
    content: bytes = b""
    sha256: str = ""
    purpose: str | None = None
    problem: tuple[int, str] | None = None

    def describe(self) -> dict[str, Any]:
        """The upload as JSON for the record. A file that was not read completely has neither size nor hash."""
        size = len(self.content) if self.sha256 else None
        return {
            "filename": self.filename,
            "mime": self.mime,
            "bytes": size,
            "sha256": self.sha256 or None,
            "purpose": self.purpose,
        }


@dataclass(slots=True)
class StoredFile:
    """A file. `deleted`: by its owner; `lost`: by the server. `content` is empty after it was dropped to make room."""

    id: str
    owner: Owner
    filename: str
    mime: str
    purpose: str
    size: int
    sha256: str
    created: int
    content: bytes
    deleted: bool = False
    lost: bool = False

    @property
    def is_gone(self) -> bool:
        """Whether the file is deleted or lost."""
        return self.deleted or self.lost

    def describe(self) -> dict[str, Any]:
        """The file as JSON for the API."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": self.size,
            "created_at": self.created,
            "filename": self.filename,
            "purpose": self.purpose,
            "access_policy": "private",
            "modalities": None,
        }

    def describe_for_control(self) -> dict[str, Any]:
        """The file as JSON for the control API."""
        return {
            "id": self.id,
            "filename": self.filename,
            "mime": self.mime,
            "bytes": self.size,
            "sha256": self.sha256,
            "purpose": self.purpose,
            "account": self.owner.account,
            "client_id": self.owner.client,
            "created_at": self.created,
            "deleted": self.deleted,
            "lost": self.lost,
        }


class FileStore:
    """The last files, oldest first. `room`: the most bytes of content to hold."""

    __slots__ = ("_files", "_room")

    def __init__(self, room: int) -> None:
        self._room = room
        self._files: dict[str, StoredFile] = {}

    def __iter__(self) -> Iterator[StoredFile]:
        return iter(self._files.values())

    @property
    def held(self) -> int:
        """The bytes of content in the store."""
        return sum(len(file.content) for file in self)

    def keep(self, owner: Owner, upload: Upload, created: int) -> StoredFile:
        """Store a file. Older files are dropped if there is no room."""
        file = StoredFile(
            id=str(uuid4()),
            owner=owner,
            filename=upload.filename or "",
            mime=upload.mime,
            purpose=upload.purpose or "",
            size=len(upload.content),
            sha256=upload.sha256,
            created=created,
            content=upload.content,
        )
        self._make_room(file.size)
        self._files[file.id] = file
        return file

    def get(self, name: str) -> StoredFile | None:
        """The file with this id, even if it is deleted or lost."""
        return self._files.get(name)

    def of(self, owner: Owner) -> list[StoredFile]:
        """The files of an owner that are neither deleted nor lost."""
        return [file for file in self if file.owner == owner and not file.is_gone]

    def forget(self, name: str | None = None) -> int:
        """Lose one file, or all files. Returns how many were lost."""
        lost = [file for file in self if name in (None, file.id) and not file.is_gone]
        for file in lost:
            file.lost = True
        return len(lost)

    def _make_room(self, size: int) -> None:
        while len(self._files) >= KEPT:
            del self._files[next(iter(self._files))]
        held = self.held + size
        for file in sorted(self, key=lambda one: not one.is_gone):
            if held <= self._room:
                return
            held -= len(file.content)
            file.content = b""
            file.lost = not file.deleted
