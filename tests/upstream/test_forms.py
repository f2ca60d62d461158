"""A file as a form, as it goes over the wire."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP

import aiohttp
import pytest
from aiohttp import web

from app.upstream.forms import Form
from tests.upstream.conftest import Bare

DATA = bytes(range(256)) * 40


def test_the_bytes_are_in_no_repr() -> None:
    """A form in a log or a traceback tells no content."""
    assert "secret" not in repr(Form("a.txt", "text/plain", b"secret"))


async def sent(form: Form, times: int = 1) -> list[tuple[str, bytes]]:
    """What a server gets of this form: Content-Type and body, each time it is sent."""
    got: list[tuple[str, bytes]] = []

    async def take(request: web.Request) -> web.Response:
        got.append((request.headers["Content-Type"], await request.read()))
        return web.Response()

    app = web.Application(client_max_size=2**20)
    app.router.add_post("/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with aiohttp.ClientSession() as session:
            for _ in range(times):
                async with session.post(f"http://127.0.0.1:{runner.addresses[0][1]}/", data=form.build()) as response:
                    assert response.status == 200
    finally:
        await runner.cleanup()
    return got


def parts(kind: str, body: bytes) -> list[tuple[str, str, bytes]]:
    """Disposition, type and content of each part, read by another program's rules."""
    message = BytesParser(policy=HTTP.clone(utf8=True)).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    found = []
    for part in message.walk():
        if not part.is_multipart():
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            found.append((str(part["Content-Disposition"]), str(part["Content-Type"] or ""), content))
    return found


async def test_the_fields_and_the_file() -> None:
    """The fields first, then the file under its name and type, byte for byte, and as often as it is sent."""
    got = await sent(Form("a b.png", "image/png", DATA, (("purpose", "general"),)), times=3)
    assert len(got) == 3
    for kind, body in got:
        assert kind.startswith("multipart/form-data; boundary=")
        field, file = parts(kind, body)
        assert field == ('form-data; name="purpose"', 'text/plain; charset="utf-8"', b"general")
        assert file == ('form-data; name="file"; filename="a b.png"', "image/png", DATA)


async def test_a_name_goes_out_as_it_is() -> None:
    """In UTF-8, not in per cent: GigaChat keeps what it gets."""
    ((_, body),) = await sent(Form("отчёт.pdf", "application/pdf", b"%PDF-"))
    assert 'filename="отчёт.pdf"'.encode() in body
    assert b"%D0" not in body


async def test_a_connection_that_dies_takes_no_form_with_it(bare: Bare) -> None:
    """The same form can be sent again after an attempt that failed in its middle."""
    form = Form("a.png", "image/png", DATA)
    bare.answers = [[]]
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.post(bare.url, data=form.build())
    ((kind, body),) = await sent(form)
    assert parts(kind, body)[0][2] == DATA
