"""The index of files at GigaChat: by content, by id, and those that are to be deleted. It does no I/O and has no clock.

A file is current from its upload on: requests with the same content get it. When it was not used for long, was lost or
was uploaded anew, no request gets it by its content any more, and it is to be deleted. A pinned file is in use: it is
not deleted before its last pin is gone. Once it is deleted, the index does not know its id any more.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from app.translate.dialogue import Uploaded

# Above this number of current files, the one that was not used for the longest time is to be deleted.
MAX_FILES = 10_000


class UploadKey(NamedTuple):
    """Whose file it is, and its content: `client` and `digest` are hashes in hex."""

    credential: str
    client: str
    digest: str


@dataclass(slots=True, eq=False)
class UploadedFile:
    """A file at GigaChat. `used` is the Unix time of its last use, `pins` counts the requests that use it now."""

    key: UploadKey
    file: Uploaded
    used: float
    pins: int = 0


class UploadedFiles:
    """The files at GigaChat that were uploaded here. At most one is current for a key."""

    def __init__(self, max_files: int = MAX_FILES) -> None:
        self._max_files = max_files
        self._current: OrderedDict[UploadKey, UploadedFile] = OrderedDict()  # the least recently used one first
        self._to_delete: list[UploadedFile] = []
        self._by_id: dict[str, UploadedFile] = {}  # current ones, and those to be deleted

    def add(self, added: UploadedFile) -> None:
        """Make a file current. An older file of its key is to be deleted, and one file if there are too many."""
        older = self._current.get(added.key)
        if older is not None:
            self.retire(older)
        self._current[added.key] = added
        self._by_id[added.file.id] = added
        if len(self._current) > self._max_files:
            surplus = next((file for file in self._current.values() if not file.pins and file is not added), None)
            if surplus is not None:
                self.retire(surplus)

    def find(self, file_id: str) -> UploadedFile | None:
        """The file with this id, current or to be deleted."""
        return self._by_id.get(file_id)

    def is_current(self, file: UploadedFile) -> bool:
        """Whether requests with the same content get this file."""
        return self._current.get(file.key) is file

    def pin(self, key: UploadKey) -> UploadedFile | None:
        """The current file of a key, which is now in use."""
        file = self._current.get(key)
        if file is not None:
            self._current.move_to_end(key)
            file.pins += 1
        return file

    def unpin(self, file: UploadedFile, now: float) -> None:
        """One request uses a file no longer. `now` is Unix time."""
        file.pins -= 1
        file.used = now

    def retire(self, file: UploadedFile) -> None:
        """From now on no request gets this file by its content: it is to be deleted."""
        if self.is_current(file):
            del self._current[file.key]
            self._to_delete.append(file)

    def take_deletable(self, used_before: float) -> list[UploadedFile]:
        """Hand over the files that may be deleted now, to be deleted from the end of the list.

        Current files become deletable if they were last used before this Unix time. Pinned files stay. The caller
        removes each file that it has deleted, and puts back the others.
        """
        for file in [file for file in self._current.values() if file.used < used_before and not file.pins]:
            self.retire(file)
        deletable = [file for file in self._to_delete if not file.pins]
        self._to_delete = [file for file in self._to_delete if file.pins]
        return deletable

    def put_back(self, files: Iterable[UploadedFile]) -> None:
        """These were handed over and are not deleted yet."""
        self._to_delete += files

    def remove(self, file: UploadedFile) -> None:
        """A file that was handed over is deleted: its id is not known any more."""
        self._by_id.pop(file.file.id, None)
