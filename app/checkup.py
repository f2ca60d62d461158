"""`python -m app check`: do settings, certificates and credentials work? One line a step, the remedy at a failure."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import AsyncIterator

import aiohttp

from app.application import abilities, context, first_level
from app.config import Config
from app.translate.gigachat.models import read as read_models
from app.upstream import trust
from app.upstream.client import GigaChat, open_session
from app.upstream.failures import Refused, UpstreamFailure
from app.upstream.oauth import TokenFailure
from app.upstream.pulse import Pulse
from app.upstream.tokens import Token

DEFAULT_BASE = Config().base_url
OLD_BASE = "https://gigachat.devices.sberbank.ru/api"
# Without these nobody is served; an alias, or a model that sees images, may be for another account.
_NEEDED = frozenset({"GIGACHAT_MODEL", "GPT2GIGA_EMBEDDINGS_MODEL"})
_SOON = 30 * 86400  # a certificate that ends within so many seconds is told


class StepFailed(Exception):
    """A step that did not pass: what it was, and what helps."""

    def __init__(self, step: str, remedy: str) -> None:
        super().__init__(f"{step}: {remedy}")
        self.step = step
        self.remedy = remedy


class _Silent:
    def gone(self, detail: str) -> None:
        """The steps tell it themselves."""

    def back(self, seconds: float | None) -> None:
        """The steps tell it themselves."""


async def run(config: Config) -> int:
    """Go through the steps, print a line for each; 1 at the first failure."""
    try:
        async for line in _steps(config):
            print(f"ok    {line}")
    except StepFailed as failure:
        print(f"FAIL  {failure.step}\n      {failure.remedy}")
        return 1
    print("All is well: `python -m app` will serve.")
    return 0


async def _steps(config: Config) -> AsyncIterator[str]:
    yield "settings: " + (", ".join(sorted(config.effective())) or "all defaults")
    for warning in config.warnings:
        yield f"settings, but: {warning}"
    certificates, _ = trust.find(config.state_dir)
    tls = context(config, certificates)
    abilities(config)
    yield _certificates(config, certificates)
    async with open_session(tls, config.connect_seconds) as session:
        try:
            token = await _token(config, session)
        except StepFailed:
            if config.access_token:
                yield await _second_level(config, session)
            raise
        yield f"token: {token.source}" + ("" if token.ends == float("inf") else f", lives {token.ends:.0f} s")
        names = await _models(config, session, token)
        yield f"GigaChat answers and has {len(names)} models" + (" (the SANDBOX: no GigaChat)" if names.sandbox else "")
        for setting, name in config.models():
            if name in names:
                yield f"{setting}: {name}"
            elif setting in _NEEDED:
                raise StepFailed(f"{setting}: GigaChat has no model {name!r}", f"Choose of: {', '.join(names)}")
            else:
                yield f"{setting}, but: GigaChat has no model {name!r}. Choose of: {', '.join(names)}"
        if config.access_token and token.source != "ready":
            await _models(config, session, Token("ready", config.access_token))
            yield "the ready token works as the second level"


def _certificates(config: Config, certificates: list[trust.Certificate]) -> str:
    if not config.verify_ssl_certs:
        return "certificates: NOT verified (GIGACHAT_VERIFY_SSL_CERTS is off)"
    if config.ca_bundle_file is not None:
        told = f"certificates: only those of {config.ca_bundle_file} are trusted"
        return told + _ending(trust.bundled(config.ca_bundle_file)[: trust.MAX_BUNDLED])
    root = trust.PINS[0]
    if root.sha256 not in {certificate.sha256 for certificate in certificates}:
        raise StepFailed(f"certificates: {root.name} is missing", "Run `python -m app certs --fetch`")
    return f"certificates: {len(certificates)} pinned, beside the system's" + _ending(certificates)


def _ending(certificates: list[trust.Certificate]) -> str:
    """What is to be said of those that end soon: nothing if none does."""
    names = [one.name for one in certificates if one.expires < time.time() + _SOON]
    return f", but these end within 30 days, or have ended: {'; '.join(names)}" if names else ""


async def _second_level(config: Config, session: aiohttp.ClientSession) -> str:
    """What the ready token is worth while the first level fails."""
    try:
        await _models(config, session, Token("ready", config.access_token))
    except StepFailed as failure:
        return f"the ready token does not help either: {failure.step}"
    return "the ready token works: requests are served with it until it ends"


async def _token(config: Config, session: aiohttp.ClientSession) -> Token:
    fetch, source = first_level(config, session)
    if fetch is None:
        if config.access_token:
            return Token("ready", config.access_token)
        if source == "mtls":
            return Token("mtls", "")
        if config.access_token_file:
            raise StepFailed("token: GIGACHAT_ACCESS_TOKEN_FILE names an empty file", "Write an access token into it")
        raise StepFailed("token: no credentials are set", "Set GIGACHAT_CREDENTIALS to the Authorization Key")
    try:
        grant = await fetch()
    except TokenFailure as failure:
        told = f"token: {failure.reason}" + (f" ({failure.detail})" if failure.detail else "")
        raise StepFailed(told, failure.remedy) from None
    return Token(source, grant.token)


class _Names(list[str]):
    """The models' names; `sandbox` when the other side said that it is the local one."""

    sandbox = False


async def _models(config: Config, session: aiohttp.ClientSession, token: Token) -> _Names:
    gigachat = _client(config, session)
    try:
        names = _Names(model.id for model in read_models(await gigachat.get("models", token, {})))
    except UpstreamFailure as failure:
        raise await _explained(config, session, token, failure) from None
    if not names:
        raise StepFailed(f"what answers at {config.base_url}/v1 is no GigaChat", "Check GIGACHAT_BASE_URL")
    names.sandbox = gigachat.sandbox
    return names


async def _explained(
    config: Config, session: aiohttp.ClientSession, token: Token, failure: UpstreamFailure
) -> StepFailed:
    if isinstance(failure, Refused) and failure.status == 401:
        what = "the ready token" if token.source == "ready" else "the token"
        return StepFailed(f"GigaChat does not accept {what} (401)", "Give a token or key of the same contour and scope")
    step = f"GigaChat at {config.base_url}/v1: {failure}"
    if isinstance(failure, Refused) and failure.status == 403 and not failure.page:
        return StepFailed(step, "The account may not do this: check its scope, its tariff and that it is active")
    if config.base_url != DEFAULT_BASE:  # a token of another contour is no business of the public host's
        return StepFailed(step, "Check GIGACHAT_BASE_URL, network and proxy")
    old = dataclasses.replace(config, base_url=OLD_BASE)
    try:
        works = read_models(await _client(old, session).get("models", token, {}))
    except UpstreamFailure:
        works = []
    if works:
        return StepFailed(step, f"The older host works: set GIGACHAT_BASE_URL={OLD_BASE}/v1")
    return StepFailed(step, f"The older host ({OLD_BASE}/v1) fails as well: check network, proxy and account")


def _client(config: Config, session: aiohttp.ClientSession) -> GigaChat:
    return GigaChat(
        session,
        config.base_url,
        Pulse(_Silent()),
        timeout=30,
        proxy=config.upstream_proxy,
    )
