"""Files that are made to take memory and time, sent to a gateway in a process of its own: figures by attack."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import pytest

from tests.attaching import document, image, showing
from tests.media import files
from tests.media.crafted import ATTACKS, png
from tests.resident import MB, descendants, watching
from tests.running import Process, eventually

# What is promised of any file. Of the two seconds by the clock there are more, where others use the machine as well.
MOST_GROWTH, MOST_SECONDS = 150 * MB, 10.0
PHOTO = files.photo("JPEG")


@dataclass
class Seen:
    """What one request with a file cost, and what others saw of it."""

    status: int = 0
    code: str | None = None
    seconds: float = 0.0
    growth: int = 0
    alive_seconds: float = 0.0

    def __str__(self) -> str:
        """For people who read the figures."""
        return (
            f"{self.status} {self.code or ''} in {self.seconds:.2f} s, +{self.growth / MB:.0f} MB, "
            f"/livez within {self.alive_seconds * 1000:.0f} ms"
        )


@asynccontextmanager
async def probing(http: aiohttp.ClientSession, url: str) -> AsyncIterator[list[float]]:
    """Ask whether the gateway is alive again and again; the seconds that it took each time."""
    times: list[float] = []

    async def probe() -> None:
        while True:
            begun = time.monotonic()
            async with http.get(url + "/livez") as response:
                assert response.status == 200
            times.append(time.monotonic() - begun)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(probe())
    try:
        yield times
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def post(
    http: aiohttp.ClientSession, url: str, *data: bytes, part: Callable[[bytes], dict[str, Any]] = image
) -> tuple[int, str | None]:
    """Status and error code of a chat with these files."""
    body = orjson.dumps(showing(*map(part, data)))
    async with http.post(url + "/v1/chat/completions", data=io.BytesIO(body)) as response:
        answer = await response.json()
        return response.status, answer["error"]["code"] if "error" in answer else None


async def attack(http: aiohttp.ClientSession, served: Process, *data: bytes) -> Seen:
    """Send files; what it cost."""
    seen = Seen()
    async with probing(http, served.url) as times:
        with watching(served.popen.pid) as watch:
            begun = time.monotonic()
            seen.status, seen.code = await post(http, served.url, *data)
            seen.seconds = time.monotonic() - begun
    seen.growth, seen.alive_seconds = watch.growth, max(times, default=0.0)
    return seen


@pytest.mark.long
async def test_attacks(served: Process, http: aiohttp.ClientSession) -> None:
    """Each is refused or served within 150 MB and 2 s of a core; probes and a chat go on; nothing stays."""
    await post(http, served.url, PHOTO)
    with watching(served.popen.pid) as whole:
        seen = {name: await attack(http, served, make()) for name, make in ATTACKS.items()}
    print(*(f"{name}: {one}" for name, one in seen.items()), sep="\n")
    assert {name: str(one) for name, one in seen.items() if one.growth > MOST_GROWTH} == {}
    assert {name: str(one) for name, one in seen.items() if one.seconds > MOST_SECONDS} == {}
    assert {name: str(one) for name, one in seen.items() if one.alive_seconds > 1} == {}
    assert {name: str(one) for name, one in seen.items() if one.status not in (200, 400)} == {}
    assert (await post(http, served.url, PHOTO))[0] == 200
    with watching(served.popen.pid) as after:
        pass
    assert after.before - whole.before < 20 * MB
    assert descendants(served.popen.pid) == []


@pytest.mark.long
async def test_decoders_words(served: Process, http: aiohttp.ClientSession) -> None:
    """What libtiff and others print of broken files is in no log."""
    rough = files.picture(size=(400, 300)).effect_spread(9)
    for packing in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg"):
        data = files.saved(rough, "TIFF", compression=packing)
        broken = data[:100] + b"\xff" * (len(data) - 2000) + data[len(data) - 1900 :]
        assert await post(http, served.url, broken) == (400, "unsupported_file")
    assert (await post(http, served.url, files.photo("JPEG")[:-20] + b"\xff\xd9"))[0] in (200, 400)
    assert all(line.startswith("{") for line in served.log.read_text("utf-8").splitlines())


@pytest.mark.long
async def test_all_attacks_together(served: Process, http: aiohttp.ClientSession) -> None:
    """At the same time they cost no more than one, and a client beside them is answered, with its image too."""
    await post(http, served.url, PHOTO)
    made = [make() for make in ATTACKS.values()]
    async with probing(http, served.url) as times:
        with watching(served.popen.pid) as watch:
            attacks = [asyncio.create_task(post(http, served.url, one)) for one in made]
            await asyncio.sleep(0)
            begun = time.monotonic()
            normal = await post(http, served.url, files.photo("PNG"))
            served_after = time.monotonic() - begun
            statuses = {status for status, _ in await asyncio.gather(*attacks)}
    print(f"+{watch.growth / MB:.0f} MB, a normal client waited {served_after:.2f} s, /livez {max(times):.3f} s")
    assert statuses <= {200, 400}
    assert normal[0] == 200
    assert watch.growth < MOST_GROWTH + 30 * MB
    assert max(times) < 1


@pytest.mark.long
async def test_a_request_with_a_hundred(served: Process, http: aiohttp.ClientSession) -> None:
    """It ends at its first bad file; others have their images read meanwhile, between two of its own."""
    slow = png(5000, 5000)
    marked = [slow[:-12] + b"\0\0\0\1tEXt" + bytes([number]) + bytes(4) + slow[-12:] for number in range(5)]
    hundred = [*marked, *[ATTACKS["a bmp in runs"]()] * 95]
    await post(http, served.url, PHOTO)
    # As files, since the oldest of many images are left out.
    many = asyncio.create_task(post(http, served.url, *hundred, part=document))
    await asyncio.sleep(0.5)
    assert (await post(http, served.url, files.photo("PNG")))[0] == 200
    assert not many.done()
    assert await many == (400, "unsupported_file")


@pytest.mark.long
async def test_an_image_while_the_gateway_stops(served: Process, http: aiohttp.ClientSession) -> None:
    """What is being read is read to its end, and its request is answered."""
    await post(http, served.url, PHOTO)
    asking = asyncio.create_task(post(http, served.url, png(6000, 6000)))
    await eventually(lambda: descendants(served.popen.pid) != [])
    served.popen.terminate()
    assert (await asking)[0] == 200
    assert await asyncio.to_thread(served.popen.wait, 20) == 0


def photos(width: int, height: int) -> dict[str, bytes]:
    """What a phone's camera makes, in the formats that people send."""
    picture = files.picture(size=(width, height))
    return {
        "jpeg": files.saved(picture, "JPEG"),
        "progressive jpeg": files.saved(picture, "JPEG", progressive=True),
        "png": files.saved(picture, "PNG", compress_level=1),
        "webp": files.saved(picture, "WEBP", method=0),
        "avif": files.saved(picture, "AVIF", speed=10),
        "heic": files.saved(picture, "HEIF", quality=1, tile_size=512, enc_params={"preset": "ultrafast"}),
        "gif": files.saved(picture, "GIF"),
    }


