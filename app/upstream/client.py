"""One HTTP attempt at GigaChat, over the process's one shared session.

Source: docs/gigachat-api.md, "Headers" and "Endpoints". This room knows no client protocol: bytes in, a response out,
or an UpstreamFailure that says why there is none.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from io import BytesIO

import aiohttp
from yarl import URL

from app.response_limits import find_encoding
from app.upstream.connector import FRESH, Connector, fresh_connection_name
from app.upstream.failures import (
    Refused,
    Unreachable,
    classify_fault,
    parse_retry_after,
    refuse_encoded_answer,
    refuse_large_answer,
)
from app.upstream.forms import Form
from app.upstream.health_monitor import HealthMonitor
from app.upstream.reading import read_at_most
from app.upstream.times import TIMES, UpstreamTimes
from app.upstream.tokens import Token
from app.version import program_version

# A refusal is a sentence; a proxy's page in front of GigaChat may be longer and is not worth more.
MAX_REFUSAL_BYTES = 64 * 1024
# The largest answers are those of embeddings: 20 vectors of 2560 numbers, 1 MB. What describes a file is short.
MAX_ANSWER_BYTES = 32 * 1024 * 1024
MAX_DESCRIPTION_BYTES = 64 * 1024
# GigaChat lists a dozen models in 2 KB, and a balance is shorter.
MAX_LIST_BYTES = 1024 * 1024
# The mark of the local GigaChat: nobody must take its answers for GigaChat's.
SANDBOX_HEADER = "X-Sandbox"
# What is longer is sent piece by piece, as the connection takes it.
_PIECE_BYTES = 256 * 1024
_JSON = "application/json"
# A refusal's sentence comes with its status; the gateway does not wait longer for a slow one.
_REFUSAL_SECONDS = 5.0

# Without a connection nobody is served; any other failure may be one request's own.
_CERTAIN = frozenset({"connect", "tls", "handshake", "dns"})


@asynccontextmanager
async def open_session(
    context: ssl.SSLContext, connect_seconds: float, *, reuse: bool = True
) -> AsyncIterator[aiohttp.ClientSession]:
    """A session for GigaChat or its OAuth server: no cookies, no limit on connections.

    `reuse`: connections wait for the next request; else each request has one of its own.
    """
    async with aiohttp.ClientSession(
        connector=Connector(context, connect_seconds, reuse=reuse),
        cookie_jar=aiohttp.DummyCookieJar(),
        # GigaChat may refuse a request without a User-Agent. A compressed stream would wait for a full block, and a
        # compressed answer of 0.3 MB may become 1 GB: none is asked for, and one that comes all the same is refused.
        headers={"User-Agent": f"gpt2giga-proxy/{program_version()}", "Accept-Encoding": "identity"},
        auto_decompress=False,
    ) as session:
        yield session


class GigaChat:
    """GigaChat's API under one base URL."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        monitor: HealthMonitor,
        *,
        timeout: float,
        proxy: str = "",
        times: UpstreamTimes = TIMES,
    ) -> None:
        self.monitor = monitor
        self._session = session
        self._base = base_url
        self._proxy = proxy or None
        self._urls: dict[str, URL] = {}
        self._whole = aiohttp.ClientTimeout(total=timeout)
        self._stream = aiohttp.ClientTimeout(total=None, sock_read=timeout)
        self._small = aiohttp.ClientTimeout(total=min(timeout, times.small_request))
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

        `anew`: over a new connection, because an idle one was dead. Raises UpstreamFailure.
        """
        method = "GET" if body is None else "POST"
        return await self._open(method, path, token, headers, body, self._stream if stream else self._whole, anew)

    async def get(self, path: str, token: Token, headers: Mapping[str, str]) -> bytes:
        """Send a GET, give the 200's body. Raises UpstreamFailure.

        The caller tells the monitor what the answer says of GigaChat: only it knows what was asked.
        """
        response = await self._open("GET", path, token, headers, None, self._small)
        self.sandbox = SANDBOX_HEADER in response.headers
        return await read_body(response, MAX_LIST_BYTES)

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
        url = self._build_url(path)
        FRESH.set(False)
        try:
            response = await self._session.request(
                method,
                url,
                data=_make_payload(body),
                headers={**token.headers, **headers},
                timeout=limits,
                proxy=self._proxy,
                allow_redirects=False,
                server_hostname=fresh_connection_name(url) if anew else None,
            )
        except (aiohttp.ClientError, OSError) as fault:
            raise self._classify(fault) from fault
        if response.status != 200:
            raise await self._take_refusal(response, small=body is None)
        if (coding := find_encoding(response.headers)) is not None:
            response.close()
            raise self._refuse_encoded(coding)
        if body is not None:
            self.monitor.mark_available()
        return response

    # An error that stands in a variable of a frame that it leaves is a ring with it, which only the collector frees.

    def _classify(self, fault: aiohttp.ClientError | OSError) -> Unreachable:
        failure = classify_fault(fault, reused=not FRESH.get())
        if failure.cause in _CERTAIN:
            self.monitor.mark_unavailable(failure.detail)
        elif failure.cause != "stale":  # an idle connection that died says nothing about GigaChat
            self.monitor.report_failure(failure.detail)
        return failure

    async def _take_refusal(self, response: aiohttp.ClientResponse, *, small: bool) -> Refused:
        """A GigaChat that refuses is there; of a small request's refusal the caller tells what it says."""
        refused = await _read_refusal(response)
        if refused.status >= 500:
            self.monitor.report_failure(str(refused))
        elif not small and not refused.page:
            self.monitor.mark_available(success=False)
        return refused

    def _refuse_encoded(self, coding: str) -> Unreachable:
        failure = refuse_encoded_answer(coding)
        self.monitor.report_failure(failure.detail)
        return failure

    def _build_url(self, path: str) -> URL:
        url = self._urls.get(path)
        if url is None:
            url = URL(f"{self._base}/{path}")
            if len(self._urls) < 64:  # a file's id is part of its path
                self._urls[path] = url
        return url


def _make_payload(body: bytes | Form | None) -> aiohttp.FormData | aiohttp.Payload | None:
    """The body as the session sends it: JSON is not searched for its kind, and a long one is copied piece by piece."""
    if body is None:
        return None
    if isinstance(body, Form):
        return body.build()
    if len(body) > _PIECE_BYTES:
        return aiohttp.BytesIOPayload(BytesIO(body), content_type=_JSON)
    return aiohttp.BytesPayload(body, content_type=_JSON)


async def read_body(response: aiohttp.ClientResponse, most: int = MAX_ANSWER_BYTES) -> bytes:
    """The whole body of an open response, which is ended here in any case. Raises UpstreamFailure."""
    try:
        if (response.content_length or most + 1) <= most:
            return await response.read()
        body = await read_at_most(response, most + 1)
        if len(body) > most:
            raise refuse_large_answer(most)
        return body
    except (aiohttp.ClientError, OSError) as fault:
        raise classify_fault(fault) from fault
    finally:
        if not response.closed:  # after a body read to its end the connection is already back in the pool
            response.close()


async def _read_refusal(response: aiohttp.ClientResponse) -> Refused:
    body, coding = b"", find_encoding(response.headers)
    try:
        if coding is None:
            async with asyncio.timeout(_REFUSAL_SECONDS):
                body = await read_at_most(response, MAX_REFUSAL_BYTES)
    except (aiohttp.ClientError, OSError):
        pass  # the status is known, its sentence is lost
    finally:
        response.close()
    wait = parse_retry_after(response.headers.get("Retry-After"), response.headers.get("Date"))
    return Refused(response.status, body, wait, coding)
