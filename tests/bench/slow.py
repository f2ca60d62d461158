"""Slow streams: a chunk a second, each with the time at which it was sent.

All processes of a machine share the monotonic clock, so that the text `t=123.456789` tells how long its chunk was under
way.
"""

from __future__ import annotations

import re
import resource

from . import payloads

SLOW = "slow"
MARK = re.compile(rb"bench:slow:(\d{1,5})")
PACE_SECONDS = 1.0
_SENT = re.compile(rb"t=(\d+\.\d{6})")


def text(index: int, now: float) -> str:
    """What one chunk says: the time, and words as other streams have them."""
    return f"t={now:.6f} {payloads.phrase(index)}"


def sent(data: bytes) -> list[float]:
    """When the chunks in these bytes left the upstream, seconds of the monotonic clock."""
    return [float(found) for found in _SENT.findall(data)]


def raise_file_limit() -> int:
    """As many open files as the system lets this process have; children inherit it. Give the number."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
