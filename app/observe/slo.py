"""Decides whether a request is good or bad for each service level objective, so that alerts only divide counters.

Source: the table of errors (`app/errors.py`). Its column `slo` says which failures count against availability.
"""

from __future__ import annotations

from typing import Literal

from app.observe.labels import RENEWABLE_SOURCES
from app.observe.request_record import RequestRecord

Result = Literal["good", "bad", "excluded"]

FIRST_TOKEN_SECONDS = 3.0
# The log line of a slower request is always written, even if only a fraction of lines is.
SLOW_SECONDS = 30.0
SLOW_OVERHEAD_SECONDS = 1.0


def judge_availability(record: RequestRecord) -> Result:
    """Of each finished request: whether the client got its answer."""
    if record.slo_bad:
        return "bad"
    return "good" if record.error_type is None else "excluded"


def judge_first_token(record: RequestRecord, now: float) -> Result:
    """Of each stream: whether its first token came in time. `now`: its end, on the monotonic clock.

    A stream that ended early without a token counts for availability only. A stream that ended late without a token is
    bad, whoever ended it.
    """
    if record.first_token is None and _is_excluded(record):
        return "excluded"
    waited_until = now if record.first_token is None else record.first_token
    if waited_until - record.received > FIRST_TOKEN_SECONDS:
        return "bad"
    return "excluded" if record.first_token is None else "good"


def judge_token(source: str | None) -> Result:
    """Of each sample: whether the gateway has a token that it can renew. `source`: None before the first attempt."""
    if source is None or source == "ready":
        return "excluded"
    return "good" if source in RENEWABLE_SOURCES else "bad"


def is_slow(seconds: float, overhead: float, first_word: Result | None) -> bool:
    """Whether the request took so long that an operator may ask about it.

    `seconds`: the whole; `overhead`: the gateway's share. `first_word`: the verdict on it, if this is a stream.
    """
    return seconds > SLOW_SECONDS or overhead > SLOW_OVERHEAD_SECONDS or first_word == "bad"


def _is_excluded(record: RequestRecord) -> bool:
    """Whether the request was refused through the client's mistake, or because the gateway stops."""
    return judge_availability(record) == "excluded" and record.aborted_by is None
