"""Downloads: what comes back whole, what goes along with the request, and what every kind of failure is called."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web as server

from app.media.failure import MediaError
from app.media.fetch import open_fetcher
from tests.media.conftest import Names, Web, plain, redirect

LIMIT = 2**20


def anything(address: str) -> bool:
    """For tests on this machine."""
    return bool(address)


async def fetch(web: Web, path: str = "/", limit: int = LIMIT, seconds: float = 5.0) -> bytes:
    """A file of the test's own server."""
    async with open_fetcher((web.host,), public=anything, seconds=seconds) as fetcher:
        return await fetcher.get(web.url(path), limit)


async def failed(web: Web, path: str = "/", reason: str = "download", limit: int = LIMIT) -> str:
    """What the client is told of a file that can't be had."""
    with pytest.raises(MediaError) as caught:
        await fetch(web, path, limit, seconds=0.5)
    assert caught.value.reason == reason
    assert "127.0.0.1" not in str(caught.value)
    return str(caught.value)


async def in_pieces(writer: asyncio.StreamWriter) -> None:
    """An answer without a length, in chunks."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for piece in (b"one ", b"two ", b"three"):
        writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        await writer.drain()
        await asyncio.sleep(0.01)
    writer.write(b"0\r\n\r\n")


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (plain(b"file"), b"file"),
        (plain(bytes(LIMIT)), bytes(LIMIT)),
        (in_pieces, b"one two three"),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.0 200 OK\r\n\r\nold", b"old"),
        (plain(b"file", "Content-Encoding: Identity"), b"file"),
        (plain(b"file", "Content-Encoding:"), b"file"),
        (plain(b"file", "Content-Type: text/html", "X-Long: " + "a" * 8000), b"file"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + plain(b"file"), b"file"),
    ],
)
async def test_files(web: Web, answer: bytes, body: bytes) -> None:
    """A file comes back whole, however the server ends it and whatever it says it is."""
    web.answers["/"] = answer
    assert await fetch(web) == body


async def test_the_request(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says who asks and wants no compression; nothing of this machine's goes along, not even to a redirect's end."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    web.answers["/"] = redirect("/b?x=%2F", "302 Found", "Set-Cookie: a=b; Path=/")
    assert await fetch(web) == b"file"
    assert [head.split("\r\n")[0] for head in web.requests] == ["GET / HTTP/1.1", "GET /b?x=%2F HTTP/1.1"]
    for head in web.requests:
        names = {line.partition(":")[0].lower() for line in head.strip().split("\r\n")[1:]}
        assert names <= {"host", "user-agent", "accept", "accept-encoding", "connection"}
        assert "Accept-Encoding: identity" in head
        assert "User-Agent: gpt2giga-proxy/" in head


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize(
    "target", ["/b", "b", "//{host}/b", "http://{host}/b", "http://{host}/b#part", "/b c", " /b c "]
)
async def test_redirects(web: Web, status: str, target: str) -> None:
    """Each kind of redirect is followed, by relative addresses too."""
    web.answers["/"] = redirect(target.format(host=web.host), status)
    web.answers["/b"] = web.answers["/b%20c"] = plain(b"there")
    assert await fetch(web) == b"there"


async def test_the_most_redirects(web: Web) -> None:
    """Five are followed, a sixth is not."""
    for number in range(6):
        web.answers[f"/{number}"] = redirect(f"/{number + 1}")
    assert await fetch(web, "/1") == b"file"
    assert "redirects more than 5 times" in await failed(web, "/0")
    assert len(web.requests) == 6 + 6


@pytest.mark.parametrize(
    "status", ["204 No Content", "206 Partial Content", "304 Not Modified", "404 Not Found", "500 Oops"]
)
async def test_status(web: Web, status: str) -> None:
    """Only 200 is a file; the client is told what it was instead."""
    web.answers["/"] = plain(b"" if status[:3] in ("204", "304") else b"page", status=status)
    assert f"status {status[:3]}" in await failed(web)


async def test_a_redirect_to_nowhere(web: Web) -> None:
    """A redirect without its target is an answer that is no file."""
    web.answers["/"] = plain(b"", status="302 Found")
    assert "status 302" in await failed(web)


async def test_the_host_is_named() -> None:
    """An error names the host that the client named, and nothing else of the URL."""
    async with open_fetcher(resolver=Names([[]])) as fetcher:
        with pytest.raises(MediaError) as caught:
            await fetcher.get("https://user-content.example.com/private/cat.png?token=secret", LIMIT)
    text = "The file can't be downloaded from user-content.example.com: it has no public address."
    assert str(caught.value) == text


async def test_nobody_listens(unused_port: int) -> None:
    """A closed port is told as such."""
    async with open_fetcher((f"127.0.0.1:{unused_port}",), public=anything) as fetcher:
        with pytest.raises(MediaError, match="could not be connected to"):
            await fetcher.get(f"http://127.0.0.1:{unused_port}/", LIMIT)


async def test_a_strangers_certificate(tmp_path: Path) -> None:
    """A certificate that nobody vouches for is refused, though the address may be connected to."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    options = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    command = ["openssl", "req", *options.split(), "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    runner = server.AppRunner(server.Application())
    await runner.setup()
    await server.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    port = runner.addresses[0][1]
    async with open_fetcher((f"127.0.0.1:{port}",), public=anything) as fetcher:
        with pytest.raises(MediaError, match="certificate is not trusted, or TLS failed"):
            await fetcher.get(f"https://127.0.0.1:{port}/", LIMIT)
    await runner.cleanup()


