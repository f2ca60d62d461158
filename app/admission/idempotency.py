"""Idempotency keys: a request that comes twice is answered once, and paid once.

A worker that crashes, or gets an update twice, sends its request again with the same `Idempotency-Key`. While the first
one is being answered, the second joins it and gets the answer from its beginning; later it gets the answer that was
kept. A failure is not kept: the next request with the key is made anew. Keys belong to a tenant.
Source: IETF draft "The Idempotency-Key HTTP Header Field" (draft-ietf-httpapi-idempotency-key-header).
"""

from __future__ import annotations

import asyncio
import sys
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from time import monotonic
from typing import Protocol

from app import errors
from app.errors import GatewayError

MAX_KEY = 255  # characters
_OVERHEAD = 1024  # bytes of memory that a kept answer takes besides its own and its key's


class IdempotencyObserver(Protocol):
    """Hears what becomes of keys."""

    def key_used(self, result: str) -> None:
        """A request with a known key: `joined`, `hit` or `conflict`; `evicted`: an answer was kept no longer."""


class Recording:
    """One answer, as its client gets it, while it is being made and afterwards.

    `notes` are the values of the headers that tell what was adapted and dropped.
    """

    __slots__ = ("_changed", "digest", "expires", "fault", "is_whole", "notes", "pieces", "size")

    def __init__(self, digest: bytes, size: int = _OVERHEAD) -> None:
        self.digest = digest
        self.pieces: list[bytes] = []
        self.size = size  # bytes of memory
        self.is_whole = False
        self.fault: GatewayError | None = None
        self.notes = ("", "")
        self.expires = 0.0
        self._changed: asyncio.Future[None] | None = None  # made by the first who waits

    def add(self, piece: bytes) -> None:
        """The next bytes of the answer."""
        self.pieces.append(piece)
        self.size += len(piece)
        self._tell()

    def end(self, fault: GatewayError | None = None) -> None:
        """The answer is whole, or has failed."""
        self.is_whole, self.fault = fault is None, fault
        self._tell()

    async def follow(self) -> AsyncIterator[bytes]:
        """The bytes from the beginning, as they come. Raises the failure that ends the answer."""
        at, pieces = 0, self.pieces  # these stay as they are, though the whole answer is kept as one
        while True:
            if at < len(pieces):
                piece = b"".join(pieces[at:])
                at = len(pieces)
                yield piece
            elif self.fault is not None:
                fault = self.fault  # of each who waits its own
                raise GatewayError(
                    fault.kind, fault.message, param=fault.param, retry_after=fault.retry_after, detail=fault.detail
                )
            elif self.is_whole:
                return
            else:
                await self._wait()

    async def _wait(self) -> None:
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._changed)

    def _tell(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)
        self._changed = None


class IdempotencyStore:
    """The answers of all keys: at most `limit` bytes of them, each for `seconds` after its end.

    An answer that is being made counts too: for it kept ones go, the oldest first, and it is never let go itself.
    """

    def __init__(
        self,
        seconds: float,
        limit: int,
        observer: IdempotencyObserver,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._seconds = seconds
        self._limit = limit
        self._observer = observer
        self._clock = clock
        self._running: dict[tuple[str, str], Recording] = {}
        self._kept: OrderedDict[tuple[str, str], Recording] = OrderedDict()  # the one that ended first comes first
        self._kept_bytes = 0

    @property
    def size(self) -> int:
        """Bytes that are held now. Metrics ask for it from a thread of their own."""
        return self._kept_bytes + sum(recording.size for recording in list(self._running.values()))

    def find(self, tenant: str, key: str, digest: bytes) -> Recording | None:
        """The recording of a key; None: there is none. Raises GatewayError where the key had another request."""
        self._drop_expired()
        place = tenant, key
        recording = self._running.get(place) or self._kept.get(place)
        if recording is None:
            return None
        if recording.digest != digest:
            self._observer.key_used("conflict")
            message = "This Idempotency-Key was used with another request. Use a new key for a new request."
            raise GatewayError(errors.IDEMPOTENCY_CONFLICT, message, param="Idempotency-Key")
        self._observer.key_used("hit" if recording.is_whole else "joined")
        return recording

    def begin(self, tenant: str, key: str, digest: bytes) -> Recording:
        """A new recording: whoever makes the answer adds to it, and calls `finish`."""
        recording = self._running[tenant, key] = Recording(digest, _OVERHEAD + sys.getsizeof(key))
        return recording

    def finish(self, tenant: str, key: str, fault: GatewayError | None = None) -> None:
        """The answer of a key is whole and kept, or has failed: then the key is free."""
        recording = self._running.pop((tenant, key))
        recording.end(fault)
        if fault is not None:
            return
        if recording.size > self._limit:  # the others do not go for what finds no room even so
            self._observer.key_used("evicted")
            return
        recording.pieces = [b"".join(recording.pieces)]
        recording.expires = self._clock() + self._seconds
        self._kept[tenant, key] = recording
        self._kept_bytes += recording.size
        self._drop_expired()
        self._make_room()

    def _drop_expired(self) -> None:
        now = self._clock()
        while self._kept and next(iter(self._kept.values())).expires <= now:
            self._kept_bytes -= self._kept.popitem(last=False)[1].size

    def _make_room(self) -> None:
        room = self._limit - (self.size - self._kept_bytes)
        while self._kept and self._kept_bytes > room:
            self._kept_bytes -= self._kept.popitem(last=False)[1].size
            self._observer.key_used("evicted")


def check_key(key: str) -> None:
    """Raise GatewayError for a key that is too long."""
    if len(key) > MAX_KEY:
        message = f"The header Idempotency-Key may have {MAX_KEY} characters at most."
        raise GatewayError(errors.INVALID_VALUE, message, param="Idempotency-Key")
