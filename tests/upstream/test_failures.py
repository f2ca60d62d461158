"""What can go wrong on the way, in the words of the wire."""

from __future__ import annotations

import errno
import ssl
import time
from email.utils import formatdate

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from app.upstream.failures import classify_fault, parse_retry_after
from tests.running import GatewayStarter, eventually
from tests.upstream.conftest import Bare, Events, See

KEY = ConnectionKey("api.giga.chat", 443, True, True, None, None, None)
RESET = OSError(errno.ECONNRESET, "Connection reset by peer")
UNTRUSTED = ssl.SSLCertVerificationError(1, "unable to get local issuer certificate")


@pytest.mark.parametrize(
    ("fault", "cause", "reused"),
    [
        (aiohttp.ClientConnectorCertificateError(KEY, UNTRUSTED), "tls", "tls"),
        (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError("handshake")), "handshake", "handshake"),
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
    assert classify_fault(fault).cause == cause
    assert classify_fault(fault, reused=True).cause == reused


@pytest.mark.parametrize(
    ("fault", "detail"),
    [
        (
            aiohttp.ClientConnectorError(KEY, OSError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 443)")),
            "no connection to the OAuth server: api.giga.chat:443: Connection refused",
        ),
        (
            aiohttp.ClientProxyConnectionError(KEY, OSError(errno.ECONNREFUSED, "Connect call failed")),
            "no connection to the outbound proxy: api.giga.chat:443: Connection refused",
        ),
        (
            aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "Name or service not known")),
            "the OAuth server's host name does not resolve: api.giga.chat: Name or service not known",
        ),
        (
            aiohttp.ClientConnectorError(KEY, OSError("Multiple exceptions: [Errno 111] a, [Errno 101] b")),
            "no connection to the OAuth server: api.giga.chat:443: Multiple exceptions: [Errno 111] a, [Errno 101] b",
        ),
        (aiohttp.ServerDisconnectedError(), "the OAuth server closed the connection without an answer"),
    ],
    ids=["refused", "a proxy", "no name", "several addresses", "closed"],
)
def test_whose_fault_it_is_is_told(fault: Exception, detail: str) -> None:
    """The server that was asked, its address, and the system's words for what happened."""
    assert classify_fault(fault, server="the OAuth server").detail == detail


def test_remedy_for_a_certificate() -> None:
    """An untrusted certificate names the reason, and the commands and the setting that help."""
    detail = classify_fault(aiohttp.ClientConnectorCertificateError(KEY, UNTRUSTED)).detail
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
    assert parse_retry_after(value, DATE) == seconds


def test_retry_after_without_a_date() -> None:
    """Where the answer tells no time, this machine's clock is all there is."""
    assert parse_retry_after(formatdate(time.time() + 60, usegmt=True)) == pytest.approx(60, abs=2)


@pytest.mark.parametrize(("status", "asks"), [(407, True), (403, False), (502, False)])
async def test_a_proxy_that_refuses(
    bare: Bare, start_gateway: GatewayStarter, see: See, events: Events, status: int, asks: bool
) -> None:
    """It is told from GigaChat, with its status; one that wants a password names the setting. No password shows."""
    bare.answers = [[f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()]]
    gateway = await start_gateway(
        ready=False,
        GIGACHAT_BASE_URL="https://giga.invalid",
        GIGACHAT_AUTH_URL="https://giga.invalid/oauth",
        GPT2GIGA_UPSTREAM_PROXY=bare.url.replace("//", "//user:s3cret@"),
    )
    await eventually(lambda: bool(events("no token from OAuth")))
    why = events("no token from OAuth")[0]["why"]
    assert f"the outbound proxy refused the connection ({status})" in why
    assert ("a user and a password" in why) is asks
    assert bare.asked[0].startswith(b"CONNECT giga.invalid:443 ")
    told = (await see(gateway.url))[1]["token"]
    assert (told["reason"], "GPT2GIGA_UPSTREAM_PROXY" in told["remedy"]) == ("the OAuth server cannot be reached", True)
    failure = classify_fault(await _proxy_error(bare.url.replace("//", "//user:s3cret@")))
    assert failure.cause == "connect"
    assert "s3cret" not in why + failure.detail + str(told)


async def _proxy_error(proxy: str) -> Exception:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientHttpProxyError) as caught:
            await session.get("https://giga.invalid/", proxy=proxy)
    return caught.value