async def test_few_at_once(web: Web) -> None:
    """Sixteen downloads at a time, four of them for one tenant; the others wait for their turn, and not for ever."""
    go = asyncio.Event()

    async def when_told(writer: asyncio.StreamWriter) -> None:
        await go.wait()
        writer.write(plain())

    web.answers["/"] = when_told
    async with open_fetcher((web.host,), public=anything, seconds=5) as fetcher:
        tasks = [asyncio.ensure_future(fetcher.get(web.url(), LIMIT, party=str(one % 6))) for one in range(36)]
        while web.at_once < 16:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        go.set()
        assert await asyncio.gather(*tasks) == [b"file"] * 36
    assert web.most_at_once == 16
    go.clear()
    async with open_fetcher((web.host,), public=anything, seconds=0.3) as fetcher:
        many = [fetcher.get(web.url(), LIMIT) for _ in range(20)]
        done = await asyncio.gather(*many, return_exceptions=True)
        assert [one.reason for one in done if isinstance(one, MediaError)].count("busy") >= 8
        assert sum("longer than 0.3 s" in str(one) for one in done) >= 4
        assert fetcher.party_slots == {}


async def test_one_tenants_slow_links_hold_up_nobody_else(web: Web) -> None:
    """A tenant has four turns: whoever comes after a hundred slow ones of it is served at once."""

    async def never(writer: asyncio.StreamWriter) -> None:
        await writer.wait_closed()

    web.answers["/never"] = never
    async with open_fetcher((web.host,), public=anything) as fetcher:
        slow = [asyncio.ensure_future(fetcher.get(web.url("/never"), LIMIT, party="slow")) for _ in range(100)]
        while web.at_once < 4:
            await asyncio.sleep(0.005)
        async with asyncio.timeout(2):
            assert await fetcher.get(web.url("/"), LIMIT, party="other") == b"file"
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)


async def test_a_client_that_leaves(web: Web) -> None:
    """A download that nobody waits for any more ends its connection at once, and gives its turn back."""

    async def never(writer: asyncio.StreamWriter) -> None:
        await writer.wait_closed()

    web.answers["/never"] = never
    async with open_fetcher((web.host,), public=anything) as fetcher:
        for _ in range(3):
            tasks = [asyncio.ensure_future(fetcher.get(web.url("/never"), LIMIT)) for _ in range(8)]
            await asyncio.sleep(0.05)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert await fetcher.get(web.url(), LIMIT) == b"file"


async def test_the_systems_names(web: Web) -> None:
    """Without a resolver of the caller's own, names are looked up as this machine does."""
    async with open_fetcher((f"localhost:{web.port}",), public=anything) as fetcher:
        assert await fetcher.get(f"http://localhost:{web.port}/", LIMIT) == b"file"


async def test_ipv6(web: Web) -> None:
    """An IPv6 address is reached like any other."""
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    async with open_fetcher((f"[::1]:{web.port}",), public=anything) as fetcher:
        assert await fetcher.get(f"http://[0::1]:{web.port}/", LIMIT) == b"file"


async def test_a_list_of_hosts_that_is_none() -> None:
    """A mistake in the list is told when the fetcher is opened."""
    with pytest.raises(ValueError):
        async with open_fetcher(("https://example.com/",)):
            pass


async def silent(_: asyncio.StreamWriter) -> None:
    """No answer for longer than a test waits."""
    await asyncio.sleep(3)


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (silent, "127.0.0.1: time-out"),
        (plain(status="403 Forbidden"), "127.0.0.1: it answered with status 403"),
        (redirect("/again"), "127.0.0.1: it redirects more than 5 times"),
        (
            redirect("ftp://a.example/"),
            "127.0.0.1: after a redirect the URL is refused: only http and https are fetched",
        ),
        (plain(b"half", length=9), "127.0.0.1: the file ended early"),
        (b"SSH-2.0-x\r\n", "127.0.0.1: its answer is not valid HTTP"),
    ],
)
async def test_the_operator_reads_the_cause(web: Web, answer: Any, detail: str) -> None:
    """The host and the cause; nothing of the path and the query, which may be signed."""
    web.answers["/s3cret?key=s3cret"] = web.answers["/s3cret"] = web.answers["/again"] = answer
    with pytest.raises(MediaError) as caught:
        await fetch(web, "/s3cret?key=s3cret", seconds=0.5)
    assert caught.value.detail == detail
