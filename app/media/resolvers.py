"""Resolves host names of clients' URLs, and accepts a name only if all its addresses are public.

An attacker's DNS server may never answer, or answer with hundreds of addresses, or with an internal address. The
look-ups have their own threads: GigaChat's name is resolved in the event loop's default threads, which they must not
fill.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from aiohttp.abc import AbstractResolver, ResolveResult

_THREADS = 8
# Further addresses of a name are ignored: each may cost a connection attempt that times out.
_MAX_ADDRESSES = 6

Predicate = Callable[[str], bool]


class NotPublic(OSError):
    """An address is not public, or a name has no address or one that is not public."""


class SystemResolver(AbstractResolver):
    """The operating system's resolver, in its own threads."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="media-names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises OSError, or UnicodeError for text that cannot be a name."""
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
        """Stop the threads. A thread that waits for a DNS server ends after that wait."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class PublicResolver(AbstractResolver):
    """A resolver that refuses a name if any of its addresses is not public.

    A name is resolved once, and only the checked addresses are connected to. All must be public, because it is not
    known which of them is tried first.
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
        return found[:_MAX_ADDRESSES]

    async def close(self) -> None:
        """Close the wrapped resolver."""
        await self._resolver.close()


def build_socket_factory(public: Predicate) -> Callable[[tuple[int, int, int, str, tuple[object, ...]]], socket.socket]:
    """A socket factory that raises NotPublic for an address that is not public, in whatever form the URL had it."""

    def make(info: tuple[int, int, int, str, tuple[object, ...]]) -> socket.socket:
        family, kind, proto, _, address = info
        if not public(str(address[0])):
            raise NotPublic("not a public address")
        return socket.socket(family, kind, proto)

    return make
