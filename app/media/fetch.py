"""Files behind URLs: fetched from the public web, and from nowhere else, in bounded time and size.

A URL comes from a stranger, who may own the name server and the web server behind it. So each URL, redirects too, is
judged as text (`places`), each name by all its addresses and each connection by the address it goes to (`names`);
nothing of this machine's goes along: no proxy of the environment, no cookie, no Referer, no credentials.
Source: RFC 9110 (status codes, redirects, encodings); OWASP's "Server-Side Request Forgery Prevention".
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from io import BytesIO
from urllib.parse import urljoin

import aiohttp
from yarl import URL

from app.media.addresses import is_public
from app.media.failure import MediaError
from app.media.names import Guarded, NotPublic, Threads, guarded_socket
from app.media.places import Places, shown
from app.version import program_version

_CONNECT_SECONDS = 5.0
_MOST_AT_ONCE = 16
_MOST_OF_ONE = 4  # so that one tenant's slow links hold up nobody else's
_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# 128 headers of 16 KB at most: a page's policies and cookies are long, an endless header is longer.
_MAX_HEADER_BYTES = 16 * 1024
_MAX_HEADERS = 128


def _ignored(_: int) -> None:
    """Nobody counts."""


class Fetcher:
    """Downloads for the whole process, few at once."""

    def __init__(self, session: aiohttp.ClientSession, places: Places, seconds: float) -> None:
        self._session = session
        self._places = places
        self._seconds = seconds
        self._turns = asyncio.Semaphore(_MOST_AT_ONCE)
        self._own: dict[str, tuple[asyncio.Semaphore, int]] = {}  # by whom the file is for: turns, and who needs them

    async def get(self, url: str, limit: int, came: Callable[[int], None] = _ignored, whom: str = "") -> bytes:
        """The file at a URL, of at most `limit` bytes. Raises MediaError.

        Its time begins when it is its turn. `came` is told of the bytes as they come, and may raise. `whom` it is for:
        each has a few turns of all.
        """
        first = self._places.url(url)
        try:
            async with self._turn(whom), asyncio.timeout(self._seconds):
                return await self._follow(url, first, limit, came)
        except (aiohttp.ClientError, OSError, ValueError) as fault:
            raise _failed(first, self._why(fault)) from fault

    @asynccontextmanager
    async def _turn(self, whom: str) -> AsyncIterator[None]:
        """One of the turns; whoever waits too long for it is told that the gateway is busy."""
        own, needed = self._own.get(whom, (asyncio.Semaphore(_MOST_OF_ONE), 0))
        self._own[whom] = (own, needed + 1)
        try:
            async with AsyncExitStack() as stack:
                try:
                    async with asyncio.timeout(self._seconds):
                        await stack.enter_async_context(own)
                        await stack.enter_async_context(self._turns)
                except TimeoutError:
                    raise MediaError("busy", "The gateway downloads too many files at once: try again.") from None
                yield
        finally:
            own, needed = self._own.pop(whom)
            if needed > 1:
                self._own[whom] = (own, needed - 1)

    async def _follow(self, text: str, first: URL, limit: int, came: Callable[[int], None]) -> bytes:
        url = first
        for _ in range(_MOST_REDIRECTS + 1):
            response = await self._session.get(url, allow_redirects=False)
            try:
                location = response.headers.get("Location")
                if response.status not in _REDIRECTS or location is None:
                    return await _file(response, first, limit, came)
            finally:
                response.close()
            text = urljoin(text.strip(), location.strip().replace(" ", "%20"))  # as browsers do
            url = self._places.url(text)
        raise _failed(first, f"it redirects more than {_MOST_REDIRECTS} times")

    def _why(self, fault: Exception) -> str:
        """What to tell of an attempt that failed. Whether a name exists inside or has no public address is the same."""
        match fault:
            case TimeoutError():
                return f"it took longer than {self._seconds:g} s, or could not be connected to"
            case (
                NotPublic()
                | aiohttp.ClientConnectorDNSError()
                | aiohttp.InvalidURL()
                | aiohttp.ClientConnectorError(os_error=NotPublic())
            ):
                return "it has no public address"
            case aiohttp.ClientSSLError():
                return "its certificate is not trusted, or TLS failed"
            case aiohttp.ClientConnectorError():
                return "it could not be connected to"
            case aiohttp.ClientPayloadError():
                return "the file ended early"
            case _:
                return "its answer is not valid HTTP"


@asynccontextmanager
async def open_fetcher(
    hosts: Collection[str] = (),
    *,
    public: Callable[[str], bool] = is_public,
    resolver: aiohttp.abc.AbstractResolver | None = None,
    seconds: float = 30.0,
) -> AsyncIterator[Fetcher]:
    """The fetcher, until the context ends. Raises ValueError for a host that is none.

    `hosts`: the only ones that are fetched from ("name", "*.name", "name:port"), anywhere if empty; an inner address is
    never connected to, listed or not. `seconds` for one file, redirects included. `public` judges addresses;
    `resolver` (the system's unless given) is closed with the fetcher.
    """
    places = Places(hosts)
    guarded = Guarded(resolver or Threads(), public)
    connector = aiohttp.TCPConnector(
        limit=0,
        force_close=True,  # an address is judged when it is connected to, so each request connects
        use_dns_cache=False,
        resolver=guarded,
        socket_factory=guarded_socket(public),
    )
    try:
        async with aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=min(_CONNECT_SECONDS, seconds)),
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
            max_headers=_MAX_HEADERS,
            headers={
                "User-Agent": f"gpt2giga-proxy/{program_version()}",
                "Accept": "*/*",
                "Accept-Encoding": "identity",
            },
        ) as session:
            yield Fetcher(session, places, seconds)
    finally:
        await guarded.close()


async def _file(response: aiohttp.ClientResponse, first: URL, limit: int, came: Callable[[int], None]) -> bytes:
    """The body of an answer, if it is a file. Raises MediaError, and what reading raises."""
    if response.status != 200:
        raise _failed(first, f"it answered with status {response.status}")
    if any(
        coding.strip().lower() not in ("", "identity") for coding in response.headers.getall("Content-Encoding", ())
    ):
        raise _failed(first, "it answered compressed, though it was asked not to")
    too_large = MediaError("too_large", f"The file at {shown(first)} is larger than {limit / 2**20:.3g} MB.")
    if (response.content_length or 0) > limit:
        raise too_large
    out = BytesIO()  # its value is handed over without a copy
    async for chunk in response.content.iter_any():
        if out.tell() + len(chunk) > limit:
            raise too_large
        came(len(chunk))
        out.write(chunk)
    if not out.tell():
        raise _failed(first, "it answered with an empty file")
    return out.getvalue()


def _failed(url: URL, why: str) -> MediaError:
    return MediaError("download", f"The file can't be downloaded from {shown(url)}: {why}.")
