"""What asking OAuth and asking GigaChat share: connections, a bounded read, dates, and bugs that no task may die of."""

from __future__ import annotations

import asyncio
import datetime as dt
import email.utils
from dataclasses import dataclass

import aiohttp
from yarl import URL


@dataclass(slots=True)
class Connection:
    """What the session's trace learns of the connection that one attempt used: was it made for it?"""

    fresh: bool = False


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
