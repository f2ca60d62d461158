"""How a token is got: OAuth with the Authorization Key, or login and password.

Source: GigaChat's REST API, "Authorization". A token's life is reckoned from the answer's own `Date`, so that neither
side's wall clock matters; the caller counts it on a monotonic clock from before the request was sent.
"""

from __future__ import annotations

import base64
import email.utils
import time
import uuid
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from app.settings import Credential
from app.upstream.failures import unreachable

# Documented: a token lives 30 minutes. Taken where an answer does not say when its token ends.
DOCUMENTED_LIFE = 1800.0
# Below this number `expires_at` counts seconds, above it milliseconds: contours differ.
_SECONDS_BELOW = 10_000_000_000
_TIMEOUT = 10.0  # of the whole exchange, seconds
_MAX_ANSWER = 64 * 1024


class TokenFailure(Exception):
    """No token: `reason` is for people, `remedy` says what to do, `refused` marks a key that is itself not accepted."""

    def __init__(self, reason: str, remedy: str, *, refused: bool = False) -> None:
        super().__init__(f"{reason}. {remedy}")
        self.reason = reason
        self.remedy = remedy
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Grant:
    """A fresh token and the seconds that it lives, counted from before it was asked for."""

    token: str
    life: float

    def __repr__(self) -> str:
        return f"Grant(life={self.life:.0f})"


_WAIT = "The gateway goes on trying"
_SCOPE_REMEDY = "Set GIGACHAT_SCOPE to the scope that the key was issued for (GIGACHAT_API_PERS, _B2B or _CORP)"
_KEY_REMEDY = "Set GIGACHAT_CREDENTIALS to the Authorization Key of the project, as the personal account shows it"
# (status, OAuth's own code) -> what it means and what helps; a code of None stands for any.
_REFUSALS: dict[tuple[int, int | None], tuple[str, str]] = {
    (400, 1): ("OAuth does not know the scope", _SCOPE_REMEDY),
    (400, 5): ("OAuth got no scope", _SCOPE_REMEDY),
    (400, 7): ("the key belongs to another scope", _SCOPE_REMEDY),
    (400, None): ("OAuth did not accept the request (400)", _SCOPE_REMEDY),
    (401, None): ("OAuth does not accept the key (401)", _KEY_REMEDY),
    (403, None): ("OAuth denies access (403)", "Check that the account is active and may be used from this address"),
    (429, None): ("OAuth takes no more requests at the moment (429)", _WAIT),
}


@dataclass(frozen=True, slots=True)
class OAuth:
    """Asks the OAuth server, with one credential."""

    session: aiohttp.ClientSession
    url: str
    credential: Credential
    scope: str
    proxy: str | None

    async def __call__(self) -> Grant:
        """A fresh token. Raises TokenFailure."""
        headers = {
            "Authorization": f"Basic {self.credential.key}",
            "RqUID": str(uuid.uuid4()),
            "Accept": "application/json",
        }
        return await _ask(self.session, self.url, self.proxy, headers, {"scope": self.credential.scope or self.scope})


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
        return await _ask(self.session, self.url, self.proxy, {"Authorization": f"Basic {pair}"}, None)

    def __repr__(self) -> str:
        return f"Login(url={self.url!r})"


async def _ask(
    session: aiohttp.ClientSession, url: str, proxy: str | None, headers: dict[str, str], form: dict[str, str] | None
) -> Grant:
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT)
    try:
        async with session.post(
            url, headers=headers, data=form, proxy=proxy, timeout=timeout, allow_redirects=False
        ) as response:
            body = await response.content.read(_MAX_ANSWER)
            date = response.headers.get("Date")
    except (aiohttp.ClientError, OSError) as fault:
        raise TokenFailure(f"the OAuth server cannot be asked: {unreachable(fault).detail}", _WAIT) from None
    if response.status != 200:
        raise _refusal(response.status, body)
    return _grant(body, date)


def _refusal(status: int, body: bytes) -> TokenFailure:
    code = _object(body).get("code")
    code = code if isinstance(code, int) else None
    reason, remedy = _REFUSALS.get((status, code)) or _REFUSALS.get(
        (status, None), (f"the OAuth server failed (status {status})", _WAIT)
    )
    return TokenFailure(reason, remedy, refused=status in {400, 401})


def _grant(body: bytes, date: str | None) -> Grant:
    fields = _object(body)
    token = fields.get("access_token") or fields.get("tok")
    if not isinstance(token, str) or not token or not token.isprintable() or not token.isascii():
        raise TokenFailure("the OAuth server's answer holds no token", _WAIT)
    ends = fields.get("expires_at", fields.get("exp"))
    life = DOCUMENTED_LIFE if not isinstance(ends, int | float) or ends <= 0 else _seconds(ends) - _now(date)
    if life <= 0:
        raise TokenFailure("the token had already ended when it came", _WAIT)
    return Grant(token, life)


def _seconds(moment: float) -> float:
    return moment if moment < _SECONDS_BELOW else moment / 1000


def _now(date: str | None) -> float:
    """The server's clock at its answer. `Date` has whole seconds: the one under way counts against the token."""
    try:
        return email.utils.parsedate_to_datetime(date or "").timestamp() + 1
    except ValueError:
        return time.time()


def _object(body: bytes) -> dict[str, Any]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
