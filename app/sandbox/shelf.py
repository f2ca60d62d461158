"""The files that this server holds: whose they are, and which of them are gone.

A file belongs to an account together with the `X-Client-ID` that it came with; no such header is a value of its own.
A deleted or lost file stays on the list for the control side. Bytes and entries are bounded: the oldest go first,
those of files that are gone before others.

Source: gigachat-api, sections 3.1 (X-Client-ID) and 3.7. Assumed: `access_policy` is private, `modalities` null.
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
    """What an upload brought; `filename` is None without a file, `problem` is the status and the words of a refusal."""

    filename: str | None = None
    mime: str = ""
    content: bytes = b""
    sha256: str = ""
    purpose: str | None = None
    problem: tuple[int, str] | None = None

    def shown(self) -> dict[str, Any]:
        """The upload as the record tells it; a file that was not read to its end has neither size nor hash."""
        size = len(self.content) if self.sha256 else None
        return {
            "filename": self.filename,
            "mime": self.mime,
            "bytes": size,
            "sha256": self.sha256 or None,
            "purpose": self.purpose,
        }


@dataclass(slots=True)
class Stored:
    """A file: `deleted` by its owner, or `lost` by the server; `content` is empty when there was no more room."""

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
    def gone(self) -> bool:
        """Is there no such file any more?"""
        return self.deleted or self.lost

    def shown(self) -> dict[str, Any]:
        """The file as the API tells it."""
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

    def told(self) -> dict[str, Any]:
        """The file as the control side tells it."""
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


class Shelf:
    """The last files, oldest first, and the bytes of as many as there is room for."""

    __slots__ = ("_files", "_room")

    def __init__(self, room: int) -> None:
        self._room = room
        self._files: dict[str, Stored] = {}

    def __iter__(self) -> Iterator[Stored]:
        return iter(self._files.values())

    @property
    def held(self) -> int:
        """The bytes that are held now."""
        return sum(len(file.content) for file in self)

    def keep(self, owner: Owner, upload: Upload, created: int) -> Stored:
        """Put a file on the shelf; older ones give way."""
        file = Stored(
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
        self._give_way(file.size)
        self._files[file.id] = file
        return file

    def get(self, name: str) -> Stored | None:
        """The file of this id, be it gone or not."""
        return self._files.get(name)

    def of(self, owner: Owner) -> list[Stored]:
        """The files that an owner has."""
        return [file for file in self if file.owner == owner and not file.gone]

    def forget(self, name: str | None = None) -> int:
        """Lose one file, or all of them; give how many were lost."""
        lost = [file for file in self if name in (None, file.id) and not file.gone]
        for file in lost:
            file.lost = True
        return len(lost)

    def _give_way(self, size: int) -> None:
        while len(self._files) >= KEPT:
            del self._files[next(iter(self._files))]
        held = self.held + size
        for file in sorted(self, key=lambda one: not one.gone):
            if held <= self._room:
                return
            held -= len(file.content)
            file.content = b""
            file.lost = not file.deleted
