"""Reading of answers: a body up to a bound, and HTTP dates."""

from __future__ import annotations

import datetime as dt
import email.utils
from io import BytesIO

import aiohttp


async def read_at_most(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The body's first `most` bytes."""
    body = BytesIO()  # its value is handed over without a copy
    async for chunk in response.content.iter_any():
        body.write(chunk)
        if body.tell() >= most:
            body.truncate(most)
            break
    return body.getvalue()


def parse_http_date(date: str | None) -> float | None:
    """An HTTP date in Unix seconds; None when the header is absent or holds no date."""
    if not date:
        return None
    try:
        when = email.utils.parsedate_to_datetime(date)
        return (when if when.tzinfo else when.replace(tzinfo=dt.UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
