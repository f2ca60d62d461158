"""What can go wrong on the way, in the words of the wire."""

from __future__ import annotations

import errno
import ssl
import time
from email.utils import formatdate

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from app.upstream.failures import retry_after, unreachable

KEY = ConnectionKey("api.giga.chat", 443, True, True, None, None, None)
RESET = OSError(errno.ECONNRESET, "Connection reset by peer")
UNTRUSTED = ssl.SSLCertVerificationError(1, "unable to get local issuer certificate")


@pytest.mark.parametrize(
    ("fault", "cause", "reused"),
    [
        (aiohttp.ClientConnectorCertificateError(KEY, UNTRUSTED), "tls", "tls"),
        (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError("handshake")), "tls", "tls"),
        (aiohttp.ClientConnectorDNSError(KEY, OSError("no such name")), "dns", "dns"),
        (aiohttp.ClientConnectorError(KEY, RESET), "connect", "connect"),
        (aiohttp.ConnectionTimeoutError("connect"), "connect", "connect"),
        (aiohttp.SocketTimeoutError("read"), "timeout", "timeout"),
        (TimeoutError(), "timeout", "timeout"),
        (aiohttp.ClientPayloadError("cut"), "cut", "cut"),
        (aiohttp.ServerDisconnectedError(), "connect", "stale"),
        (aiohttp.ClientOSError(*RESET.args), "connect", "stale"),
        (aiohttp.ClientConnectionResetError("closing"), "connect", "stale"),
        (ConnectionResetError(*RESET.args), "connect", "stale"),
        (BrokenPipeError(), "connect", "stale"),
        (aiohttp.ClientError("what is this"), "protocol", "protocol"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_causes(fault: Exception, cause: str, reused: str) -> None:
    """Each exception has one cause; a connection that dies without an answer is stale only if it had served before."""
    assert unreachable(fault).cause == cause
    assert unreachable(fault, reused=True).cause == reused


def test_remedy_for_a_certificate() -> None:
    """An untrusted certificate names the reason, and the commands and the setting that help."""
    detail = unreachable(aiohttp.ClientConnectorCertificateError(KEY, UNTRUSTED)).detail
    for word in ("unable to get local issuer certificate", "python -m app certs --fetch", "GIGACHAT_CA_BUNDLE_FILE"):
        assert word in detail


DATE = "Mon, 01 Jan 2024 12:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        ("86400", 86400.0),
        ("9" * 400, 86400.0),
        ("Mon, 01 Jan 2024 12:00:30 GMT", 30.0),
        ("Mon, 01 Jan 2024 12:00:30 -0000", 30.0),
        ("Mon, 01 Jan 2024 11:00:00 GMT", 0.0),
        ("Mon, 01 Jan 2034 12:00:00 GMT", 86400.0),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    """Seconds or a date by the server's own clock; bounded, and anything else is none."""
    assert retry_after(value, DATE) == seconds


def test_retry_after_without_a_date() -> None:
    """Where the answer tells no time, this machine's clock is all there is."""
    assert retry_after(formatdate(time.time() + 60, usegmt=True)) == pytest.approx(60, abs=2)
