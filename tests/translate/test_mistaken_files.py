"""What stands in a file's place and is no file."""

from __future__ import annotations

import base64
import time

import pytest

from app.translate.mistaken_files import find_mistake

PHOTO = "AgACAgIAAxkBAAIBZ2V4YW1wbGVfaWRfb2ZfYV9waG90bwACxdoxG0kAAUlLtest_-1AAQADAgADeQADNgQ"
TELEGRAM = [PHOTO, "CQACAgIAAxkBAAIBaGV4YW1wbGVfYXVkaW8", "AwACAgIAAxkBAAIBaGV4YW1wbGVfdm9pY2U", "AQADxdoxG0kAAUl-"]
PATHS = [
    *(
        "/home/bot/a.jpg",
        "/home/bot/photo",
        "~/voice.ogg",
        "./a.png",
        "../x/y",
        "C:\\Users\\me\\a.jpg",
        "d:/a",
        "\\\\nas\\a",
    ),
    *(
        "file:///home/bot/a.jpg",
        "file:a.png",
        "FILE://x",
        "photo.jpg",
        "downloads/voice.OGA",
        "фото.png",
        " ~/a.jpg\n",
    ),
]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        *((given, ("Telegram's own id", "getFile", "data URL")) for given in TELEGRAM),
        *((given, ("path on your own machine", "data URL")) for given in PATHS),
        *((given, ("id of OpenAI's", "data URL")) for given in ("file-abc", "file-Ab12Cd34Ef56", "file_x")),
        ("blob:https://web.example/1-2", ("browser's page", "data URL")),
    ],
)
def test_a_mistake_is_called_by_its_name(given: str, words: tuple[str, ...]) -> None:
    """With what to do."""
    told = find_mistake(given)
    assert told is not None
    assert all(word in told for word in words)


@pytest.mark.parametrize(
    "given",
    [
        base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(40)).decode(),  # /9j/4...
        base64.b64encode(bytes(range(256))).decode(),
        base64.urlsafe_b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(200))).decode(),
        "11111111-2222-4333-8444-555555555555",
        "x",
        "",
        "A" * 100_000,
        "%PDF-1.4 words.pdf and more, with spaces",
    ],
)
def test_what_may_be_a_file_passes(given: str) -> None:
    """Base64 of a JPEG begins with a slash."""
    assert find_mistake(given) is None


def test_looking_takes_no_time() -> None:
    """Whatever is given."""
    begun = time.perf_counter()
    for given in ("/" * 1024, "." * 1024, "a.jpg" * 204, "file" * 256, "~/" * 512):
        find_mistake(given)
    assert time.perf_counter() - begun < 0.5
