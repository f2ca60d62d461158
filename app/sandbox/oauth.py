"""The endpoints that issue tokens: OAuth with the Authorization Key, and login with user and password.

Source: docs/gigachat-api.md, "OAuth" and "Login and password".
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
from app.sandbox.wire import Refused, RequestContext, reply

SCOPES = ("GIGACHAT_API_PERS", "GIGACHAT_API_B2B", "GIGACHAT_API_CORP")

_UUID = re.compile(r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEADERS = {"Cache-Control": "no-cache, no-store, max-age=0, must-revalidate", "Pragma": "no-cache", "Expires": "0"}


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """The fields of a request for a token, and the settings to compare them with."""

    run: str
    scheme: str
    credential: str
    scope: str
    settings: SandboxSettings


@dataclass(frozen=True, slots=True)
class OauthRule:
    """A reason to refuse a token, with the status and body of the answer. Without a code there is no body."""

    name: str
    wrong: Callable[[TokenRequest], bool]
    status: int
    code: int | None
    message: str
    source: str


RULES = (
    OauthRule("run id", lambda token_request: not _UUID.fullmatch(token_request.run), 400, None, "", "[DOC] 2.1"),
    OauthRule("no scope", lambda token_request: not token_request.scope, 400, 5, "scope is empty", "[DOC] 2.1"),
    OauthRule(
        "scope word",
        lambda token_request: token_request.scope not in SCOPES,
        400,
        1,
        "scope data format invalid",
        "[DOC] 2.1",
    ),
    OauthRule(
        "key",
        lambda token_request: not _is_known_key(token_request),
        401,
        6,
        "credentials doesn't match db data",
        "[SPEC26] 2.1",
    ),
    OauthRule(
        "key's scope",
        lambda token_request: token_request.scope != token_request.settings.scope,
        400,
        7,
        "scope from db not fully includes consumed scope",
        "[DOC] 2.1",
    ),
)


class Oauth:
    """The OAuth endpoint. It counts the requests of the last second."""

    __slots__ = ("_recent",)

    def __init__(self) -> None:
        self._recent: deque[float] = deque()

    async def __call__(self, context: RequestContext) -> web.Response:
        """Issue a token for a key, or answer with the first rule that applies."""
        response = self._respond(context)
        response.headers.update(_HEADERS)
        return response

    def _respond(self, context: RequestContext) -> web.Response:
        settings = context.state.settings
        if self._is_over_limit(settings.oauth_per_second):
            return web.Response(status=429)
        token_request = _read_token_request(context)
        for rule in RULES:
            if rule.wrong(token_request):
                if rule.code is None:
                    return web.Response(status=rule.status)
                return reply({"code": rule.code, "message": rule.message}, rule.status)
        ends = context.now() + settings.token_ttl
        unit = 1 if context.fire("seconds_unit") else 1000
        return reply({"access_token": context.state.tokens.issue(settings.token_ttl), "expires_at": int(ends * unit)})

    def _is_over_limit(self, limit: int) -> bool:
        now, recent = time.monotonic(), self._recent
        recent.append(now)
        while now - recent[0] >= 1.0:
            recent.popleft()
        return 0 < limit < len(recent)


async def login(context: RequestContext) -> web.Response:
    """Issue a token for a user and password: `tok`, and `exp` in Unix seconds."""
    settings = context.state.settings
    scheme, _, credential = context.request.headers.get("Authorization", "").partition(" ")
    expected = b64encode(f"{settings.user}:{settings.password}".encode())
    if scheme != "Basic" or not compare_digest(_encode(credential), expected):
        raise Refused(401)
    token = context.state.tokens.issue(settings.token_ttl)
    return reply({"tok": token, "exp": int(context.now() + settings.token_ttl)})


def _read_token_request(context: RequestContext) -> TokenRequest:
    headers = context.request.headers
    scheme, _, credential = headers.get("Authorization", "").partition(" ")
    form = context.record.body if context.request.content_type == "application/x-www-form-urlencoded" else {}
    return TokenRequest(headers.get("RqUID", ""), scheme, credential, form.get("scope", ""), context.state.settings)


def _is_known_key(token_request: TokenRequest) -> bool:
    return token_request.scheme in ("Basic", "Bearer") and compare_digest(
        _encode(token_request.credential), _encode(token_request.settings.key)
    )


def _encode(header: str) -> bytes:
    return header.encode("utf-8", "surrogateescape")
