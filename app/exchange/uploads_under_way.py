"""Uploads under way: requests that send the same file at the same time wait for one upload.

An upload whose file waits for its turn to be read ends when the last request that waits for it leaves. Later it goes
on without them: the gateway must know what GigaChat has got. Its bytes count against the memory until it ends.

When an upload fails, the request that started it fails. The failure says nothing about the requests that joined it:
each of them joins another upload or starts its own. After it has joined `MAX_JOINED` uploads that failed, a request
starts its own in any case, so that many requests do not fail one after another for minutes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, Protocol

from app import errors
from app.admission.memory import Reservation
from app.errors import GatewayError
from app.exchange.failures import FileFailure
from app.exchange.uploaded_files import UploadedFile, UploadKey
from app.upstream.forms import Form

MAX_JOINED = 2


class HeldSlot(Protocol):
    """A lease, of which nothing else counts here."""

    def share(self) -> None:
        """One more holder."""

    def end(self) -> None:
        """A holder needs it no longer."""


class PreparedFile(NamedTuple):
    """A file in the form that GigaChat takes. `note` is the name of the rule that says what was lost."""

    form: Form
    note: str | None


class PendingFile(NamedTuple):
    """A file that is to be uploaded.

    `prepare` makes what is uploaded. `hand_over` moves the memory of its bytes to the upload. `has_begun` says whether
    the file's turn to be read has come.
    """

    prepare: Callable[[], Awaitable[PreparedFile]]
    hand_over: Callable[[], Reservation]
    has_begun: Callable[[], bool] = lambda: True


@dataclass(slots=True, eq=False)
class _Upload:
    """An upload, and how many requests wait for it."""

    key: UploadKey
    task: asyncio.Task[None]
    has_begun: Callable[[], bool] = field(repr=False)
    waiting: int = 0


class UploadsUnderWay:
    """The uploads that have not ended."""

    def __init__(self) -> None:
        self._all: set[_Upload] = set()
        self._joinable: dict[UploadKey, _Upload] = {}  # the last one of each file

    async def bring(
        self,
        key: UploadKey,
        pending: PendingFile,
        find: Callable[[], UploadedFile | None],
        upload: Callable[[], Coroutine[Any, Any, None]],
        lease: HeldSlot,
    ) -> UploadedFile:
        """What `find` gives, once there is such a file; until then wait for an upload, or start one.

        `upload` makes the coroutine that uploads the file, so that `find` finds it. It holds the slot of `lease` until
        its end, whether the request waits for it or not. Raises what that raises: FileFailure, GatewayError.
        """
        failed = 0
        while (file := find()) is None:
            joined = self._find_joinable(key) if failed < MAX_JOINED else None
            one = joined or self._start(key, pending, upload(), lease)
            try:
                await self._wait(one)
            except (FileFailure, GatewayError):
                if joined is None:
                    raise
                failed += 1
        return file

    async def stop(self) -> None:
        """Cancel all uploads."""
        tasks = [one.task for one in self._all]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _find_joinable(self, key: UploadKey) -> _Upload | None:
        """An upload of this file that has not ended: waiting for an ended one returns at once, and would loop."""
        one = self._joinable.get(key)
        return None if one is None or one.task.done() else one

    def _start(self, key: UploadKey, pending: PendingFile, work: Coroutine[Any, Any, None], lease: HeldSlot) -> _Upload:
        one = _Upload(key, asyncio.create_task(work, name="upload"), pending.has_begun)
        self._all.add(one)
        self._joinable[key] = one
        lease.share()
        one.task.add_done_callback(partial(self._end, one, pending.hand_over(), lease))
        return one

    async def _wait(self, one: _Upload) -> None:
        """Wait for an upload. The last request to leave cancels it if the file's turn has not come."""
        one.waiting += 1
        try:
            await asyncio.shield(one.task)
        finally:
            one.waiting -= 1
            if not one.waiting and not one.has_begun() and not one.task.done():
                one.task.cancel()
                self._forbid_joining(one)

    def _end(self, one: _Upload, memory: Reservation, lease: HeldSlot, task: asyncio.Task[None]) -> None:
        memory.give(memory.taken)
        lease.end()
        self._all.discard(one)
        self._forbid_joining(one)
        # Reading the exception also keeps asyncio from reporting it where every request has left.
        if not task.cancelled() and (fault := task.exception()) is not None:
            errors.drop_frames(fault)

    def _forbid_joining(self, one: _Upload) -> None:
        if self._joinable.get(one.key) is one:
            del self._joinable[one.key]