@pytest.mark.long
async def test_photos(served: Process, http: aiohttp.ClientSession) -> None:
    """A phone's photo of 12 million pixels is taken in every format, and one of 50 as JPEG and PNG; within 150 MB."""
    await post(http, served.url, PHOTO)
    given = photos(4032, 3024)
    large = files.picture(size=(8160, 6120))
    given["a jpeg of 50"] = files.saved(large, "JPEG")
    given["a progressive jpeg of 50"] = files.saved(large, "JPEG", progressive=True)
    given["a png of 50"] = files.saved(large, "PNG", compress_level=1)
    seen = {name: await attack(http, served, data) for name, data in given.items()}
    print(*(f"{name}, {len(given[name])} bytes: {one}" for name, one in seen.items()), sep="\n")
    assert {name: str(one) for name, one in seen.items() if one.status != 200} == {}
    assert {name: str(one) for name, one in seen.items() if one.growth > MOST_GROWTH} == {}


def test_the_watch_sees_children() -> None:
    """A watch that saw nothing would pass everything."""
    program = "import time; held = bytearray(50_000_000); held[::4096] = b'x' * len(held[::4096]); time.sleep(0.3)"
    with watching() as watch:
        subprocess.run([sys.executable, "-c", program], check=True)
    assert 50 * MB < watch.growth < 90 * MB
