"""Downloads files from URLs of clients: only from the public web, with limits of time and size.

The author of a URL may control its DNS server and its web server. So three checks apply, to redirects too: the URL as
text (`url_policy`), all addresses of its host name, and the address of each connection (`resolvers`). A request
carries no proxy of the environment, cookie, Referer or credentials.
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
from app.media.resolvers import NotPublic, PublicResolver, SystemResolver, build_socket_factory
from app.media.url_policy import PORTS, UrlPolicy, describe_url
from app.response_limits import SlicedHandler, find_encoding, limit_responses
from app.version import program_version

_CONNECT_SECONDS = 5.0
_MAX_AT_ONCE = 16
_MAX_PER_PARTY = 4  # so that slow downloads of one party do not delay the others
_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Security policies and cookies of real sites are long, but fit into these limits.
_MAX_HEADER_BYTES = 16 * 1024
_MAX_HEADERS = 128


def _ignore_bytes(_: int) -> None:
    """Count nothing."""


class Fetcher:
    """Downloads files for the whole process, a few at a time."""

    def __init__(self, session: aiohttp.ClientSession, policy: UrlPolicy, seconds: float) -> None:
        self._session = session
        self._url_policy = policy
        self._seconds = seconds
        self._slots = asyncio.Semaphore(_MAX_AT_ONCE)
        # By the party that files are for, while any are: its slots, and how many downloads need them.
        self.party_slots: dict[str, tuple[asyncio.Semaphore, int]] = {}

    async def get(
        self, url: str, limit: int, on_bytes: Callable[[int], None] = _ignore_bytes, party: str = ""
    ) -> bytes:
        """Download a file of at most `limit` bytes. Raises MediaError.

        The time limit begins when the download starts. `on_bytes` is called with the size of each chunk and may raise.
        `party` is the client that the file is for: each party may have a few downloads at a time.
        """
        first = self._url_policy.parse(url)
        try:
            async with self._hold_slot(party), asyncio.timeout(self._seconds):
                return await self._follow(url, first, limit, on_bytes)
        except (aiohttp.ClientError, OSError, ValueError) as fault:
            raise _build_error(first, self._describe_failure(fault), _find_cause(fault)) from fault

    @asynccontextmanager
    async def _hold_slot(self, party: str) -> AsyncIterator[None]:
        """Wait for a download slot and hold it for the context. Raises MediaError ("busy") after the time limit."""
        own, needed = self.party_slots.get(party, (asyncio.Semaphore(_MAX_PER_PARTY), 0))
        self.party_slots[party] = (own, needed + 1)
        try:
            async with AsyncExitStack() as stack:
                try:
                    async with asyncio.timeout(self._seconds):
                        await stack.enter_async_context(own)
                        await stack.enter_async_context(self._slots)
                except TimeoutError:
                    raise MediaError("busy", "The gateway downloads too many files at once: try again.") from None
                yield
        finally:
            own, needed = self.party_slots.pop(party)
            if needed > 1:
                self.party_slots[party] = (own, needed - 1)

    async def _follow(self, text: str, first: URL, limit: int, on_bytes: Callable[[int], None]) -> bytes:
        url = first
        for _ in range(_MAX_REDIRECTS + 1):
            response = await self._session.get(url, allow_redirects=False)
            try:
                location = response.headers.get("Location")
                if response.status not in _REDIRECTS or location is None:
                    return await _read_file(response, first, limit, on_bytes)
            finally:
                response.close()
            text = urljoin(text.strip(), location.strip().replace(" ", "%20"))  # as browsers do
            url = self._parse_target(first, text)
        raise _build_error(first, f"it redirects more than {_MAX_REDIRECTS} times")

    def _parse_target(self, first: URL, text: str) -> URL:
        """The URL that a redirect leads to. Raises MediaError."""
        try:
            return self._url_policy.parse(text)
        except MediaError as fault:
            raise MediaError(fault.reason, str(fault), f"{first.raw_host}: after a redirect {fault.detail}") from None

    def _describe_failure(self, fault: Exception) -> str:
        """The reason to show to the client. It must not reveal whether a host name exists in the internal network."""
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
    ports: Collection[int] = PORTS,
    public: Callable[[str], bool] = is_public,
    resolver: aiohttp.abc.AbstractResolver | None = None,
    seconds: float = 30.0,
) -> AsyncIterator[Fetcher]:
    """Open a fetcher for the context. Raises ValueError for an invalid host.

    `hosts`: the only hosts to download from ("name", "*.name", "name:port"); empty means all. Even a listed host must
    have a public address. `ports`: the allowed ports of hosts that are listed without one. `public`: whether an
    address is public. `resolver`: the system's by default; it is closed with the fetcher. `seconds`: the limit for one
    file with its redirects.
    """
    policy = UrlPolicy(hosts, ports)
    guarded = PublicResolver(resolver or SystemResolver(), public)
    connector = aiohttp.TCPConnector(
        limit=0,
        force_close=True,  # the address is checked when a connection is opened, so each request opens one
        use_dns_cache=False,
        resolver=guarded,
        socket_factory=build_socket_factory(public),
    )
    limit_responses(connector, SlicedHandler)
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
            yield Fetcher(session, policy, seconds)
    finally:
        await guarded.close()


async def _read_file(
    response: aiohttp.ClientResponse, first: URL, limit: int, on_bytes: Callable[[int], None]
) -> bytes:
    """Read the file from a response. Raises MediaError, or what aiohttp raises."""
    if response.status != 200:
        raise _build_error(first, f"it answered with status {response.status}")
    if find_encoding(response.headers) is not None:
        raise _build_error(first, "it answered compressed, though it was asked not to")
    too_large = MediaError("too_large", f"The file at {describe_url(first)} is larger than {limit / 2**20:.3g} MB.")
    if (response.content_length or 0) > limit:
        raise too_large
    out = BytesIO()  # getvalue() makes no copy
    async for chunk in response.content.iter_any():
        if out.tell() + len(chunk) > limit:
            raise too_large
        on_bytes(len(chunk))
        out.write(chunk)
    if not out.tell():
        raise _build_error(first, "it answered with an empty file")
    return out.getvalue()


def _find_cause(fault: Exception) -> str:
    """The cause for the operator's log, without the URL; empty where the client's own reason says it all."""
    match fault:
        case TimeoutError():
            return "time-out"
        case NotPublic() | aiohttp.ClientConnectorError(os_error=NotPublic()):
            return "refused: it has an address that is not public, or none"
        case aiohttp.ClientConnectorDNSError():
            return f"DNS: {fault.os_error.strerror or type(fault.os_error).__name__}"
        case aiohttp.ClientConnectorCertificateError():
            return f"TLS: {getattr(fault.certificate_error, 'verify_message', '') or 'its certificate is not trusted'}"
        case aiohttp.ClientSSLError():
            return f"TLS: {getattr(fault.os_error, 'reason', None) or type(fault).__name__}"
        case aiohttp.ClientConnectorError():
            return f"connect: {fault.os_error.strerror or type(fault.os_error).__name__}"
        case _:
            return ""


def _build_error(url: URL, why: str, cause: str = "") -> MediaError:
    """The client reads `why`; the operator's log has the host, be it an address, and the cause."""
    detail = f"{url.raw_host}: {cause or why}"
    return MediaError("download", f"The file can't be downloaded from {describe_url(url)}: {why}.", detail)
