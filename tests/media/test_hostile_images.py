"""Images that are none, or are made to take all time and memory there is: refused, and soon."""

from __future__ import annotations

import asyncio
import threading
import time
import tracemalloc
from functools import partial

import pytest
from PIL import Image

from app.media import images
from app.media.failure import MediaError
from app.media.images import check, converted
from tests.media import files

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
            await converted(NO_IMAGE[name], LIMIT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.reason == "unsupported"
    assert "PIL" not in str(caught.value)
    assert peak < 10 * 2**20
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("form", ["WEBP", "GIF", "HEIF", "AVIF", "PNG", "JPEG", "BMP", "TIFF"])
async def test_truncated(form: str) -> None:
    """Half an image is no image, in any format."""
    data = files.saved(files.picture(size=(200, 150)).effect_spread(20), form)
    for part in (2, 10):
        with pytest.raises(MediaError) as caught:
            await converted(data[: len(data) // part], LIMIT)
        assert caught.value.reason == "unsupported"


def pixels(count: int) -> bytes:
    """A black PNG of so many pixels, a thousand wide."""
    return files.saved(Image.new("1", (1000, count // 1000)), "PNG")


async def test_pixels() -> None:
    """A large photo passes, a larger one doesn't."""
    await check(pixels(50_000_000), "image/png")
    with pytest.raises(MediaError):
        await check(pixels(50_001_000), "image/png")


async def test_bounded_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind images that take for ever, the next one gives up, which is no fault of its own; later all goes on."""
    monkeypatch.setattr(images, "_SECONDS", 0.1)
    done = threading.Event()
    busy = [asyncio.ensure_future(images._off_the_loop(done.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    try:
        with pytest.raises(MediaError, match="Try again") as caught:
            await check(files.photo("PNG"), "image/png")
        assert caught.value.reason == "busy"
        results = await asyncio.gather(*busy, return_exceptions=True)
    finally:
        done.set()
    assert [getattr(result, "reason", None) for result in results] == ["unsupported"] * 2
    monkeypatch.setattr(images, "_SECONDS", 10)
    await check(files.photo("PNG"), "image/png")


async def test_the_wait_takes_nothing_of_an_images_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that comes to its turn late has as long as any; whoever left before its turn costs no work."""
    monkeypatch.setattr(images, "_SECONDS", 2)
    done: list[str] = []

    def last() -> None:
        time.sleep(1.2)
        done.append("late")

    work = [asyncio.ensure_future(images._off_the_loop(partial(time.sleep, 1.2))) for _ in range(2)]
    await asyncio.sleep(0)
    gone = asyncio.ensure_future(images._off_the_loop(partial(done.append, "gone")))
    late = asyncio.ensure_future(images._off_the_loop(last))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(*work, late)
    assert done == ["late"]


async def test_a_large_image_behind_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a thread it waits for the other's memory to be free: not for ever, and that is no fault of its own either."""
    monkeypatch.setattr(images, "_SECONDS", 2)
    with images._LARGE, pytest.raises(MediaError, match="Try again") as caught:
        await check(pixels(17_000_000), "image/png")
    assert caught.value.reason == "busy"
    monkeypatch.setattr(images, "_SECONDS", 10)
    await check(pixels(17_000_000), "image/png")
