"""Images that are none, or are made to take all time and memory there is: refused, and soon."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
import tracemalloc

import pytest
from PIL import Image

from app.media import images
from app.media.child import ChildResult
from app.media.failure import MediaError, NoProcess
from app.media.images import check, convert
from tests.media import files
from tests.media.crafted import png
from tests.resident import descendants
from tests.running import eventually

LIMIT = 15 * 2**20
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
NO_IMAGE = {
    "nothing": b"",
    "text": b"This is no image.",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "postscript": POSTSCRIPT,
    "pdf": files.PDF,
    "icon": files.saved(files.picture(), "ICO"),
    "jpeg 2000": files.saved(files.picture(), "JPEG2000"),
    "portable pixmap": files.saved(files.picture(), "PPM"),
    "png bomb": files.bomb(),
    "gif bomb": b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(6) + b",\0\0\0\0\xff\xff\xff\xff\0\x02\x02L\x01\0;",
    "bmp bomb": files.photo("BMP")[:18] + b"\0\0\1\0\0\0\1\0" + files.photo("BMP")[26:],
    "slow jpeg": files.photo("JPEG")[:-2] + b"\xff\xda\0\2" * 200 + b"\xff\xd9",
}


@pytest.mark.parametrize("name", NO_IMAGE)
async def test_no_image(name: str) -> None:
    """What is no image, what Pillow could read and should not, and what is made to break something: refused at once."""
    begun = time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(MediaError) as caught:
            await convert(NO_IMAGE[name], LIMIT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.reason == "unsupported"
    assert "PIL" not in str(caught.value)
    assert peak < 10 * 2**20
    assert time.monotonic() - begun < 5


@pytest.mark.samples("WEBP", "JPEG")
@pytest.mark.parametrize("form", ["WEBP", "GIF", "HEIF", "AVIF", "PNG", "JPEG", "BMP", "TIFF"])
async def test_truncated(form: str) -> None:
    """Half an image is no image, in any format."""
    data = files.saved(files.picture(size=(200, 150)).effect_spread(20), form)
    for part in (2, 10):
        with pytest.raises(MediaError) as caught:
            await convert(data[: len(data) // part], LIMIT)
        assert caught.value.reason == "unsupported"


def pixels(count: int) -> bytes:
    """A black PNG of so many pixels, a thousand wide."""
    return files.saved(Image.new("1", (1000, count // 1000)), "PNG")


@pytest.mark.long
async def test_pixels() -> None:
    """A large photo passes, a larger one doesn't."""
    await check(pixels(50_000_000), "image/png")
    with pytest.raises(MediaError):
        await check(pixels(50_001_000), "image/png")


@pytest.fixture(scope="module")
def slow() -> bytes:
    """A whole PNG that takes most of a second to be looked at."""
    return png(6000, 6000)


async def test_bounded_wait(slow: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a slow image the next one gives up, which is no fault of its own; later all goes on."""
    monkeypatch.setattr(images, "WAIT_SECONDS", 0.05)
    first = asyncio.create_task(check(slow, "image/png"))
    await asyncio.sleep(0)
    with pytest.raises(MediaError, match="Try again") as caught:
        await check(files.photo("PNG"), "image/png")
    assert caught.value.reason == "busy"
    await first
    await check(files.photo("PNG"), "image/png")


async def test_an_image_that_takes_too_long(slow: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process is killed, and the next image has one of its own."""
    monkeypatch.setattr(images, "PROCESS_SECONDS", 0.2)
    with pytest.raises(MediaError, match="too long") as caught:
        await check(slow, "image/png")
    assert caught.value.reason == "unsupported"
    await eventually(lambda: descendants(os.getpid()) == [])
    monkeypatch.setattr(images, "PROCESS_SECONDS", 10)
    await check(files.photo("PNG"), "image/png")


async def test_whoever_leaves(slow: bytes) -> None:
    """The process of one that has left is killed; one that left before its turn never has any."""
    first = asyncio.create_task(check(slow, "image/png"))
    turns: list[str] = []
    gone = asyncio.create_task(check(slow, "image/png", on_turn=lambda: turns.append("gone")))
    await eventually(lambda: bool(descendants(os.getpid())))
    gone.cancel()
    await asyncio.sleep(0)
    first.cancel()
    begun = time.monotonic()
    await check(files.photo("PNG"), "image/png", on_turn=lambda: turns.append("next"))
    assert turns == ["next"]
    assert time.monotonic() - begun < 5
    await eventually(lambda: descendants(os.getpid()) == [])


@pytest.mark.long
async def test_parties_take_turns(slow: bytes) -> None:
    """Another party's image comes second, though twenty of the first party have come before it."""
    order: list[str] = []
    small = files.photo("PNG")
    many = [asyncio.create_task(check(slow, "image/png", "a", lambda: order.append("slow")))]
    many += [asyncio.create_task(check(small, "image/png", "a", lambda: order.append("a"))) for _ in range(20)]
    await asyncio.sleep(0)
    await check(small, "image/png", "b", lambda: order.append("b"))
    assert order.index("b") <= 2
    await asyncio.gather(*many)
    assert order.count("a") == 20


@pytest.mark.parametrize("program", ["/nonexistent/python", "/bin/false"])
async def test_no_process_can_be_started(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is no fault of the image, and whoever operates the gateway can be told."""
    monkeypatch.setattr(sys, "executable", program)
    with pytest.raises(MediaError, match="Try again") as caught:
        await check(files.photo("PNG"), "image/png")
    assert caught.value.reason == "busy"
    assert isinstance(caught.value, NoProcess)


async def test_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container at its limit of processes has none for a thread either; later all goes on."""

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    images.executor.cache_clear()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(MediaError, match="Try again") as caught:
            await check(files.photo("PNG"), "image/png")
    assert isinstance(caught.value, NoProcess)
    await check(files.photo("PNG"), "image/png")


@pytest.mark.parametrize(
    "ended",
    [
        ChildResult(b""),
        ChildResult(b"text"),
        ChildResult(b"[" * 1023),
        ChildResult(b"\xff"),
        ChildResult(b'{"verdict":["converted"],"pixels":"x"}'),
        ChildResult(b'{"verdict":{},"mime":[],"note":{}}', b"made"),
        ChildResult(signal=40),
        ChildResult(signal=signal.SIGSEGV),
        ChildResult(b"[]"),
        ChildResult(b"{}"),
        ChildResult(b'{"verdict":"passed"}', b"made"),
        ChildResult(b'{"verdict":"converted","mime":"text/html","note":""}', b"made"),
        ChildResult(b'{"verdict":"converted","mime":"image/png","note":""}', bytes(101)),
        ChildResult(b'{"verdict":"converted","mime":"image/png","note":""}'),
        ChildResult(b'{"verdict":"too_many_pixels","pixels":1e999}'),
    ],
)
def test_a_decoder_that_was_taken_over(ended: ChildResult) -> None:
    """It may write what it likes: all that it can bring about is that its own file is refused."""
    with pytest.raises(MediaError) as caught:
        images.read_verdict(ended, "converted", 100)
    assert caught.value.reason == "unsupported"
