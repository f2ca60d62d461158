"""Checks images that GigaChat accepts, and converts other images to JPEG or PNG.

The bytes come from a client, and decoders are large C libraries. So each file is decoded in a separate process with
limited memory and time (`worker`), one at a time. If that process fails in any way, the file is refused.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from typing import NamedTuple
from weakref import WeakKeyDictionary

from app.media.child import Child, ChildResult
from app.media.failure import MediaError, NoProcess
from app.media.fair_queue import FairQueue
from app.media.structure import MAX_PIXELS

# How long an image may wait for its turn.
WAIT_SECONDS = 30.0
# The process may use 1.8 s of CPU time. On a busy machine this takes longer by the clock.
PROCESS_SECONDS = 10.0
_SUCCESS_VERDICTS = {"check": "passed", "convert": "converted"}

_UNREADABLE = (
    "The image can't be read: it is damaged, cut off, of an unknown kind, "
    f"or has more than {MAX_PIXELS // 1_000_000} million pixels."
)
_OUT_OF_TIME = "The image took too long to be read: send a smaller one."
_TOO_MANY_PIXELS = (
    "The image has {0} million pixels, which are too many to be converted from this format: "
    "send a JPEG or PNG, or a smaller one."
)
_BUSY = "The gateway has too many images to read at once. Try again shortly."


class ConvertedImage(NamedTuple):
    """A converted image. `note` is "first_frame" if only the first frame of an animation was kept, else None."""

    data: bytes
    mime: str
    note: str | None


def _ignore_turn() -> None:
    """Do nothing."""


def can_convert() -> bool:
    """Whether images can be converted: this needs Pillow."""
    return find_spec("PIL") is not None


async def convert(
    data: bytes, limit: int, party: str = "", on_turn: Callable[[], None] = _ignore_turn
) -> ConvertedImage:
    """Convert an image to JPEG, or to PNG if it has transparency and the PNG has at most `limit` bytes.

    The image is rotated as its EXIF says, and other metadata are removed. A very large image is output smaller. Parties
    take turns, and `on_turn` is called when the turn of this image has come. Raises MediaError: "unsupported" if the
    image cannot be read or Pillow is missing; "too_large" if even the JPEG of lowest quality exceeds the limit, or the
    image has too many pixels; "busy" if its turn did not come in time.
    """
    if not can_convert():
        raise MediaError("unsupported", "This gateway does not convert images: send a JPEG or PNG.")
    reply, output = await _run_task("convert", data, "-", limit, party, on_turn)
    return ConvertedImage(output, reply["mime"], reply["note"] or None)


async def check(data: bytes, mime: str, party: str = "", on_turn: Callable[[], None] = _ignore_turn) -> None:
    """Check that a JPEG, PNG, TIFF or BMP is complete and safe to send on unchanged. Parties take turns.

    Raises MediaError: "unsupported" if the image is truncated, unreadable or a decompression bomb; "busy" if its turn
    did not come in time.
    """
    await _run_task("check", data, mime, 0, party, on_turn)


async def _run_task(
    task: str, data: bytes, mime: str, limit: int, party: str, on_turn: Callable[[], None]
) -> tuple[dict[str, str], bytes]:
    """Run a task on one file in a process. Returns its reply and its output. Raises MediaError."""
    library = "pillow" if can_convert() else "-"
    try:
        async with find_queue().turn(party, WAIT_SECONDS):
            on_turn()
            result = await _run_child([task, str(len(data)), mime, str(limit), library], data, limit)
    except TimeoutError:
        raise MediaError("busy", _BUSY) from None
    except OSError as fault:
        raise NoProcess(_BUSY, fault) from fault
    return read_verdict(result, _SUCCESS_VERDICTS[task], limit)


async def _run_child(arguments: list[str], data: bytes, max_bytes: int) -> ChildResult:
    """Run one process with a time limit. It is killed if this task is cancelled. Raises OSError if it cannot start."""
    child = Child()
    try:
        future = asyncio.get_running_loop().run_in_executor(executor(), child.run, arguments, data, max_bytes)
    except RuntimeError as fault:  # no thread can be started; the work stays queued, so it must find the child killed
        child.kill()
        raise OSError(str(fault)) from fault
    try:
        return await asyncio.wait_for(asyncio.shield(future), PROCESS_SECONDS)
    except TimeoutError:
        return ChildResult(signal=signal.SIGKILL)
    finally:
        child.kill()
        future.add_done_callback(_retrieve_exception)


def _retrieve_exception(future: asyncio.Future[ChildResult]) -> None:
    """Retrieve the exception of a future that nobody awaits any more, so that asyncio logs no warning."""
    if not future.cancelled():
        future.exception()


def read_verdict(result: ChildResult, wanted: str, limit: int) -> tuple[dict[str, str], bytes]:
    """Read the reply of a process. An attacker may control the process, so nothing in the reply is trusted."""
    if not result.started:
        raise NoProcess(_BUSY, OSError("the program that reads images does not start"))
    output = result.output
    try:
        reply = json.loads(result.reply)
        verdict, pixels = reply["verdict"], int(reply.get("pixels", 0))
        mime, note = reply.get("mime", ""), reply.get("note", "")
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        raise MediaError("unsupported", _OUT_OF_TIME if result.out_of_time else _UNREADABLE, result.detail) from None
    if verdict == "too_many_pixels":
        raise MediaError("too_large", _TOO_MANY_PIXELS.format(round(pixels / 1_000_000)))
    if verdict == "too_large":
        raise MediaError(
            "too_large", f"The image is larger than {limit / 2**20:.3g} MB as a JPEG too: send a smaller one."
        )
    fits = 0 < len(output) <= limit and mime in ("image/jpeg", "image/png")
    if verdict != wanted or (verdict == "converted" and not fits):
        raise MediaError("unsupported", _UNREADABLE)
    return {"mime": mime, "note": "first_frame" if note else ""}, output


@cache
def executor() -> ThreadPoolExecutor:
    """The thread that starts processes and waits for them: their pipes block."""
    return ThreadPoolExecutor(1, thread_name_prefix="media-images")


_queues: WeakKeyDictionary[asyncio.AbstractEventLoop, FairQueue] = WeakKeyDictionary()


def find_queue() -> FairQueue:
    """The queue of this event loop."""
    return _queues.setdefault(asyncio.get_running_loop(), FairQueue())
