"""How a token is got: OAuth with the Authorization Key, or login and password.

Source: GigaChat's REST API, "Authorization". A token's life is reckoned from the answer's own `Date`, so that neither
side's wall clock matters; the caller counts it on a monotonic clock from before the request was sent.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

from app.settings import Credential
from app.upstream.failures import Cause, unreachable
from app.upstream.wire import FRESH, beginning, moment, unpooled

# Documented: a token lives 30 minutes. Taken where an answer does not say when its token ends.
DOCUMENTED_LIFE = 1800.0
# Below this number `expires_at` counts seconds, above it milliseconds: contours differ.
_SECONDS_BELOW = 10_000_000_000
_TIMEOUT = 10.0  # of the whole exchange, seconds
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


_WAIT = "The gateway goes on trying"
_CHECK = (
    "Check GIGACHAT_AUTH_URL (of a login: GIGACHAT_BASE_URL), the network and the proxy (GPT2GIGA_UPSTREAM_PROXY). "
    "The gateway goes on trying"
)
_CAUSES: dict[Cause, tuple[str, str]] = {
    "connect": ("the OAuth server cannot be reached", _CHECK),
    "dns": ("the OAuth server's name does not resolve", _CHECK),
    "tls": (
        "the OAuth server's certificate is not trusted",
        "`python -m app certs` shows what is; `--fetch` or GIGACHAT_CA_BUNDLE_FILE adds to it",
    ),
    "handshake": ("TLS with the OAuth server failed", _CHECK),
    "stale": ("the OAuth server closed the connection", _WAIT),
    "timeout": ("the OAuth server did not answer in time", _WAIT),
    "cut": ("the OAuth server's answer was cut off", _WAIT),
    "protocol": ("the OAuth server's answer could not be read", _CHECK),
}
_SCOPE_REMEDY = "Set GIGACHAT_SCOPE to the scope that the key was issued for (GIGACHAT_API_PERS, _B2B or _CORP)"
_KEY_REMEDY = "Set GIGACHAT_CREDENTIALS to the Authorization Key of the project, as the personal account shows it"
# (status, OAuth's own code) -> what it means and what helps; a code of None stands for any.
_Refusals = dict[tuple[int, int | None], tuple[str, str]]
_REFUSALS: _Refusals = {
    (400, 1): ("OAuth does not know the scope", _SCOPE_REMEDY),
    (400, 5): ("OAuth got no scope", _SCOPE_REMEDY),
    (400, 7): ("the key belongs to another scope", _SCOPE_REMEDY),
    (400, None): ("OAuth did not accept the request (400)", _SCOPE_REMEDY),
    (401, None): ("OAuth does not accept the key (401)", _KEY_REMEDY),
    (403, None): ("OAuth denies access (403)", "Check that the account is active and may be used from this address"),
    (429, None): ("OAuth takes no more requests at the moment (429)", _WAIT),
}
_LOGIN_REMEDY = "Set GIGACHAT_USER and GIGACHAT_PASSWORD to those of the contour"
_LOGIN_REFUSALS: _Refusals = {
    (400, None): ("the login was not accepted (400)", _LOGIN_REMEDY),
    (401, None): ("user and password are not accepted (401)", _LOGIN_REMEDY),
    (403, None): ("the login is denied (403)", "Check that the account is active and may be used from this address"),
    (404, None): (
        "GIGACHAT_BASE_URL takes no logins (404)",
        "Set the contour's own, or GIGACHAT_CREDENTIALS",
    ),
    (429, None): ("no more logins are taken at the moment (429)", _WAIT),
}


@dataclass(frozen=True, slots=True)
class OAuth:
    """Asks the OAuth server, with one credential."""

    session: aiohttp.ClientSession
    url: str
    credential: Credential
    scope: str
    proxy: str | None = field(repr=False)

    async def __call__(self) -> Grant:
        """A fresh token. Raises TokenFailure."""
        headers = {
            "Authorization": f"Basic {self.credential.key}",
            "RqUID": str(uuid.uuid4()),
            "Accept": "application/json",
        }
        form = {"scope": self.credential.scope or self.scope}
        return await _ask(self.session, self.url, self.proxy, headers, form, _REFUSALS)


@dataclass(frozen=True, slots=True)
class Login:
    """Asks a contour that knows users and passwords: `POST {base}/token`."""

    session: aiohttp.ClientSession
    url: str
    user: str
    password: str
    proxy: str | None

    async def __call__(self) -> Grant:
        """A fresh token. Raises TokenFailure."""
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return await _ask(self.session, self.url, self.proxy, {"Authorization": f"Basic {pair}"}, None, _LOGIN_REFUSALS)

    def __repr__(self) -> str:
        return f"Login(url={self.url!r})"


async def _ask(
    session: aiohttp.ClientSession,
    url: str,
    proxy: str | None,
    headers: dict[str, str],
    form: dict[str, str] | None,
    refusals: _Refusals,
) -> Grant:
    """Ask once, and once more when the connection had died while it was idle."""
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT)
    again = False
    while True:
        FRESH.set(False)
        try:
            async with session.post(
                url,
                headers=headers,
                data=form,
                proxy=proxy,
                timeout=timeout,
                allow_redirects=False,
                server_hostname=unpooled(url) if again else None,
            ) as response:
                body = await beginning(response, _MAX_ANSWER)
        except (aiohttp.ClientError, OSError) as fault:
            failure = unreachable(fault, reused=not FRESH.get())
            if failure.cause == "stale" and not again:
                again = True
                continue
            reason, remedy = _CAUSES[failure.cause]
            raise TokenFailure(reason, remedy, detail=failure.detail) from None
        if response.status != 200:
            raise _refusal(response.status, body, refusals)
        return _grant(body, response.headers.get("Date"))


def _refusal(status: int, body: bytes, refusals: _Refusals) -> TokenFailure:
    code = _object(body).get("code")
    code = code if type(code) is int else None
    known = refusals.get((status, code)) or refusals.get((status, None))
    # Its own failures pass; whatever else there is no answer of an OAuth server's.
    reason, remedy = known or (f"the OAuth server failed (status {status})", _WAIT if status >= 500 else _CHECK)
    return TokenFailure(reason, remedy, status=status)


def _grant(body: bytes, date: str | None) -> Grant:
    fields = _object(body)
    token = fields.get("access_token") or fields.get("tok")
    if not isinstance(token, str) or not token or not token.isprintable() or not token.isascii():
        raise TokenFailure("the OAuth server's answer holds no token", _CHECK)
    life = _life(fields.get("expires_at", fields.get("exp")), moment(date))
    if life <= 0:
        raise TokenFailure("the token had already ended when it came", _WAIT)
    return Grant(token, life)


def _life(ends: object, now: float | None) -> float:
    """The seconds that are left, by the server's clock at its answer; the documented life where it tells no time.

    `Date` has whole seconds: the one under way counts against the token.
    """
    if now is None or isinstance(ends, bool) or not isinstance(ends, int | float) or ends <= 0:
        return DOCUMENTED_LIFE
    return (ends if ends < _SECONDS_BELOW else ends / 1000) - (now + 1)


def _object(body: bytes) -> dict[str, Any]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
