"""The bytes of a request's files: loaded once, side by side, and judged by what they are."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from app import errors
from app.admission.memory import Memory, Reservation
from app.errors import GatewayError, Kind
from app.exchange.file_loader import FileLoader, LoadedFile, check_all
from app.exchange.uploaded_files import UploadedFile
from app.exchange.uploads import Uploads
from app.media.fetch import open_fetcher
from app.sandbox import server
from app.server.app_keys import BODIES
from app.translate.dialogue import FileId, FileKind, Inline, Media
from tests.attaching import attached, document, image, plain, shelf, showing, talking, uploads, user
from tests.exchange.uploading import CLIENT, make_uploads, upload
from tests.hosting import Host
from tests.media import files as made
from tests.running import GatewayStarter, Running, eventually
from tests.watching import ask

PHOTO, OTHER = made.photo("JPEG"), made.photo("PNG")
LIMIT = 1_000_000
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def left(gateway: Running) -> int:
    """The memory that is free."""
    return gateway.app[BODIES].memory.left


def media(data: bytes, path: str = "p", kind: FileKind | None = None, name: str | None = None) -> Media:
    """A file in the request."""
    return Media(kind, Inline(plain(data)), path, name)


async def load(
    loader: FileLoader, kept: list[Media], memory: Reservation, pins: list[UploadedFile] | None = None
) -> list[LoadedFile]:
    """Files that can all be had."""
    found = await loader.load(kept, CLIENT, memory, [] if pins is None else pins)
    assert check_all(kept, found) == set()
    return [one for one in found.values() if isinstance(one, LoadedFile)]


@pytest.fixture
def own_uploads(gateway: Running) -> Uploads:
    """Where the loader looks for what GigaChat has."""
    return make_uploads(gateway)


@pytest.fixture
async def loader(own_uploads: Uploads) -> AsyncIterator[FileLoader]:
    """A loader of this test's own."""
    async with open_fetcher() as fetcher:
        yield FileLoader(fetcher, own_uploads)


async def test_equal_sources_are_one_file(loader: FileLoader) -> None:
    """It bears the first one's path; ids are not loaded."""
    kept = [media(PHOTO, "a"), media(OTHER, "b", "image"), media(PHOTO, "c"), Media(None, FileId("id"), "d")]
    with Memory(LIMIT).reserve() as memory:
        files_ = await load(loader, kept, memory)
    assert sorted((file.path, file.mime) for file in files_) == [("a", "image/jpeg"), ("b", "image/png")]
    assert {file.kind for file in files_} == {"image"}


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        (media(b"\0\1\2"), errors.UNSUPPORTED_FILE, "'p' is of no type that is known here"),
        (media(PHOTO, kind="audio"), errors.UNSUPPORTED_FILE, "'p' is not audio by its content"),
        (media(b""), errors.UNSUPPORTED_FILE, "'p': "),
        (media(b"a" * 400_000), errors.OVERLOADED, "too many large requests"),
    ],
    ids=["unknown", "another kind", "empty", "too much"],
)
async def test_what_cannot_be_used_is_refused(loader: FileLoader, given: Media, kind: Kind, message: str) -> None:
    """The error names the file, or the gateway's limit; the memory is free again."""
    memory = Memory(LIMIT)
    with pytest.raises(GatewayError) as refused, memory.reserve() as share:
        check_all([given], await loader.load([given], CLIENT, share, []))
    assert (refused.value.kind, memory.left) == (kind, LIMIT)
    assert message in refused.value.message


async def test_a_text_counts_with_what_it_becomes(loader: FileLoader) -> None:
    """As UTF-8 it may be twice as long, beside its bytes; an upload takes all of that over."""
    memory = Memory(LIMIT)
    with memory.reserve() as share:
        (loaded,) = await load(loader, [media(b"x" * 1000)], share)
        assert (share.taken, loaded.size) == (3000, 1000)
        handed = loaded.hand_over()
        assert (share.taken, handed.taken) == (0, 3000)


