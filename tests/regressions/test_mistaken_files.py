"""A Telegram author's files: what is no file, or none that GigaChat takes, gets a message that says what to do."""

from __future__ import annotations

import base64
import gzip
from typing import Any

import aiohttp
import pytest

from app.sandbox import server
from tests.attaching import chats, talking, uploads, user
from tests.regressions.pasts import NEXT
from tests.running import Running
from tests.watching import ask

PHOTO = "AgACAgIAAxkBAAIBZ2V4YW1wbGVfaWRfb2ZfYV9waG90bwACxdoxG0kAAUlLtest_-1AAQADAgADeQADNgQ"
STICKER = gzip.compress(b'{"tgs":1,"v":"5.5.2","fr":60,"ip":0,"op":180,"w":512,"h":512,"layers":[]}')
MP4 = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + b"\0\0\0\x08free"
ANIMATED = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm\x42\x87\x81\x04"


def link(url: str) -> dict[str, Any]:
    """An image by what stands in its URL."""
    return {"type": "image_url", "image_url": {"url": url}}


def data(mime: str, content: bytes) -> dict[str, Any]:
    """An image by its bytes."""
    return link(f"data:{mime};base64,{base64.b64encode(content).decode()}")


def sound(text: str) -> dict[str, Any]:
    """Audio by what stands in the place of its bytes."""
    return {"type": "input_audio", "input_audio": {"data": text, "format": "mp3"}}


# a part -> the error's code, and what its message speaks of
MISTAKES: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "a photo's id as a URL": (link(PHOTO), "unsupported_file", ("Telegram's own id", "getFile", "data URL")),
    "a photo's id as file_id": (
        {"type": "input_image", "file_id": PHOTO},
        "file_not_found",
        ("Telegram's own id", "getFile"),
    ),
    "a document's id": (
        {"type": "file", "file": {"file_id": "BQACAgIAAxkBAAIBaGV4YW1wbGVfZG9j"}},
        "file_not_found",
        ("Telegram's own id", "getFile"),
    ),
    "a voice's id": (sound("AwACAgIAAxkBAAIBaGV4YW1wbGVfdm9pY2U"), "unsupported_file", ("Telegram's own id",)),
    "an id of OpenAI's": ({"type": "file", "file": {"file_id": "file-abc123"}}, "file_not_found", ("OpenAI's",)),
    "a path": (link("/home/bot/a.jpg"), "unsupported_file", ("your own machine", "data URL")),
    "a path of Windows": (link("C:\\Users\\me\\a.jpg"), "unsupported_file", ("your own machine",)),
    "a file URL": (link("file:///home/me/a.png"), "file_download_failed", ("your own machine",)),
    "a voice's path": (sound("voice.ogg"), "unsupported_file", ("your own machine",)),
    "a path as file_data": (
        {"type": "file", "file": {"file_data": "./report.pdf", "filename": "report.pdf"}},
        "unsupported_file",
        ("your own machine",),
    ),
    "a sticker that moves": (data("application/x-tgsticker", STICKER), "unsupported_file", (".tgs", "thumbnail")),
    "the same as an image": (data("image/webp", STICKER), "unsupported_file", (".tgs", "thumbnail")),
    "a video note": (data("video/mp4", MP4), "unsupported_file", ("video/mp4", "a frame", "sound")),
    "a video as an image": (data("image/jpeg", MP4), "unsupported_file", ("video/mp4", "a frame", "sound")),
    "a video sticker": (data("video/webm", ANIMATED), "unsupported_file", ("video/webm", "thumbnail")),
    "a part of a video": (
        {"type": "video_url", "video_url": {"url": "https://a.example/v.mp4"}},
        "unsupported_parameter",
        ("a frame", "sound"),
    ),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("part", "code", "words"), MISTAKES.values(), ids=MISTAKES)
async def test_the_message_says_what_to_do(
    part: dict[str, Any],
    code: str,
    words: tuple[str, ...],
    stream: bool,
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
) -> None:
    """A 400 where it is new, with nothing asked or uploaded; words in its place where it is past."""
    asked = user(part, text="Что это?")
    reply = await ask(http, gateway, talking(asked, stream=stream))
    assert (reply.status, reply.error["code"]) == (400, code), reply.text
    assert reply.error["param"].startswith("messages[0].content[1]")
    assert all(word in reply.error["message"] for word in words), reply.text
    assert not chats(sandbox)
    past = talking(asked, {"role": "assistant", "content": "Не знаю."}, NEXT, stream=stream)
    answered = await ask(http, gateway, past)
    assert (answered.status, answered.headers["x-gateway-adapted"]) == (200, "file->words"), answered.text
    assert not uploads(sandbox)
