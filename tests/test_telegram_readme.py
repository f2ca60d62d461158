"""The READMEs' code for bots, run against a gateway as a bot's author would.

aiogram is no dependency: a stand-in gives the names that the page imports, and messages come as it would give them.
"""

from __future__ import annotations

import asyncio
import io
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from app.sandbox import server
from tests.attaching import shelf
from tests.media import files as made
from tests.running import Running

ROOT = Path(__file__).resolve().parents[1]


class Dispatcher:
    """As much of aiogram's as the page uses: a decorator that takes a handler."""

    def message(self) -> Any:
        """Leave the handler as it is."""
        return lambda handler: handler


class Bot:
    """Downloads what a file of Telegram's stands for."""

    async def download(self, file: SimpleNamespace) -> io.BytesIO:
        """The bytes behind `getFile`."""
        return io.BytesIO(file.data)


@pytest.fixture(params=["README.md", "README.ru.md"])
def page(request: pytest.FixtureRequest, gateway: Running, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names that a page's programs define in one file, with the gateway's URL in it."""
    for name, given in {
        "aiogram": {"Bot": Bot, "Dispatcher": Dispatcher},
        "aiogram.types": {"Message": object},
    }.items():
        module = ModuleType(name)
        vars(module).update(given)
        monkeypatch.setitem(sys.modules, name, module)
    programs = re.findall(r"```python\n(.*?)```", (ROOT / request.param).read_text("utf-8"), re.DOTALL)
    helpers, bot = (one for one in programs if "def voice(" in one or "aiogram" in one)
    names: dict[str, Any] = {"__name__": "bot"}
    exec((helpers + bot).replace("http://localhost:8090", gateway.url), names)  # noqa: S102 - the page's own code
    return names


class Message:
    """A message of Telegram's; `answers` are what the bot sent back."""

    def __init__(self, **given: Any) -> None:
        for name in ("text", "caption", "photo", "sticker", "voice", "document"):
            setattr(self, name, given.get(name))
        self.answers: list[str] = []

    async def answer(self, text: str) -> None:
        """Take what the bot sends."""
        self.answers.append(text)


def stored(data: bytes, **more: Any) -> SimpleNamespace:
    """A file at Telegram."""
    return SimpleNamespace(data=data, **more)


def sticker(data: bytes, *, moves: bool, thumbnail: SimpleNamespace | None = None) -> SimpleNamespace:
    """A sticker, which moves (.tgs) or does not."""
    return stored(data, is_animated=moves, is_video=False, thumbnail=thumbnail)


SMALL = stored(made.photo("PNG"))
LARGE = stored(made.photo("JPEG"))
SENT = {
    "text": (Message(text="Привет"), None),
    "photo": (Message(photo=[SMALL, LARGE], caption="Что тут?"), "image/jpeg"),
    "voice": (Message(voice=stored(made.OPUS)), "audio/x-ogg"),
    "sticker": (Message(sticker=sticker(made.photo("WEBP"), moves=False)), "image/jpeg"),
    "moving sticker": (Message(sticker=sticker(b"", moves=True, thumbnail=LARGE)), "image/jpeg"),
    "document": (Message(document=stored(made.PDF, file_name="отчёт.pdf")), "application/pdf"),
}


@pytest.mark.parametrize("kind", SENT)
async def test_the_bot_answers(page: dict[str, Any], sandbox: server.Running, kind: str) -> None:
    """To each kind of message, with its file at GigaChat."""
    message, mime = SENT[kind]
    message.answers.clear()
    await page["reply"](message, Bot())
    (answer,) = message.answers
    assert answer.startswith("[sandbox]")
    assert [file.mime for file in shelf(sandbox)] == ([] if mime is None else [mime])


@pytest.mark.parametrize("message", [Message(), Message(sticker=sticker(b"", moves=True))])
async def test_the_bot_says_what_it_does_not_understand(
    page: dict[str, Any], sandbox: server.Running, message: Message
) -> None:
    """A place or a moving sticker without a picture: no request goes out."""
    message.answers.clear()
    await page["reply"](message, Bot())
    assert message.answers == ["Такие сообщения я не понимаю"]
    assert not shelf(sandbox)


async def test_the_bot_tells_that_the_gateway_is_gone(page: dict[str, Any]) -> None:
    """It answers still."""
    page["client"].base_url = "http://127.0.0.1:9/v1"
    message = Message(text="Привет")
    await page["reply"](message, Bot())
    assert message.answers == ["Не получилось: Connection error."]


async def test_what_a_bot_gets_is_what_gigachat_gets(page: dict[str, Any], sandbox: server.Running) -> None:
    """A photo, a sticker, a voice message, a document."""
    parts = [
        page["photo"](made.photo("JPEG")),
        page["photo"](made.photo("WEBP")),
        page["voice"](made.OPUS),
        page["document"](made.PDF, "отчёт.pdf"),
    ]
    for part in parts:
        answer = await asyncio.to_thread(page["ask"], "Что это?", part)
        assert isinstance(answer, str)
        assert answer
    assert [file.mime for file in shelf(sandbox)] == ["image/jpeg", "image/jpeg", "audio/x-ogg", "application/pdf"]
