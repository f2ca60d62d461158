"""Strangers' URLs, in every spelling of an inner address that there is: refused, and nothing inside is connected to."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from app.media.failure import MediaError
from app.media.fetch import Fetcher, open_fetcher
from app.media.url_policy import PORTS
from tests.media.conftest import Web
from tests.media.test_fetch import LIMIT, anything

# Each with the port of a listener on 127.0.0.1 and ::1, where only the way to write an address should hide it.
URLS = [
    "http://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "http://127.0.0.2:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://2130706433:{port}/",
    "http://017700000001:{port}/",
    "http://0x7f000001:{port}/",
    "http://0X7F.1:{port}/",
    "http://0x7f.0x0.0x0.0x1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://00000177.0.0.01:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://127.0.0.1..:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://00:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST:{port}/",
    "http://localhost.:{port}/",
    "http://localhost.localdomain:{port}/",
    "http://anything.localhost:{port}/",
    "http://7f000001.nip.io:{port}/",
    "http://[::1]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/",
    "http://[::ffff:0:127.0.0.1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[2001:0:7f00:1::]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[fe80::1%25lo]:{port}/",
    "http://[fe80::1%lo]:{port}/",
    "http://[::1%25lo]:{port}/",
    "http://[fe80::1]:{port}/",
    "http://[fc00::1]:{port}/",
    "http://[ff02::1]:{port}/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/",
    "http://2852039166/latest/meta-data/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://metadata/",
    "http://100.100.100.200/latest/meta-data/",
    "http://192.0.0.192/opc/v1/",
    "http://168.63.129.16/machine",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://198.18.0.1/",
    "http://192.0.2.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://240.0.0.1/",
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://１２７.０.０.１:{port}/",
    "http://127。0。0。1:{port}/",
    "http://ⓛocalhost:{port}/",
    "http://127.0.0.1\u200b:{port}/",
    "http://good.example@127.0.0.1:{port}/",
    "http://good.example:80@127.0.0.1:{port}/",
    "http://@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}@good.example/",
    "http://good.example\\@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@good.example/",
    "http://good.example%40127.0.0.1:{port}/",
    "http://127.0.0.1:{port}%2f@good.example/",
    "http://good.example#@127.0.0.1:{port}/",
    "http://good.example?@127.0.0.1:{port}/",
    "http://[::1]good.example:{port}/",
    "http://good.example[::1]:{port}/",
    "http://127.0.0.1:{port}\r\nX-Header: a/",
    "http://127.0.0.1:{port}/\r\nHost: a",
    "http://127.0.0.1:{port}/%0d%0aHost:%20a",
    "http://127.0.0.1\t:{port}/",
    "http://127.0.0.1\x00.good.example:{port}/",
    "ht\ntp://127.0.0.1:{port}/",
    "http://127.0.0.1:0{port}/",
    "http://127.0.0.1:+{port}/",
    "http://127.0.0.1: {port}/",
    "http://127.0.0.1:22/",
    "http://127.0.0.1:6379/",
    "http://good.example:25/",
    "http://good.example:0/",
    "http://good.example:65536/",
    "http://good.example:-1/",
    "http:///127.0.0.1:{port}/",
    "http:////127.0.0.1:{port}/",
    "http:/127.0.0.1:{port}/",
    "http:127.0.0.1:{port}",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}",
    "/etc/passwd",
    "http://",
    "http://:{port}/",
    "http://.:{port}/",
    "http://..:{port}/",
    "http://%31%32%37.0.0.1:{port}/",
    "http://" + "a." * 200 + "example/",
    "http://" + "a" * 64 + ".example/",
    "http://good.example/" + "a" * 10_000,
    "file:///etc/passwd",
    "file://127.0.0.1/etc/passwd",
    "ftp://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/_GET",
    "dict://127.0.0.1:{port}/info",
    "ldap://127.0.0.1:{port}/",
    "ws://127.0.0.1:{port}/",
    "jar:http://127.0.0.1:{port}/!/",
    "data:text/plain,hello",
    "javascript:alert(1)",
    "unix:/var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
    "url:http://127.0.0.1:{port}/",
    "",
    " ",
    "\x00",
    "http://\ud800:{port}/",
    "http://xn--:{port}/",
    "http://[:{port}/",
    "http://]:{port}/",
]


class System(AbstractResolver):
    """Names as a C library takes them, numbers in every spelling; every other name lies inside."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The address of a name."""
        try:
            address = socket.inet_ntoa(socket.inet_aton(host.rstrip(".")))
        except (OSError, UnicodeError):
            address = "127.0.0.1"
        return [ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
async def strict(web: Web) -> AsyncIterator[Fetcher]:
    """A fetcher as it is in use, for which the listener's port is one of the web's."""
    async with open_fetcher(ports=(*PORTS, web.port), resolver=System(), seconds=2) as fetcher:
        yield fetcher


@pytest.mark.parametrize("url", URLS, ids=ascii)
async def test_urls(web: Web, strict: Fetcher, url: str) -> None:
    """Refused, each in a sentence without an address, and nobody came to the listener."""
    with pytest.raises(MediaError) as caught:
        await strict.get(url.replace("{port}", str(web.port)), LIMIT)
    assert caught.value.reason == "download"
    assert "127.0" not in str(caught.value)
    assert "::" not in str(caught.value)
    assert "169.254" not in str(caught.value)
    assert web.connections == 0


def test_enough_urls() -> None:
    """The table is what it is meant to be."""
    assert len(URLS) == len(set(URLS)) >= 60


async def test_the_listener_listens(web: Web) -> None:
    """The same listener is reached where inner addresses are allowed: the tests above would have seen it."""
    for host in (f"127.0.0.1:{web.port}", f"localhost:{web.port}"):
        async with open_fetcher((host,), public=anything) as fetcher:
            assert await fetcher.get(f"http://{host}/", LIMIT) == b"file"
    assert web.connections == 2


async def test_listed_and_inner(web: Web) -> None:
    """A list of hosts opens ports, not this machine."""
    hosts = (web.host, f"localhost:{web.port}", f"[::1]:{web.port}")
    async with open_fetcher(hosts, resolver=System()) as fetcher:
        for host in hosts:
            with pytest.raises(MediaError, match="no public address"):
                await fetcher.get(f"http://{host}/", LIMIT)
        with pytest.raises(MediaError, match="certain hosts only"):
            await fetcher.get("http://example.com/", LIMIT)
    assert web.connections == 0
