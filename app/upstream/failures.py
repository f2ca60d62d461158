"""What can go wrong on the way to GigaChat: failures of the wire, which name no client protocol.

UpstreamFailure
├── Refused        GigaChat answered with a status that is no 200
└── Unreachable    no answer, or none to the end: connect, TLS, DNS, stale connection, time-out, cut, no GigaChat
"""

from __future__ import annotations

import os
import ssl
import time
from http import HTTPStatus
from typing import Literal

import aiohttp

from app.upstream.reading import parse_http_date

# No client waits longer than a day; a larger number is a mistake of the server.
_LONGEST_RETRY_AFTER = 86_400.0

Cause = Literal["connect", "tls", "handshake", "dns", "stale", "timeout", "cut", "protocol"]

_TLS_REMEDY = (
    "Verification of GigaChat's certificate failed ({reason}). Run `python -m app certs --fetch` for the Ministry's "
    "certificates, or name those of your own proxy or contour in GIGACHAT_CA_BUNDLE_FILE."
)


class UpstreamFailure(Exception):
    """An attempt that brought no answer."""


class Refused(UpstreamFailure):
    """A status that is no 200, from GigaChat or from what answers in its place: `page` is true for HTML.

    `coding`: the body came compressed, and was not read. `retry_after`: seconds.
    """

    def __init__(self, status: int, body: bytes, retry_after: float | None, coding: str | None = None) -> None:
        self.page = body.lstrip()[:1] == b"<"
        what = " with a page of HTML" if self.page else f", compressed ({coding})" if coding else ""
        super().__init__(f"GigaChat answered {status}{what}")
        self.status = status
        self.body = body
        self.retry_after = retry_after


class Unreachable(UpstreamFailure):
    """No answer. `detail` is for the operator's log: it names hosts, never credentials."""

    def __init__(self, cause: Cause, detail: str) -> None:
        super().__init__(detail)
        self.cause: Cause = cause
        self.detail = detail


def classify_fault(fault: Exception, *, reused: bool = False, server: str = "GigaChat") -> Unreachable:
    """The failure that an exception of the HTTP client stands for; `reused`: the connection had served before.

    `server`: what was asked, in the words for operators.
    """
    if isinstance(fault, aiohttp.ClientConnectorCertificateError):
        return Unreachable("tls", _TLS_REMEDY.format(reason=_read_verify_message(fault.certificate_error)))
    if isinstance(fault, aiohttp.ClientSSLError | ssl.SSLError):
        return Unreachable("handshake", f"the TLS handshake with {server} failed: {fault}")
    if isinstance(fault, aiohttp.ClientConnectorError):
        return _classify_connector(fault, server)
    if isinstance(fault, aiohttp.ConnectionTimeoutError):
        return Unreachable("connect", f"no connection to {server}: {fault}")
    if isinstance(fault, aiohttp.ClientHttpProxyError):
        # The exception's own words name the proxy's URL, with its password.
        wanted = _explain_proxy_status(fault.status)
        return Unreachable("connect", f"the outbound proxy refused the connection ({fault.status}){wanted}")
    if isinstance(fault, TimeoutError):
        return Unreachable("timeout", f"{server} did not answer in time")
    if isinstance(fault, aiohttp.ClientPayloadError):
        return Unreachable("cut", f"{server}'s answer was cut off")
    if isinstance(fault, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError | ConnectionError):
        return Unreachable("stale" if reused else "connect", f"{server} closed the connection without an answer")
    return Unreachable("protocol", f"what answered is no GigaChat: {type(fault).__name__}")


def refuse_large_answer(most: int) -> Unreachable:
    """The failure of an answer that is larger than any of GigaChat's."""
    return Unreachable("protocol", f"GigaChat's answer has more than {most} bytes")


def refuse_encoded_answer(coding: str) -> Unreachable:
    """The failure of an answer that came compressed, though none of the gateway's requests takes that."""
    return Unreachable(
        "protocol",
        f"GigaChat's answer is compressed ({coding}), which the gateway never asks for: look at what stands between "
        "(a proxy must pass Accept-Encoding: identity on)",
    )


def _classify_connector(fault: aiohttp.ClientConnectorError, server: str) -> Unreachable:
    """No connection: the host, and the system's words. aiohttp's own show the address as a Python tuple."""
    number, words = fault.os_error.errno, fault.os_error.strerror
    if isinstance(fault, aiohttp.ClientConnectorDNSError):  # a resolver's numbers are not the system's
        return Unreachable("dns", f"{server}'s host name does not resolve: {fault.host}: {words or fault.os_error}")
    asked = "the outbound proxy" if isinstance(fault, aiohttp.ClientProxyConnectionError) else server
    words = os.strerror(number) if number else words
    return Unreachable("connect", f"no connection to {asked}: {fault.host}:{fault.port}: {words or fault.os_error}")


def _explain_proxy_status(status: int) -> str:
    """What a proxy that refuses with this status wants; empty when that is not known."""
    if status != HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return ""
    return ": it wants a user and a password, or others, in GPT2GIGA_UPSTREAM_PROXY (http://user:password@host:port)"


def _read_verify_message(fault: Exception) -> str:
    return getattr(fault, "verify_message", "") or str(fault)


def parse_retry_after(value: str | None, date: str | None = None) -> float | None:
    """Seconds from a Retry-After header: a number or an HTTP date (RFC 9110, 10.2.3), by the answer's own `Date`."""
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return min(float(value), _LONGEST_RETRY_AFTER)
    until, now = parse_http_date(value), parse_http_date(date)
    if until is None:
        return None
    return min(max(0.0, until - (time.time() if now is None else now)), _LONGEST_RETRY_AFTER)
