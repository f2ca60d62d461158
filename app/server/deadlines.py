"""How long a client waits, how urgent its request is, and how often it wants to hear: the headers that say so.

Sources: OpenAI's Python package sends `x-stainless-read-timeout`, its Node package `x-stainless-timeout`, both in
seconds. The others are the gateway's own (README.md, "The queue").
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from time import monotonic

from app import errors
from app.admission.tickets import Ticket
from app.config import Config
from app.errors import GatewayError
from app.observe.request_record import RequestRecord

_DEADLINE, _PRIORITY, _ON_ABORT = "X-Request-Deadline-Ms", "X-Priority", "X-On-Abort"
_READ_TIMEOUTS = ("x-stainless-read-timeout", "x-stainless-timeout")
_COALESCE = "X-Stream-Coalesce-Ms"
_LONGEST_MS = 86_400_000  # a day
_LONGEST_PAUSE_MS = 60_000
_MOST_DIGITS = 100  # Python reads no number of thousands
# The queue ends its own waits, since it knows when to come back: it gets its time-out first.
_QUEUE_FIRST_SECONDS = 0.01


def make_ticket(headers: Mapping[str, str], record: RequestRecord, config: Config, *, stream: bool) -> Ticket:
    """The request's ticket. `stream`: the client gets signs of life. Raises GatewayError for a header that is wrong."""
    received = record.received
    waits_until, deadline = received + config.queue_seconds, None
    if _DEADLINE in headers:
        deadline = received + _read_milliseconds(headers, _DEADLINE, _LONGEST_MS)
    if not stream:
        told = received + read_timeout(headers)
        if told < math.inf:
            deadline = told if deadline is None else min(deadline, told)
    if deadline is not None and deadline < waits_until:
        waits_until = deadline
    is_batch = _PRIORITY in headers and _read_word(headers, _PRIORITY, "interactive", "batch")
    drains = _ON_ABORT in headers and _read_word(headers, _ON_ABORT, "cancel", "drain")
    return Ticket(record.tenant, received, waits_until, deadline, is_batch, drains)


def read_timeout(headers: Mapping[str, str]) -> float:
    """How many seconds the client waits for the next byte, as its package tells; infinite where it does not."""
    told = math.inf
    for name in _READ_TIMEOUTS:
        if name in headers:
            told = min(told, _read_seconds(headers[name]))
    return told


def _read_seconds(told: str) -> float:
    """Infinite for what is no time-out: a package may write `None`."""
    try:
        seconds = float(told)
    except ValueError:
        return math.inf
    return seconds if seconds > 0 else math.inf  # not of a NaN either


@asynccontextmanager
async def within(ticket: Ticket) -> AsyncIterator[None]:
    """A context that ends at the client's deadline, if it names one. Raises GatewayError then."""
    if ticket.deadline is None:
        yield
        return
    try:
        async with asyncio.timeout(max(0.0, ticket.deadline - monotonic()) + _QUEUE_FIRST_SECONDS) as limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        message = "The request's deadline passed before its answer was whole. Wait longer, or ask for less."
        raise GatewayError(errors.DEADLINE_EXCEEDED, message) from None


def read_coalescing(headers: Mapping[str, str]) -> float | None:
    """The least seconds between two pieces of a stream; None: as GigaChat gives them. Raises GatewayError."""
    return _read_milliseconds(headers, _COALESCE, _LONGEST_PAUSE_MS) if _COALESCE in headers else None


def _read_milliseconds(headers: Mapping[str, str], name: str, most: int) -> float:
    """Seconds."""
    told = headers[name].strip()
    is_number = told.isascii() and told.isdigit() and len(told) <= _MOST_DIGITS
    if not (is_number and 0 < int(told) <= most):
        message = f"The header {name} must be a whole number of milliseconds, from 1 to {most}."
        raise GatewayError(errors.INVALID_VALUE, message, param=name)
    return int(told) / 1000


def _read_word(headers: Mapping[str, str], name: str, usual: str, other: str) -> bool:
    """Whether a header has the other of its two words."""
    word = headers[name].strip().lower()
    if word not in {usual, other}:
        message = f"The header {name} must be '{usual}' or '{other}'."
        raise GatewayError(errors.INVALID_VALUE, message, param=name)
    return word == other
