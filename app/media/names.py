"""Names become addresses: in threads of their own, and only where every address of a name is public.

A name server of a stranger's may answer never, with hundreds of addresses, or with one that lies inside. GigaChat's own
name is looked up in the loop's default threads: strangers' look-ups must not be able to fill those.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from aiohttp.abc import AbstractResolver, ResolveResult

_THREADS = 8
# A name with more addresses is served by the first of them; each may cost a connection that nobody answers.
_MOST_ADDRESSES = 6

Predicate = Callable[[str], bool]


class NotPublic(OSError):
    """An address that strangers' URLs don't reach, or a name without any other."""


class Threads(AbstractResolver):
    """The system's resolver, in threads of its own."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="media-names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises OSError, UnicodeError for what can't be a name."""
        look_up = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        infos = await asyncio.get_running_loop().run_in_executor(self._pool, look_up)
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=found,
                proto=proto,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for found, _, proto, _, address in infos
        ]

    async def close(self) -> None:
        """Let go of the threads: one that still waits for a name server ends with that wait."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Guarded(AbstractResolver):
    """A resolver whose answers are judged: one inner address among them, and the name is not fetched from.

    The name is looked up once, and the addresses that were judged are those that are connected to. Which of several is
    tried first is a race; a name that points inside is refused however that race would end.
    """

    def __init__(self, resolver: AbstractResolver, public: Predicate) -> None:
        self._resolver = resolver
        self._public = public

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The first public addresses of a name. Raises OSError."""
        try:
            found = await self._resolver.resolve(host, port, family)
        except UnicodeError:
            raise NotPublic("not a name") from None
        if not found or not all(self._public(one["host"]) for one in found):
            raise NotPublic("no public address")
        return found[:_MOST_ADDRESSES]

    async def close(self) -> None:
        """Close the resolver inside."""
        await self._resolver.close()


def guarded_socket(public: Predicate) -> Callable[[tuple[int, int, int, str, tuple[object, ...]]], socket.socket]:
    """A maker of sockets for connections, which makes none for an inner address, however a URL spelled it."""

    def make(info: tuple[int, int, int, str, tuple[object, ...]]) -> socket.socket:
        family, kind, proto, _, address = info
        if not public(str(address[0])):
            raise NotPublic("not a public address")
        return socket.socket(family, kind, proto)

    return make
