"""Requests that send the same file at the same time: who waits, who starts, what a failure and a departure mean."""

from __future__ import annotations

import asyncio

import pytest

from app import errors
from app.admission.memory import Memory, Reservation
from app.errors import GatewayError
from app.exchange.failures import FileFailure
from app.exchange.uploaded_files import UploadedFile, UploadKey
from app.exchange.uploads_under_way import MAX_JOINED, PendingFile, PreparedFile, UploadsUnderWay
from app.translate.dialogue import Uploaded
from app.upstream.failures import Refused
from app.upstream.forms import Form
from tests.running import eventually, no_longer_than

KEY = UploadKey("bot", "client", "digest")
FILE = UploadedFile(KEY, Uploaded("id", "image"), 0.0)
FAILURES = [FileFailure("a", Refused(500, b"", None)), GatewayError(errors.OVERLOADED, "Too many images.")]
LIMIT, SIZE = 100_000, 1000


class Slot:
    """A lease that counts its holders besides the requests."""

    def __init__(self) -> None:
        self.holders = 0

    def share(self) -> None:
        """One more."""
        self.holders += 1

    def end(self) -> None:
        """One less."""
        self.holders -= 1


class Uploading:
    """Requests that send one file. Each of their uploads lasts until this test ends it."""

    def __init__(self, *, has_begun: bool = True) -> None:
        self.under_way = UploadsUnderWay()
        self.memory = Memory(LIMIT)
        self.slot = Slot()
        self.has_begun = has_begun
        self.file: UploadedFile | None = None
        self.uploads: list[asyncio.Future[None]] = []  # one for each upload that was started

    def request(self) -> asyncio.Task[UploadedFile]:
        """Another request that sends the file."""
        pending = PendingFile(self._prepare, self._hand_over, lambda: self.has_begun)
        return asyncio.create_task(self.under_way.bring(KEY, pending, lambda: self.file, self._upload, self.slot))

    async def requests(self, count: int) -> list[asyncio.Task[UploadedFile]]:
        """So many requests, which are waiting now."""
        tasks = [self.request() for _ in range(count)]
        await asyncio.sleep(0.01)
        return tasks

    async def _prepare(self) -> PreparedFile:
        return PreparedFile(Form("a.png", "image/png", b""), None)

    def _hand_over(self) -> Reservation:
        share = self.memory.reserve()
        share.take(SIZE)
        return share.hand_over(SIZE)

    async def _upload(self) -> None:
        end = asyncio.get_running_loop().create_future()
        self.uploads.append(end)
        await end
        self.file = FILE


async def test_one_upload_serves_all() -> None:
    """Those that come at the same time, and those that come later; its bytes count once."""
    uploading = Uploading()
    requests = await uploading.requests(3)
    assert (len(uploading.uploads), uploading.memory.left) == (1, LIMIT - SIZE)
    uploading.uploads[0].set_result(None)
    assert await asyncio.gather(*requests, uploading.request()) == [FILE] * 4
    assert (len(uploading.uploads), uploading.memory.left) == (1, LIMIT)


@pytest.mark.parametrize("failure", FAILURES, ids=["upload", "preparation"])
async def test_a_failure_is_the_starters_alone(failure: Exception) -> None:
    """The others share the next upload."""
    uploading = Uploading()
    first, *others = await uploading.requests(3)
    uploading.uploads[0].set_exception(failure)
    await eventually(lambda: len(uploading.uploads) == 2)
    with pytest.raises(type(failure)):
        await first
    uploading.uploads[1].set_result(None)
    assert await asyncio.gather(*others) == [FILE, FILE]
    await eventually(lambda: uploading.memory.left == LIMIT)


async def test_failures_do_not_queue() -> None:
    """A request joins so many uploads that fail, and then starts its own beside all others."""
    uploading = Uploading()
    requests = await uploading.requests(10)
    for number in range(MAX_JOINED):
        assert len(uploading.uploads) == number + 1
        uploading.uploads[number].set_exception(FAILURES[0])
        await asyncio.sleep(0.01)
    assert len(uploading.uploads) == 10
    for end in uploading.uploads[MAX_JOINED:]:
        end.set_exception(FAILURES[0])
    assert await asyncio.gather(*requests, return_exceptions=True) == [FAILURES[0]] * 10
    await eventually(lambda: uploading.memory.left == LIMIT)


async def test_an_upload_that_has_failed_is_not_joined() -> None:
    """Who comes in the very turn of the loop in which it fails starts its own: the loop must not spin for it."""
    uploading = Uploading()
    (first,) = await uploading.requests(1)
    uploading.uploads[0].set_exception(FAILURES[0])
    second = uploading.request()
    with no_longer_than(5):
        await eventually(lambda: len(uploading.uploads) == 2)
    uploading.uploads[1].set_exception(FAILURES[1])
    assert list(await asyncio.gather(first, second, return_exceptions=True)) == FAILURES


async def test_an_upload_goes_on_without_its_requests() -> None:
    """Once its file's turn has come: what GigaChat has got must be known. Its bytes count until it ends."""
    uploading = Uploading()
    for request in await uploading.requests(2):
        request.cancel()
    await asyncio.sleep(0.01)
    assert (uploading.uploads[0].done(), uploading.memory.left) == (False, LIMIT - SIZE)
    (late,) = await uploading.requests(1)
    uploading.uploads[0].set_result(None)
    assert (await late, len(uploading.uploads)) == (FILE, 1)
    await eventually(lambda: uploading.memory.left == LIMIT)


async def test_an_upload_whose_turn_has_not_come_ends_with_its_last_request() -> None:
    """Not with the first one; who comes after the end starts anew."""
    uploading = Uploading(has_begun=False)
    first, second = await uploading.requests(2)
    first.cancel()
    await asyncio.sleep(0.01)
    assert not uploading.uploads[0].done()
    second.cancel()
    third = uploading.request()
    await eventually(lambda: len(uploading.uploads) == 2 and uploading.uploads[0].cancelled())
    assert uploading.memory.left == LIMIT - SIZE
    uploading.uploads[1].set_result(None)
    assert await third is FILE


async def test_at_the_end_all_are_cancelled() -> None:
    """Those that were joined, those that several requests started for one file, and their memory is free."""
    uploading = Uploading()
    await uploading.requests(5)
    for number in range(MAX_JOINED):
        uploading.uploads[number].set_exception(FAILURES[0])
        await asyncio.sleep(0.01)
    await uploading.under_way.stop()
    await eventually(lambda: uploading.memory.left == LIMIT)
    assert len(uploading.uploads) == 5
    assert all(end.cancelled() for end in uploading.uploads[MAX_JOINED:])
