"""The facts of one request: filled on its way, told once at its end, to the log and the metrics alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import getrandbits
from time import monotonic
from typing import NamedTuple

from app.observe.gaps import Gaps


def new_id() -> str:
    """A request's id, in the form of a UUID. It is a name, not a secret: no entropy of the system's is spent."""
    digits = f"{getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class Tokens(NamedTuple):
    """What an answer cost, as GigaChat counted; in the order of the metrics' token types."""

    prompt: int
    completion: int
    cached: int


@dataclass(slots=True)
class Facts:
    """One request. Times are seconds on the monotonic clock; durations are seconds."""

    request_id: str = field(default_factory=new_id)
    endpoint: str = "other"
    received: float = field(default_factory=monotonic)
    tenant: str = "default"
    client_request_id: str | None = None
    model_asked: str | None = None
    model: str | None = None  # GigaChat's name that was asked upstream
    stream: bool = False
    body_bytes: int = 0
    status: int = 500  # what happened; in a stream that has begun the wire says 200 all the same
    wire_status: int | None = None
    error_type: str | None = None
    slo_bad: bool = False
    detail: str | None = None  # the cause, for operators: may name hosts, never a secret or content
    upstream_started: float | None = None
    upstream_ended: float | None = None
    upstream_status: int | None = None
    tries: int = 0
    files: int = 0  # in the request, and of these uploaded now
    uploads: int = 0
    files_seconds: float = 0.0  # fetching, converting and uploading them
    first_token: float | None = None  # monotonic
    gaps: Gaps | None = None  # of a stream, between its pieces
    chunks: int = 0
    keepalives: int = 0
    delivered: bool = False  # the whole answer is out: a client that leaves now leaves satisfied
    aborted_by: str | None = None  # client, upstream, idle_timeout, shutdown
    cut: bool = False  # the gateway ended the answer itself, at a stop sequence
    tokens: Tokens | None = None
    finish: str | None = None
    adapted: str = ""  # the notes, as the headers tell them
    dropped: str = ""
    dropped_params: Mapping[str, int] | None = None  # fields left out, and how often

    def upstream_seconds(self, now: float) -> float:
        """The time that GigaChat had the request, tries included; until `now` while it still has."""
        if self.upstream_started is None:
            return 0.0
        return (now if self.upstream_ended is None else self.upstream_ended) - self.upstream_started

    def usage_method(self) -> str:
        """How the answer's tokens are known: GigaChat told or counted them, or nobody did."""
        if self.tokens is None:
            return "none"
        return "counted" if self.cut else "upstream"

    def milliseconds(self) -> tuple[str, str]:
        """GigaChat's time and our own so far, as headers and comments tell them."""
        now = monotonic()
        upstream = self.upstream_seconds(now)
        return f"{upstream * 1000:.1f}", f"{max(0.0, now - self.received - upstream - self.files_seconds) * 1000:.1f}"