async def test_what_gigachat_has_is_pinned(loader: FileLoader, own_uploads: Uploads) -> None:
    """Its bytes are let go at once."""
    pins: list[UploadedFile] = []
    known = await upload(own_uploads, hashlib.sha256(PHOTO).hexdigest(), [])
    memory = Memory(LIMIT)
    with memory.reserve() as share:
        (loaded,) = await load(loader, [media(PHOTO)], share, pins)
        assert (pins, loaded.uploaded, loaded.data, share.taken) == ([known], known, b"", 0)


@both
async def test_a_link_is_loaded_once_for_a_request(
    stream: bool, sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, host: Host
) -> None:
    """However often it stands there; what it leads to is asked for again the next time, and uploaded if it is new."""
    gateway = await start_gateway(public=lambda _: True, **host.settings)
    link = image(host.url("now.jpg", PHOTO))
    assert (await ask(http, gateway, showing(link, link, link, stream=stream))).status == 200
    assert host.asked["now.jpg"] == uploads(sandbox) == 1
    assert attached(sandbox) == [[shelf(sandbox)[0].id]] * 3
    for number, data in enumerate((PHOTO, OTHER)):
        host.files["now.jpg"] = data
        assert (await ask(http, gateway, showing(link, stream=stream))).status == 200
        assert (host.asked["now.jpg"], uploads(sandbox)) == (2 + number, 1 + number)


async def test_links_are_loaded_side_by_side(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession, host: Host
) -> None:
    """Four slow hosts cost the time of one."""
    gateway = await start_gateway(public=lambda _: True, **host.settings)
    host.slow = 0.3
    parts = [image(host.url(f"{number}", PHOTO)) for number in range(4)]
    begun = asyncio.get_running_loop().time()
    assert (await ask(http, gateway, showing(*parts))).status == 200
    assert asyncio.get_running_loop().time() - begun < 1.0


async def test_a_client_that_leaves_during_a_download(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, host: Host
) -> None:
    """The other files of the request are given up as well."""
    gateway = await start_gateway(public=lambda _: True, **host.settings)
    before = left(gateway)
    client = asyncio.create_task(ask(http, gateway, showing(image(PHOTO), image(host.url("slow", 30.0)))))
    await eventually(lambda: host.asked["slow"] == 1 and left(gateway) < before)
    client.cancel()
    await eventually(lambda: left(gateway) == before)
    assert uploads(sandbox) == 0


async def test_what_is_left_out_is_not_even_loaded(
    sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession, host: Host
) -> None:
    """The oldest of too many images cost no download."""
    gateway = await start_gateway(public=lambda _: True, **host.settings)
    links = [user(image(host.url(f"{number}", PHOTO))) for number in range(11)]
    assert (await ask(http, gateway, talking(*links))).status == 200
    assert sorted(host.asked) == sorted(f"{number}" for number in range(5, 11))


async def test_a_data_url_in_per_cent(sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession) -> None:
    """Is the text that it says, and a large one costs no other request its time."""
    part = document(b"")
    part["file"]["file_data"] = "data:text/plain;charset=utf-8,%D0%BA%D0%BE%D1%82" + "%20x" * 100_000
    assert (await ask(http, gateway, showing(part))).status == 200
    assert shelf(sandbox)[0].content == "кот".encode() + b" x" * 100_000


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("Отчёт за год.final.pdf", "Отчёт за год.final.txt"),
        ("../../etc/passwd", "passwd.txt"),
        ("C:\\temp\\a.txt", "a.txt"),
        ('a"\r\nX: y.txt', "a_X_ y.txt"),
        ("", "file.txt"),
        (";a" * 1_000_000, f"{'_a' * 40}.txt"),
    ],
)
async def test_a_files_name(
    given: str, sent: str, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Nothing of it is a path or ends a header, and a long one costs nothing."""
    part = {"type": "file", "file": {"file_data": "data:text/plain;base64,aGk=", "filename": given}}
    begun = time.perf_counter()
    assert (await ask(http, gateway, showing(part))).status == 200
    assert time.perf_counter() - begun < 1
    assert sandbox.state.requests.of("files")[-1].body["filename"] == sent
