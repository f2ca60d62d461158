"""Downloads that fail: the operator's log says why, with the host and nothing else of the URL."""

from __future__ import annotations

import socket
from typing import Any

import aiohttp
import pytest

from tests.attaching import image, talking, user
from tests.hosting import Host
from tests.regressions.pasts import NEXT
from tests.running import GatewayStarter
from tests.watching import ask, everything, told

SECRET = "s3cret"  # in path, query and user of each URL


def closed_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


PORT = closed_port()
# a link -> what the log says of it
CAUSES: dict[str, tuple[Any, str]] = {
    "a status": (lambda host: host.url(f"{SECRET}?sig={SECRET}", 404), "127.0.0.1: it answered with status 404"),
    "a redirect to nothing": (
        lambda host: host.url(f"{SECRET}?to=/{SECRET}%3Fto=/{SECRET}"),
        "127.0.0.1: it answered with status 404",
    ),
    "redirects without end": (lambda host: host.url("loop?to=?to=?"), "127.0.0.1: it redirects more than 5 times"),
    "a redirect elsewhere": (
        lambda host: host.url(f"{SECRET}?to=ftp://{SECRET}.example/{SECRET}"),
        "127.0.0.1: after a redirect the URL is refused: only http and https are fetched",
    ),
    "no connection": (lambda _: f"http://127.0.0.1:{PORT}/{SECRET}", "127.0.0.1: connect: Connect call failed"),
    "no such name": (lambda _: f"http://gone.invalid:{PORT}/{SECRET}", "gone.invalid: "),
    "TLS": (lambda host: f"https://127.0.0.1:{host.port}/{SECRET}", "127.0.0.1: TLS: "),
    "a user": (lambda _: f"http://u:{SECRET}@a.example/", "the URL is refused: it contains a user name or a password"),
    "another scheme": (lambda _: f"ftp://a.example/{SECRET}", "the URL is refused: only http and https"),
    "an empty file": (lambda host: host.url("empty", b""), "127.0.0.1: it answered with an empty file"),
}


@pytest.mark.parametrize("past", [False, True], ids=["new", "past"])
@pytest.mark.parametrize(("link", "cause"), CAUSES.values(), ids=CAUSES)
async def test_the_log_says_why(
    link: Any,
    cause: str,
    past: bool,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    host: Host,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Of a new file in `error`, of an old one in `files_lost`; the client reads no address."""
    caplog.set_level("INFO", "gpt2giga")
    hosts = f"127.0.0.1:{host.port},127.0.0.1:{PORT},gone.invalid:{PORT}"
    gateway = await start_gateway(public=lambda _: True, GPT2GIGA_FETCH_HOSTS=hosts)
    asked = user(image(link(host)), text="Что на фото?")
    turns = [asked, {"role": "assistant", "content": "Мост."}, NEXT] if past else [asked]
    reply = await ask(http, gateway, talking(*turns))
    line = await told(caplog)
    if past:
        assert reply.status == 200
        assert line["files_lost"].startswith("file_download_failed: ")
        assert cause in line["files_lost"]
    else:
        assert (reply.status, reply.error["code"]) == (400, "file_download_failed")
        assert line["error"].startswith(f"file_download_failed: {cause}")
        assert "127.0.0.1" not in reply.text
    assert SECRET not in everything(caplog)


@pytest.mark.parametrize("link", ["http://10.0.0.1/s3cret", "http://localhost/s3cret", "http://[::1]/s3cret"])
async def test_a_refused_address_is_named_to_the_operator(
    link: str, start_gateway: GatewayStarter, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """The client is not told which names exist inside."""
    caplog.set_level("INFO", "gpt2giga")
    gateway = await start_gateway()
    reply = await ask(http, gateway, talking(user(image(link))))
    assert reply.status == 400
    assert "refused: it has an address that is not public" in (await told(caplog))["error"]
    assert SECRET not in everything(caplog)
