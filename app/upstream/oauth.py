"""Requests for a token: OAuth with the Authorization Key, or login and password.

Source: docs/gigachat-api.md, "Authorization". A token's life is reckoned from the answer's own `Date`, so that neither
side's wall clock matters; the caller counts it on a monotonic clock from before the request was sent.

The session must not reuse connections: tokens are asked for every 24 minutes, when an idle connection is long dead.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

from app.credentials import Credential
from app.response_limits import find_encoding
from app.upstream.failures import Cause, classify_fault
from app.upstream.reading import parse_http_date, read_at_most
from app.upstream.times import TIMES, UpstreamTimes

# A token lives 30 minutes by the documentation: used where an answer does not say when its token ends.
DOCUMENTED_LIFE = 1800.0
# Below this number `expires_at` counts seconds, above it milliseconds: contours differ.
_SECONDS_BELOW = 10_000_000_000
_MAX_ANSWER = 64 * 1024


class TokenFailure(Exception):
    """No token: `reason` is for people, `remedy` says what to do, `refused` marks a key that is itself not accepted.

    Clients may see both; `detail` is for the operator's log alone: it names hosts.
    """

    def __init__(self, reason: str, remedy: str, *, status: int | None = None, detail: str = "") -> None:
        super().__init__(f"{reason}{detail and f' ({detail})'}. {remedy}")
        self.reason = reason
        self.remedy = remedy
        self.detail = detail
        self.status = status  # of the OAuth server's answer; None: there was none, or none to be used
        self.refused = status in {400, 401}


@dataclass(frozen=True, slots=True)
class Grant:
    """A fresh token and the seconds that it lives, counted from before it was asked for."""

    token: str
    life: float

    def __repr__(self) -> str:
        return f"Grant(life={self.life:.0f})"


_MEANWHILE = (
    'Meanwhile give a ready token: GIGACHAT_ACCESS_TOKEN, docs/runbook.md, section "Giving a ready token". The '
    "gateway goes on trying"
)
_WAIT = f"Look whether OAuth is down for others as well. {_MEANWHILE}"
_CHECK = (
    "Check GIGACHAT_AUTH_URL (of a login: GIGACHAT_BASE_URL), the network and the proxy (GPT2GIGA_UPSTREAM_PROXY). "
    f"{_MEANWHILE}"
)
_LESS = f"Find who else asks for tokens with this key. {_MEANWHILE}"
_CLOCK = f"Check that no proxy keeps OAuth's answers. {_MEANWHILE}"
_TRUST = (
    "Run `python -m app certs --fetch` for the Ministry's certificates, or name those of your own proxy or contour in "
    "GIGACHAT_CA_BUNDLE_FILE"
)
# Why no answer came -> what it means and what helps. "stale" cannot be: no connection is reused.
CAUSES: dict[Cause, tuple[str, str]] = {
    "connect": ("the OAuth server cannot be reached", _CHECK),
    "dns": ("the OAuth server's name does not resolve", _CHECK),
    "tls": (
        "the OAuth server's certificate is not trusted",
        _TRUST,
    ),
    "handshake": ("TLS with the OAuth server failed", _CHECK),
    "timeout": ("the OAuth server did not answer in time", _WAIT),
    "cut": ("the OAuth server's answer was cut off", _WAIT),
    "protocol": ("the OAuth server's answer could not be read", _CHECK),
}
_SCOPE_REMEDY = "Set GIGACHAT_SCOPE to the scope that the key was issued for (GIGACHAT_API_PERS, _B2B or _CORP)"
_KEY_REMEDY = "Set GIGACHAT_CREDENTIALS to the Authorization Key of the project, as the personal account shows it"
# (status, OAuth's own code) -> what it means and what helps; a code of None stands for any.
_Refusals = dict[tuple[int, int | None], tuple[str, str]]
REFUSALS: _Refusals = {
    (400, 1): ("OAuth does not know the scope", _SCOPE_REMEDY),
    (400, 5): ("OAuth got no scope", _SCOPE_REMEDY),
    (400, 7): ("the key belongs to another scope", _SCOPE_REMEDY),
    (400, None): ("OAuth did not accept the request (400)", _SCOPE_REMEDY),
    (401, None): ("OAuth does not accept the key (401)", _KEY_REMEDY),
    (403, None): ("OAuth denies access (403)", "Check that the account is active and may be used from this address"),
    (429, None): ("OAuth takes no more requests at the moment (429)", _LESS),
}
_LOGIN_REMEDY = "Set GIGACHAT_USER and GIGACHAT_PASSWORD to those of the contour"
LOGIN_REFUSALS: _Refusals = {
    (400, None): ("the login was not accepted (400)", _LOGIN_REMEDY),
    (401, None): ("user and password are not accepted (401)", _LOGIN_REMEDY),
    (403, None): ("the login is denied (403)", "Check that the account is active and may be used from this address"),
    (404, None): (
        "GIGACHAT_BASE_URL takes no logins (404)",
        "Set GIGACHAT_BASE_URL to the contour's own, or GIGACHAT_CREDENTIALS in place of user and password",
    ),
    (429, None): ("no more logins are taken at the moment (429)", _LESS),
}


@dataclass(frozen=True, slots=True)
class OAuth:
    """Asks the OAuth server, with one credential."""

    session: aiohttp.ClientSession
    url: str
    credential: Credential
    scope: str
    proxy: str | None = field(repr=False)
    times: UpstreamTimes = TIMES

    async def __call__(self) -> Grant:
        """A fresh token. Raises TokenFailure."""
        headers = {
            "Authorization": f"Basic {self.credential.key}",
            "RqUID": str(uuid.uuid4()),
            "Accept": "application/json",
        }
        form = {"scope": self.credential.scope or self.scope}
        return await _ask(self, headers, form, REFUSALS)


@dataclass(frozen=True, slots=True)
class Login:
    """Asks a contour that knows users and passwords: `POST {base}/token`."""

    session: aiohttp.ClientSession
    url: str
    user: str
    password: str
    proxy: str | None
    times: UpstreamTimes = TIMES

    async def __call__(self) -> Grant:
        """A fresh token. Raises TokenFailure."""
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return await _ask(self, {"Authorization": f"Basic {pair}"}, None, LOGIN_REFUSALS)

    def __repr__(self) -> str:
        return f"Login(url={self.url!r})"


async def _ask(
    server: OAuth | Login, headers: dict[str, str], form: dict[str, str] | None, refusals: _Refusals
) -> Grant:
    """Ask once. Raises TokenFailure."""
    try:
        async with server.session.post(
            server.url,
            headers=headers,
            data=form,
            proxy=server.proxy,
            timeout=aiohttp.ClientTimeout(total=server.times.oauth),
            allow_redirects=False,
        ) as response:
            coding = find_encoding(response.headers)
            body = await read_at_most(response, _MAX_ANSWER) if coding is None else b""
    except (aiohttp.ClientError, OSError) as fault:
        failure = classify_fault(fault, server="the OAuth server")
        reason, remedy = CAUSES[failure.cause]
        raise TokenFailure(reason, remedy, detail=failure.detail) from None
    if response.status != 200:
        raise _explain_refusal(response.status, body, refusals)
    if coding is not None:
        raise TokenFailure(*CAUSES["protocol"], detail=f"it is compressed ({coding}), which was not asked for")
    return _read_grant(body, response.headers.get("Date"))


def _explain_refusal(status: int, body: bytes, refusals: _Refusals) -> TokenFailure:
    code = _parse_object(body).get("code")
    code = code if type(code) is int else None
    known = refusals.get((status, code)) or refusals.get((status, None))
    # A server's own failure passes by itself; any other status does not come from an OAuth server.
    reason, remedy = known or (f"the OAuth server failed (status {status})", _WAIT if status >= 500 else _CHECK)
    return TokenFailure(reason, remedy, status=status)


def _read_grant(body: bytes, date: str | None) -> Grant:
    fields = _parse_object(body)
    token = fields.get("access_token") or fields.get("tok")
    if not isinstance(token, str) or not token or not token.isprintable() or not token.isascii():
        raise TokenFailure("the OAuth server's answer holds no token", _CHECK)
    life = _remaining_life(fields.get("expires_at", fields.get("exp")), parse_http_date(date))
    if life <= 0:
        raise TokenFailure("the token had already ended when it came", _CLOCK)
    return Grant(token, life)


def _remaining_life(ends: object, now: float | None) -> float:
    """The seconds that are left, by the server's clock at its answer; the documented life where it tells no time.

    `Date` has whole seconds: the one under way counts against the token.
    """
    if now is None or isinstance(ends, bool) or not isinstance(ends, int | float) or ends <= 0:
        return DOCUMENTED_LIFE
    return (ends if ends < _SECONDS_BELOW else ends / 1000) - (now + 1)


def _parse_object(body: bytes) -> dict[str, Any]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
