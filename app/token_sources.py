"""Which of the settings gives first-level tokens: the Authorization Key, a login, or a client's certificate."""

from __future__ import annotations

import aiohttp

from app.config import Config
from app.translate.gigachat.paths import LOGIN
from app.upstream.oauth import Login, OAuth
from app.upstream.times import TIMES, UpstreamTimes
from app.upstream.tokens import TokenSource


def choose_token_source(
    config: Config, session: aiohttp.ClientSession, times: UpstreamTimes = TIMES
) -> tuple[OAuth | Login | None, TokenSource]:
    """What asks for tokens, if anything does, and the source that its tokens are shown with.

    `session` must not reuse connections.
    """
    if config.credentials:
        proxy = config.proxy_for(config.auth_url) or None
        return OAuth(session, config.auth_url, config.credentials[0], config.scope, proxy, times), "oauth"
    if config.user:
        proxy = config.proxy_for(config.base_url) or None
        return Login(session, f"{config.base_url}/{LOGIN}", config.user, config.password, proxy, times), "password"
    return None, "mtls" if config.cert_file and not config.access_token else "none"
