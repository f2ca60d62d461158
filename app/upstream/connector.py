"""Connections to GigaChat and to its OAuth server: without a limit in number, and each tells when it is new."""

from __future__ import annotations

import asyncio
import ssl
from contextvars import ContextVar

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.tracing import Trace
from yarl import URL

from app.response_limits import limit_responses

# GigaChat decides when an idle connection ends; the gateway closes it a little after a chat's usual pause.
_KEEPALIVE_SECONDS = 60.0
# Whether the running attempt's connection was made for it. The connector sets it in the task that asks, which reads
# it afterwards; aiohttp's tracing would tell the same and cost each request a dozen calls.
FRESH: ContextVar[bool] = ContextVar("fresh", default=False)


class Connector(aiohttp.TCPConnector):
    """Connections without a limit in number, each of which tells when it is new; `seconds` for name, TCP and TLS.

    `reuse`: a connection waits for the next request; else it is closed after its answer, and never found dead.
    The session's own time-out for connections would be set up for every request, on a connection that is there too.
    """

    def __init__(self, context: ssl.SSLContext, seconds: float, *, reuse: bool = True) -> None:
        keepalive = _KEEPALIVE_SECONDS if reuse else None
        super().__init__(limit=0, ssl=context, keepalive_timeout=keepalive, force_close=not reuse, ttl_dns_cache=60)
        self._seconds = seconds
        limit_responses(self)

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> ResponseHandler:
        FRESH.set(True)
        try:
            async with asyncio.timeout(self._seconds):
                return await super()._create_connection(req, traces, timeout)
        except TimeoutError:
            raise aiohttp.ConnectionTimeoutError(f"no connection to {req.url.host} in {self._seconds:g} s") from None


def fresh_connection_name(url: str | URL) -> str | None:
    """The `server_hostname` that makes the session connect anew: connections wait for the next request by its value.

    When one idle connection has died, others have as a rule. The name is the one that TLS would check anyway.
    """
    return URL(url).host
