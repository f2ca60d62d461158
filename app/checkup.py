"""`python -m app check`: do settings, certificates and credentials work? One line a step, the remedy at a failure.

A line begins with `ok`, with `WARN` (requests are served, but something is not as it should be) or with `FAIL`.
A chat is asked for with `--chat` only, since it costs tokens.
"""

from __future__ import annotations

import dataclasses
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import NamedTuple

import aiohttp

from app.account_checkup import STATUSES, Step, StepFailed, check_balance, check_model, try_chat
from app.config import Config
from app.model_abilities import read_abilities
from app.tls_settings import make_context
from app.token_sources import choose_token_source
from app.translate.gigachat.models import read as read_models
from app.translate.gigachat.paths import MODELS
from app.translate.models import bare
from app.upstream import trust
from app.upstream.client import GigaChat, open_session
from app.upstream.failures import Refused, Unreachable, UpstreamFailure
from app.upstream.health_monitor import HealthMonitor
from app.upstream.oauth import TokenFailure
from app.upstream.tokens import Token, TokenSource

DEFAULT_BASE = Config().base_url
OLD_BASE = "https://gigachat.devices.sberbank.ru/api"
_NO_KEY = (
    "Set GIGACHAT_CREDENTIALS to the Authorization Key: in the environment, or in .env of the directory in which this "
    "is run. Without a key: `make sandbox`"
)
_NO_CHAT = " (No chat was asked for: `python -m app check --chat` asks for one word, which costs some tokens.)"
SOON_SECONDS = 30 * 86400  # a certificate that ends within so many seconds is named


class _SilentObserver:
    """A health observer that tells nobody."""

    def became_unavailable(self, detail: str) -> None:
        """The steps print it themselves."""

    def became_available(self, seconds: float | None) -> None:
        """The steps print it themselves."""


async def run(config: Config, *, chat: bool = False) -> int:
    """Go through the steps, print a line for each; 1 at the first failure. `chat`: ask the models for a word too."""
    warnings = 0
    try:
        async for step in _take_steps(config, chat=chat):
            print(f"{step.word:<6}{step.text}")
            warnings += step.word == "WARN"
    except StepFailed as failure:
        print(f"FAIL  {failure.step}\n      {failure.remedy}")
        return 1
    found = "All is well" if not warnings else f"It works, with {warnings} warning(s) above"
    print(f"{found}: `python -m app` will serve." + ("" if chat else _NO_CHAT))
    return 0


async def _take_steps(config: Config, *, chat: bool) -> AsyncIterator[Step]:
    yield Step("ok", "settings: " + (", ".join(sorted(config.changed_settings())) or "all defaults"))
    for warning in config.warnings:
        yield Step("WARN", f"settings: {warning}")
    certificates, _ = trust.find_certificates(config.state_dir)
    context = make_context(config, certificates)
    read_abilities(config)
    yield _check_certificates(config, certificates)
    if config.state_dir is not None:
        yield _check_state_dir(config.state_dir)
    async with open_session(context, config.connect_seconds) as session:
        try:
            token = await _fetch_token(config, context)
        except StepFailed:
            if config.access_token:
                yield await _try_second_level(config, session)
            raise
        if token.source != "ready":  # what a ready token is worth GigaChat says below
            yield Step("ok", f"token: {token.source}")
        models = await _list_models(config, session, token)
        if token.source == "ready":
            yield Step("ok", "token: ready")
        where = " (the SANDBOX: no GigaChat)" if models.sandbox else ""
        yield Step("ok", f"GigaChat answers and has {len(models.kinds)} models{where}")
        async for step in _check_account(config, _make_client(config, session), token, models.kinds, chat=chat):
            yield step
        if config.access_token and token.source != "ready":
            await _list_models(config, session, Token("ready", config.access_token))
            yield Step("ok", "the ready token works as the second level")


async def _check_account(
    config: Config, gigachat: GigaChat, token: Token, kinds: Mapping[str, str | None], *, chat: bool
) -> AsyncIterator[Step]:
    """The models of the settings, the tokens that are left, and whether GIGACHAT_MODEL answers."""
    for setting, name in config.models():
        yield check_model(setting, bare(name), kinds)
    if config.balance_seconds:  # 0: it is never asked for
        yield await check_balance(gigachat, token)
    if chat:
        yield await try_chat(gigachat, token, "GIGACHAT_MODEL", bare(config.model))


def _check_state_dir(directory: Path) -> Step:
    """Whether there is room in the directory, and whether it may be written."""
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(b"0" * 4096)
    except OSError as fault:
        remedy = "After a restart some uploaded files stay at GigaChat. Make room there, and let it be written"
        return Step("WARN", f"GPT2GIGA_STATE_DIR can't be written ({fault.strerror}). {remedy}")
    return Step("ok", "GPT2GIGA_STATE_DIR can be written")


