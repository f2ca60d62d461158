"""The READMEs' code for bots, run against a gateway as a bot's author would."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from app.sandbox import server
from tests.attaching import shelf
from tests.media import files as made
from tests.running import Running

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(params=["README.md", "README.ru.md"])
def page(request: pytest.FixtureRequest, gateway: Running) -> dict[str, Any]:
    """The names that a page's program defines, with the gateway's URL in it."""
    programs = re.findall(r"```python\n(.*?)```", (ROOT / request.param).read_text("utf-8"), re.DOTALL)
    (program,) = (one for one in programs if "def voice(" in one)
    names: dict[str, Any] = {}
    exec(program.replace("http://localhost:8090", gateway.url), names)  # noqa: S102 - the page's own code
    return names


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
