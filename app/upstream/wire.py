"""What asking OAuth and asking GigaChat share: connections, a bounded read, dates, and bugs that no task may die of."""

from __future__ import annotations

import asyncio
import datetime as dt
import email.utils
import ssl
from contextvars import ContextVar

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.tracing import Trace
from yarl import URL

# GigaChat's side decides when an idle connection ends; ours lets go a little after a chat's pause.
_KEEPALIVE_SECONDS = 60.0
# Whether the running attempt's connection was made for it. The connector runs in the asking task, so that the task
# reads what was said for it; a trace would tell the same and cost each request a dozen calls.
FRESH: ContextVar[bool] = ContextVar("fresh", default=False)


class Connector(aiohttp.TCPConnector):
    """Connections without a limit in number, each of which tells when it is new; `seconds` for name, TCP and TLS.

    The session's own time-out for connections would be set up for every request, on a connection that is there too.
    """

    def __init__(self, context: ssl.SSLContext, seconds: float) -> None:
        super().__init__(limit=0, ssl=context, keepalive_timeout=_KEEPALIVE_SECONDS, ttl_dns_cache=60)
        self._seconds = seconds

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


def unpooled(url: str | URL) -> str | None:
    """The `server_hostname` that makes the session connect anew: connections wait for the next request by its value.

    When one idle connection has died, others have as a rule. The name is the one that TLS would check anyway.
    """
    return URL(url).host


async def beginning(response: aiohttp.ClientResponse, most: int) -> bytes:
    """A body, but no more of it than so many bytes."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) >= most:
            break
    return bytes(body[:most])


def moment(date: str | None) -> float | None:
    """An HTTP date in Unix seconds; None where it is none."""
    if not date:
        return None
    try:
        when = email.utils.parsedate_to_datetime(date)
        return (when if when.tzinfo else when.replace(tzinfo=dt.UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def survived(fault: Exception, what: str) -> None:
    """Tell of a bug that a background task lives on after: the loop's handler logs it with its traceback."""
    asyncio.get_running_loop().call_exception_handler(
        {"message": f"a bug of the gateway's own, survived: {what}", "exception": fault}
    )
