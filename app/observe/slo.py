"""What counts for and against the objectives, decided here so that alerts only divide.

Source: the table of errors (`app/errors.py`), whose column says which failures count against availability.
"""

from __future__ import annotations

from typing import Literal

from app.observe.facts import Facts
from app.observe.labels import FIRST_LEVEL

Result = Literal["good", "bad", "excluded"]

FIRST_TOKEN_SECONDS = 3.0
# A request that took longer is worth its log line, whatever share of lines is kept. Seconds.
SLOW_SECONDS = 30.0
SLOW_OVERHEAD_SECONDS = 1.0


def availability(facts: Facts) -> Result:
    """Of every finished request: did the client get what it asked for?"""
    if facts.slo_bad:
        return "bad"
    return "good" if facts.error_type is None else "excluded"


def first_token(facts: Facts, now: float) -> Result:
    """Of every stream: was there a word soon after the request had come? `now`: its end, on the monotonic clock.

    One that ends soon without a word is availability's matter; one that a client waited for in vain is bad, whoever
    ended it.
    """
    if facts.first_token is None and _own_fault(facts):
        return "excluded"
    spoken = now if facts.first_token is None else facts.first_token
    if spoken - facts.received > FIRST_TOKEN_SECONDS:
        return "bad"
    return "excluded" if facts.first_token is None else "good"


def token(source: str | None) -> Result:
    """At every look: is there a token that renews itself? `source`: of the token in use; None: none was tried yet."""
    if source is None or source == "ready":
        return "excluded"
    return "good" if source in FIRST_LEVEL else "bad"


def slow(facts: Facts, now: float, overhead: float) -> bool:
    """Whether an operator would ask about this request, though it went well."""
    if now - facts.received > SLOW_SECONDS or overhead > SLOW_OVERHEAD_SECONDS:
        return True
    return facts.stream and first_token(facts, now) == "bad"


def _own_fault(facts: Facts) -> bool:
    """The client's own mistake, or the gateway is leaving: refused before GigaChat could say a word."""
    return availability(facts) == "excluded" and facts.aborted_by is None
