"""One HTTP attempt at GigaChat, over the process's one shared session.

Source: GigaChat's REST API, "Headers" and "Endpoints". This room knows no client protocol: bytes in, a response out,
or an UpstreamFailure that says why there is none.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from yarl import URL

from app.upstream.failures import Refused, Unreachable, retry_after, unreachable
from app.upstream.forms import Form
from app.upstream.pulse import Pulse
from app.upstream.tokens import Token
from app.upstream.wire import FRESH, Connector, beginning, unpooled
from app.version import program_version

# A refusal is a sentence; a proxy's page in front of GigaChat may be longer and is not worth more.
MAX_REFUSAL_BYTES = 64 * 1024
# The largest answers are those of embeddings: 20 vectors of 2560 numbers, 1 MB. What describes a file is short.
MAX_ANSWER_BYTES = 32 * 1024 * 1024
MAX_DESCRIPTION_BYTES = 64 * 1024
# The mark of the local GigaChat: its answers must never pass for production.
SANDBOX_HEADER = "X-Sandbox"
# Small questions of the gateway's own: a GigaChat that is silent for so long is as good as gone.
_GET_SECONDS = 10.0

# Without a connection nobody is served; any other failure may be one request's own.
_CERTAIN = frozenset({"connect", "tls", "handshake", "dns"})


@asynccontextmanager
async def open_session(context: ssl.SSLContext, connect_seconds: float) -> AsyncIterator[aiohttp.ClientSession]:
    """The session for GigaChat: no cookies, and no limit of its own on connections."""
    async with aiohttp.ClientSession(
        connector=Connector(context, connect_seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        # The header's presence helps to avoid an authorization error; a compressed stream would wait for a full block.
        headers={"User-Agent": f"gpt2giga-proxy/{program_version()}", "Accept-Encoding": "identity"},
    ) as session:
        yield session


class GigaChat:
    """GigaChat's API under one base URL."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        pulse: Pulse,
        *,
        timeout: float,
        proxy: str = "",
    ) -> None:
        self.pulse = pulse
        self._session = session
        self._base = base_url
        self._proxy = proxy or None
        self._urls: dict[str, URL] = {}
        self._whole = aiohttp.ClientTimeout(total=timeout)
        self._stream = aiohttp.ClientTimeout(total=None, sock_read=timeout)
        self._small = aiohttp.ClientTimeout(total=min(timeout, _GET_SECONDS))
        self.sandbox = False  # True once the other side said that it is the local one

    async def ask(
        self,
        path: str,
        body: bytes | Form | None,
        token: Token,
        headers: Mapping[str, str],
        *,
        stream: bool = False,
        anew: bool = False,
    ) -> aiohttp.ClientResponse:
        """Send JSON or a form as a POST, or a GET, and give the open 200 response: the caller owns and ends it.

        `anew`: over a connection made for it, since an idle one was dead. Raises UpstreamFailure.
        """
        if body.__class__ is bytes:
            headers = {"Content-Type": "application/json", **headers}
        method = "GET" if body is None else "POST"
        return await self._open(method, path, token, headers, body, self._stream if stream else self._whole, anew)

    async def get(self, path: str, token: Token, headers: Mapping[str, str]) -> bytes:
        """Send a GET, give the 200's body. Raises UpstreamFailure.

        The caller tells the pulse what the answer says of GigaChat: only it knows what was asked.
        """
        response = await self._open("GET", path, token, headers, None, self._small)
        self.sandbox = SANDBOX_HEADER in response.headers
        return await read(response)

    async def _open(
        self,
        method: str,
        path: str,
        token: Token,
        headers: Mapping[str, str],
        body: bytes | Form | None,
        limits: aiohttp.ClientTimeout,
        anew: bool = False,
    ) -> aiohttp.ClientResponse:
        url = self._url(path)
        FRESH.set(False)
        try:
            response = await self._session.request(
                method,
                url,
                data=body.made() if isinstance(body, Form) else body,
                headers={**token.headers, **headers},
                timeout=limits,
                proxy=self._proxy,
                allow_redirects=False,
                server_hostname=unpooled(url) if anew else None,
            )
        except (aiohttp.ClientError, OSError) as fault:
            failure = unreachable(fault, reused=not FRESH.get())
            if failure.cause in _CERTAIN:
                self.pulse.gone(failure.detail)
            elif failure.cause != "stale":
                self.pulse.suspect(failure.detail)
            raise failure from fault
        if response.status == 200:
            if body is not None:
                self.pulse.alive()
            return response
        refused = await _refused(response)
        if refused.status >= 500:
            self.pulse.suspect(str(refused))
        elif body is not None and not refused.page:
            self.pulse.alive(success=False)
        raise refused

    def _url(self, path: str) -> URL:
        url = self._urls.get(path)
        if url is None:
            url = URL(f"{self._base}/v1/{path}")
            if len(self._urls) < 64:  # a file's id is part of its path
                self._urls[path] = url
        return url


async def read(response: aiohttp.ClientResponse, most: int = MAX_ANSWER_BYTES) -> bytes:
    """The whole body of an open response, which is ended here whatever happens. Raises UpstreamFailure."""
    try:
        if (response.content_length or most + 1) <= most:
            return await response.read()
        body = await beginning(response, most + 1)
        if len(body) > most:
            raise Unreachable("protocol", f"an answer of more than {most} bytes")
        return body
    except (aiohttp.ClientError, OSError) as fault:
        raise unreachable(fault) from fault
    finally:
        response.close()  # after a body read to its end the connection is already back in the pool


async def _refused(response: aiohttp.ClientResponse) -> Refused:
    try:
        body = await beginning(response, MAX_REFUSAL_BYTES)
    except (aiohttp.ClientError, OSError):
        body = b""  # the status is known, its sentence is lost
    finally:
        response.close()
    wait = retry_after(response.headers.get("Retry-After"), response.headers.get("Date"))
    return Refused(response.status, body, wait)
