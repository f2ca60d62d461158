"""Where tokens come from: OAuth with the Authorization Key, login with user and password.

Source: gigachat-api, sections 2.1 and 2.2.
"""

from __future__ import annotations

import re
import time
from base64 import b64encode
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from secrets import compare_digest

from aiohttp import web

from app.sandbox.state import SandboxSettings
from app.sandbox.wire import Call, Refused, reply

SCOPES = ("GIGACHAT_API_PERS", "GIGACHAT_API_B2B", "GIGACHAT_API_CORP")

_UUID = re.compile(r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEADERS = {"Cache-Control": "no-cache, no-store, max-age=0, must-revalidate", "Pragma": "no-cache", "Expires": "0"}


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request for a token says, and what is accepted."""

    run: str
    scheme: str
    credential: str
    scope: str
    settings: SandboxSettings


@dataclass(frozen=True, slots=True)
class OauthRule:
    """A refusal: where `wrong` holds, this status and body (none where there is no code)."""

    name: str
    wrong: Callable[[Ask], bool]
    status: int
    code: int | None
    message: str
    source: str


RULES = (
    OauthRule("run id", lambda ask: not _UUID.fullmatch(ask.run), 400, None, "", "[DOC] 2.1"),
    OauthRule("no scope", lambda ask: not ask.scope, 400, 5, "scope is empty", "[DOC] 2.1"),
    OauthRule("scope word", lambda ask: ask.scope not in SCOPES, 400, 1, "scope data format invalid", "[DOC] 2.1"),
    OauthRule("key", lambda ask: not _known(ask), 401, 6, "credentials doesn't match db data", "[SPEC26] 2.1"),
    OauthRule(
        "key's scope",
        lambda ask: ask.scope != ask.settings.scope,
        400,
        7,
        "scope from db not fully includes consumed scope",
        "[DOC] 2.1",
    ),
)


class Oauth:
    """The OAuth endpoint: it counts the requests of the last second."""

    __slots__ = ("_recent",)

    def __init__(self) -> None:
        self._recent: deque[float] = deque()

    async def __call__(self, call: Call) -> web.Response:
        """Give a token for a key, or the refusal of the first rule that is broken."""
        response = self._respond(call)
        response.headers.update(_HEADERS)
        return response

    def _respond(self, call: Call) -> web.Response:
        settings = call.state.settings
        if self._too_many(settings.oauth_per_second):
            return web.Response(status=429)
        ask = _ask(call)
        for rule in RULES:
            if rule.wrong(ask):
                if rule.code is None:
                    return web.Response(status=rule.status)
                return reply({"code": rule.code, "message": rule.message}, rule.status)
        ends = call.now() + settings.token_ttl
        unit = 1 if call.take("seconds_unit") else 1000
        return reply({"access_token": call.state.tokens.issue(settings.token_ttl), "expires_at": int(ends * unit)})

    def _too_many(self, limit: int) -> bool:
        now, recent = time.monotonic(), self._recent
        recent.append(now)
        while now - recent[0] >= 1.0:
            recent.popleft()
        return 0 < limit < len(recent)


async def login(call: Call) -> web.Response:
    """Give a token for a user's password: `tok`, and `exp` in seconds."""
    settings = call.state.settings
    scheme, _, credential = call.request.headers.get("Authorization", "").partition(" ")
    expected = b64encode(f"{settings.user}:{settings.password}".encode())
    if scheme != "Basic" or not compare_digest(_raw(credential), expected):
        raise Refused(401)
    token = call.state.tokens.issue(settings.token_ttl)
    return reply({"tok": token, "exp": int(call.now() + settings.token_ttl)})


def _ask(call: Call) -> Ask:
    headers = call.request.headers
    scheme, _, credential = headers.get("Authorization", "").partition(" ")
    form = call.record.body if call.request.content_type == "application/x-www-form-urlencoded" else {}
    return Ask(headers.get("RqUID", ""), scheme, credential, form.get("scope", ""), call.state.settings)


def _known(ask: Ask) -> bool:
    return ask.scheme in ("Basic", "Bearer") and compare_digest(_raw(ask.credential), _raw(ask.settings.key))


def _raw(header: str) -> bytes:
    return header.encode("utf-8", "surrogateescape")