def _check_certificates(config: Config, certificates: list[trust.Certificate]) -> Step:
    if not config.verify_ssl_certs:
        return Step("WARN", "certificates: NOT verified: set GIGACHAT_VERIFY_SSL_CERTS=true")
    if config.ca_bundle_file is not None:
        told = f"certificates: only those of {config.ca_bundle_file} are trusted"
        return _warn_of_ending(told, trust.read_bundle(config.ca_bundle_file)[: trust.MAX_BUNDLED])
    root = trust.PINS[0]
    if root.sha256 not in {certificate.sha256 for certificate in certificates}:
        raise StepFailed(f"certificates: {root.name} is missing", "Run `python -m app certs --fetch`")
    return _warn_of_ending(f"certificates: {len(certificates)} pinned, beside the system's", certificates)


def _warn_of_ending(told: str, certificates: list[trust.Certificate]) -> Step:
    """What is told of the certificates, with those that end soon."""
    names = [one.name for one in certificates if one.expires < time.time() + SOON_SECONDS]
    if not names:
        return Step("ok", told)
    return Step("WARN", f"{told}, but these end within 30 days, or have ended: {'; '.join(names)}")


async def _try_second_level(config: Config, session: aiohttp.ClientSession) -> Step:
    """What the ready token is worth while the first level fails."""
    try:
        await _list_models(config, session, Token("ready", config.access_token))
    except StepFailed as failure:
        return Step("FAIL", f"the ready token does not help either: {failure.step}")
    return Step("ok", "the ready token works: requests are served with it until it ends")


async def _fetch_token(config: Config, context: ssl.SSLContext) -> Token:
    """A first-level token, or what serves without one. Raises StepFailed."""
    async with open_session(context, config.connect_seconds, reuse=False) as session:
        fetch, source = choose_token_source(config, session)
        if fetch is None:
            return _choose_given_token(config, source)
        try:
            grant = await fetch()
        except TokenFailure as failure:
            told = f"token: {failure.reason}" + (f" ({failure.detail})" if failure.detail else "")
            raise StepFailed(told, failure.remedy) from None
        return Token(source, grant.token)


def _choose_given_token(config: Config, source: TokenSource) -> Token:
    """What serves where no token can be asked for. Raises StepFailed."""
    if config.access_token:
        return Token("ready", config.access_token)
    if source == "mtls":
        return Token("mtls", "")
    if config.access_token_file:
        raise StepFailed("token: GIGACHAT_ACCESS_TOKEN_FILE names an empty file", "Write an access token into it")
    raise StepFailed("token: no credentials are set", _NO_KEY)


class _Models(NamedTuple):
    """The models' kinds by their names; `sandbox` when the other side said that it is the local one."""

    kinds: dict[str, str | None]
    sandbox: bool


async def _list_models(config: Config, session: aiohttp.ClientSession, token: Token) -> _Models:
    gigachat = _make_client(config, session)
    try:
        kinds = {model.id: model.kind for model in read_models(await gigachat.get(MODELS, token, {}))}
    except UpstreamFailure as failure:
        raise await _explain_failure(config, session, token, failure) from None
    if not kinds:
        raise StepFailed(f"what answers at {config.base_url}/v1 is no GigaChat", "Check GIGACHAT_BASE_URL")
    return _Models(kinds, gigachat.sandbox)


async def _explain_failure(
    config: Config, session: aiohttp.ClientSession, token: Token, failure: UpstreamFailure
) -> StepFailed:
    if isinstance(failure, Refused) and failure.status == 401:
        what = "the ready token" if token.source == "ready" else "the token"
        return StepFailed(f"GigaChat does not accept {what} (401)", "Give a token or key of the same contour and scope")
    step = f"GigaChat at {config.base_url}/v1: {failure}"
    if isinstance(failure, Refused) and not failure.page and (known := STATUSES.get(failure.status)):
        return StepFailed(step, known)
    if isinstance(failure, Unreachable) and failure.cause == "tls":
        return StepFailed("TLS with GigaChat: its certificate is not trusted", failure.detail)
    if config.base_url != DEFAULT_BASE:  # a token of another contour is no business of the public host's
        return StepFailed(step, "Check GIGACHAT_BASE_URL, network and proxy")
    old = dataclasses.replace(config, base_url=OLD_BASE)
    try:
        works = read_models(await _make_client(old, session).get(MODELS, token, {}))
    except UpstreamFailure:
        works = []
    if works:
        return StepFailed(step, f"The older host works: set GIGACHAT_BASE_URL={OLD_BASE}/v1")
    return StepFailed(step, f"The older host ({OLD_BASE}/v1) fails as well: check network, proxy and account")


def _make_client(config: Config, session: aiohttp.ClientSession) -> GigaChat:
    return GigaChat(
        session,
        config.base_url,
        HealthMonitor(_SilentObserver()),
        timeout=30,
        proxy=config.proxy_for(config.base_url),
    )
