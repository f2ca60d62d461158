"""Names become addresses: all of them judged, in threads that strangers may fill."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from app.media.addresses import is_public
from app.media.resolvers import NotPublic, PublicResolver, SystemResolver, build_socket_factory
from tests.media.conftest import Names

FOUR, SIX = "93.184.216.34", "2606:4700::1111"


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        ([FOUR], 1),
        ([FOUR, SIX], 2),
        ([FOUR] * 500, 6),
        ([], 0),
        (["127.0.0.1"], 0),
        ([FOUR, "10.0.0.1"], 0),
        (["::1", SIX], 0),
        ([FOUR] * 500 + ["169.254.169.254"], 0),
        (["no address"], 0),
    ],
)
async def test_guarded(found: list[str], kept: int) -> None:
    """The first few addresses, if every one is public."""
    guarded = PublicResolver(Names([found]), is_public)
    if kept:
        assert len(await guarded.resolve("example.com", 80)) == kept
    else:
        with pytest.raises(NotPublic):
            await guarded.resolve("example.com", 80)
    await guarded.close()


async def test_the_systems_resolver() -> None:
    """This machine's own name, and what can't be one."""
    threads = SystemResolver()
    found = await threads.resolve("localhost", 80, socket.AF_INET)
    assert {(one["host"], one["port"], one["family"]) for one in found} == {("127.0.0.1", 80, socket.AF_INET)}
    with pytest.raises(NotPublic):
        await PublicResolver(threads, is_public).resolve("localhost", 80)
    with pytest.raises(NotPublic):
        await PublicResolver(threads, is_public).resolve("a" * 70 + ".com", 80)
    await threads.close()


async def test_slow_names_fill_no_other_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """While look-ups of strangers' names hang, the loop's own threads are free, and closing waits for none."""
    go = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [go.wait(10)][:0])
    threads = SystemResolver()
    tasks = [asyncio.ensure_future(threads.resolve("slow.example.com")) for _ in range(40)]
    await asyncio.sleep(0.01)
    async with asyncio.timeout(1):
        assert await asyncio.to_thread(int, "1") == 1
        await threads.close()
    go.set()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_sockets() -> None:
    """A socket for a public address; none for an inner one, whatever family it is dressed in."""
    make = build_socket_factory(is_public)
    with make((socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (FOUR, 80))) as made:
        assert made.family == socket.AF_INET
    for address in (("127.0.0.1", 80), ("::ffff:127.0.0.1", 80, 0, 0), ("fe80::1%lo", 80, 0, 1), ("2130706433", 80)):
        with pytest.raises(NotPublic):
            make((socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address))
