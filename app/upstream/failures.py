"""What can go wrong on the way to GigaChat, in the words of the wire.

UpstreamFailure
├── Refused        GigaChat answered with a status that is no 200
└── Unreachable    no answer, or none to the end: connect, TLS, DNS, stale connection, time-out, cut, no GigaChat
"""

from __future__ import annotations

import ssl
import time
from http import HTTPStatus
from typing import Literal

import aiohttp

from app.upstream.wire import moment

# No refusal holds longer than a client can wait for; more is a number that nobody meant.
_LONGEST_RETRY_AFTER = 86_400.0

Cause = Literal["connect", "tls", "handshake", "dns", "stale", "timeout", "cut", "protocol"]

_TLS_REMEDY = (
    "Verification of GigaChat's certificate failed ({reason}). `python -m app certs` shows what is trusted; the "
    "Ministry's certificates are added with `python -m app certs --fetch`, others with GIGACHAT_CA_BUNDLE_FILE."
)


class UpstreamFailure(Exception):
    """An attempt that brought no answer."""


class Refused(UpstreamFailure):
    """GigaChat's own refusal, or that of what answers in its place: `page` is true for HTML."""

    def __init__(self, status: int, body: bytes, retry_after: float | None) -> None:
        self.page = body.lstrip()[:1] == b"<"
        super().__init__(f"GigaChat answered {status}" + (" with a page of HTML" if self.page else ""))
        self.status = status
        self.body = body
        self.retry_after = retry_after  # seconds


class Unreachable(UpstreamFailure):
    """No answer. `detail` is for the operator's log: it names hosts, never credentials."""

    def __init__(self, cause: Cause, detail: str) -> None:
        super().__init__(detail)
        self.cause: Cause = cause
        self.detail = detail


def unreachable(fault: Exception, *, reused: bool = False) -> Unreachable:
    """The cause of a client's exception; `reused`: the connection had served another request before."""
    if isinstance(fault, aiohttp.ClientConnectorCertificateError):
        return Unreachable("tls", _TLS_REMEDY.format(reason=_verify_message(fault.certificate_error)))
    if isinstance(fault, aiohttp.ClientSSLError | ssl.SSLError):
        return Unreachable("handshake", f"the TLS handshake with GigaChat failed: {fault}")
    if isinstance(fault, aiohttp.ClientConnectorDNSError):
        return Unreachable("dns", f"GigaChat's host name does not resolve: {fault}")
    if isinstance(fault, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return Unreachable("connect", f"no connection to GigaChat: {fault}")
    if isinstance(fault, aiohttp.ClientHttpProxyError):
        # The exception's own words name the proxy's URL, with its password.
        return Unreachable(
            "connect", f"the outbound proxy refused the connection ({fault.status}){_asks(fault.status)}"
        )
    if isinstance(fault, TimeoutError):
        return Unreachable("timeout", "GigaChat did not answer in time")
    if isinstance(fault, aiohttp.ClientPayloadError):
        return Unreachable("cut", "GigaChat's answer was cut off")
    if isinstance(fault, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError | ConnectionError):
        return Unreachable("stale" if reused else "connect", "GigaChat closed the connection without an answer")
    return Unreachable("protocol", f"what answered is no GigaChat: {type(fault).__name__}")


def _asks(status: int) -> str:
    """What a proxy wants that refuses by this status, as far as it is known."""
    if status != HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return ""
    return ": it wants a user and a password, or others, in GPT2GIGA_UPSTREAM_PROXY (http://user:password@host:port)"


def _verify_message(fault: Exception) -> str:
    return getattr(fault, "verify_message", "") or str(fault)


def retry_after(value: str | None, date: str | None = None) -> float | None:
    """Seconds from a Retry-After header: a number or an HTTP date (RFC 9110, 10.2.3), by the answer's own `Date`."""
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return min(float(value), _LONGEST_RETRY_AFTER)
    until, now = moment(value), moment(date)
    if until is None:
        return None
    return min(max(0.0, until - (time.time() if now is None else now)), _LONGEST_RETRY_AFTER)
