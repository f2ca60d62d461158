"""The wiring: settings in, a web.Application out. Each resource is one async context, undone in reverse order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from app.admission.memory import Memory
from app.admission.tenants import Door
from app.config import Config
from app.errors import ConfigError
from app.exchange.attempts import Attempts
from app.exchange.balance import Balance
from app.exchange.catalog import Catalog
from app.exchange.chat import Chat
from app.exchange.embeddings import Embeddings
from app.exchange.files import Files
from app.exchange.plans import Planner
from app.exchange.uploads import Uploads
from app.exchange.variants import Fallbacks
from app.media.addresses import is_public
from app.media.fetch import open_fetcher
from app.observe import metrics as families
from app.observe import sampler
from app.observe.credentials import CredentialObserver
from app.observe.logs import LOGGER, fields
from app.observe.metrics import Metrics
from app.observe.requests import RequestObserver
from app.observe.upstream import UpstreamObserver
from app.server import cors, handlers, operators
from app.server.bodies import BodyBudget
from app.server.drain import Drain
from app.server.keys import BODIES, DOOR, DRAIN, GATEWAY, REQUESTS, Gateway
from app.server.middlewares import access, door, expected, failures, tell_client
from app.server.routes import API_AND_TWINS, OPEN
from app.server.scrape import Scrape
from app.settings import Credential
from app.storage.uploads import UploadJournal
from app.translate.abilities import Abilities, overrides
from app.translate.models import ModelNames
from app.upstream import trust
from app.upstream.client import GigaChat, open_session
from app.upstream.oauth import Login, OAuth
from app.upstream.pulse import Pulse
from app.upstream.ready import ReadyToken
from app.upstream.tokens import Source, TokenKeeper
from app.version import program_version


def build(config: Config, *, public: Callable[[str], bool] = is_public) -> web.Application:
    """The gateway for these settings. Its background tasks live while the application runs.

    `public` judges the addresses that clients' files may be fetched from.
    """
    # Bodies are bounded by BodyBudget, whose error is in the envelope.
    app = web.Application(middlewares=[access, failures, door], client_max_size=0)
    app[REQUESTS] = RequestObserver(families.shared(), sample=config.log_sample)
    app[DOOR] = Door(config.api_key)
    app[DRAIN] = Drain()
    memory = Memory(config.max_bodies_bytes)
    app[BODIES] = BodyBudget(config.max_body_bytes, memory)
    app.on_response_prepare.append(tell_client)
    api = [
        app.router.add_route(row.method, row.path, getattr(handlers, row.handler), expect_handler=expected)
        for row in API_AND_TWINS
    ]
    for row in OPEN:
        if row.handler != "metrics":
            app.router.add_get(row.path, getattr(operators, row.handler))
        elif config.metrics_port is None:
            app.router.add_get(row.path, Scrape().get)
    if config.cors_origins:
        cors.setup(app, api, config.cors_origins)

    async def upstream(app: web.Application) -> AsyncIterator[None]:
        async with open_gateway(config, app[REQUESTS], memory, public) as gateway:
            app[GATEWAY] = gateway
            yield

    app.cleanup_ctx.append(upstream)
    return app


@asynccontextmanager
async def open_gateway(
    config: Config, requests: RequestObserver, memory: Memory, public: Callable[[str], bool]
) -> AsyncIterator[Gateway]:
    """The rooms below the server, wired, with their background tasks running."""
    metrics = requests.metrics
    credential = config.credentials[0].alias if config.credentials else "default"
    health = CredentialObserver(metrics, credential)
    observer = UpstreamObserver(metrics, health, requests.streak)
    names = ModelNames(config.model, config.embeddings_model, config.model_aliases)
    version = program_version()
    metrics.build_info.labels(version).set(1)
    metrics.config_info.clear()
    metrics.config_info.labels(config.fingerprint()).set(1)
    metrics.allow_models(model for _, model in config.models())
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(_trust(config, metrics), config.connect_seconds))
        gigachat = GigaChat(
            session,
            config.base_url,
            Pulse(observer),
            timeout=config.timeout,
            proxy=config.upstream_proxy,
        )
        ready = None
        if config.access_token or config.access_token_file:
            ready = ReadyToken(config.access_token, config.access_token_file, observer.ready_judged)
        fetch, source = first_level(config, session)
        keeper = TokenKeeper(fetch, ready, observer, source=source)
        catalog = Catalog(gigachat, keeper, metrics, health, config.models())
        attempts = Attempts(gigachat, keeper, metrics, health)
        fetcher = await stack.enter_async_context(open_fetcher(config.fetch_hosts, public=public))
        uploads = Uploads(attempts, UploadJournal(config.state_dir, _journal_failed), config.file_seconds)
        fallbacks = Fallbacks(config.structured_output, state_echo=config.state_echo)
        planner = Planner(fallbacks, abilities(config))
        chat = Chat(attempts, fallbacks, planner, Files(fetcher, uploads, memory), config.first_byte_seconds)
        embeddings = Embeddings(attempts)
        await stack.enter_async_context(_running(keeper.run(), "token-renewal"))
        await stack.enter_async_context(_running(gigachat.pulse.run(catalog.refresh), "gigachat-pulse"))
        await stack.enter_async_context(_running(uploads.run(), "files"))
        await stack.enter_async_context(_running(sampler.watch(metrics, lambda: _source(keeper)), "sampler"))
        if config.balance_seconds:
            balance = Balance(gigachat, keeper, metrics, health, config.balance_seconds)
            await stack.enter_async_context(_running(balance.run(), "balance"))
        if ready is not None:
            await stack.enter_async_context(_running(ready.run(catalog.takes), "ready-token"))
        yield Gateway(config, names, chat, embeddings, catalog, gigachat, keeper, version)


def _source(keeper: TokenKeeper) -> str | None:
    """Where the token in use came from; None before anybody knows which level will serve."""
    return keeper.status().source if keeper.settled else None


def abilities(config: Config) -> Abilities:
    """The table of what models can do, with the operator's file. Raises ConfigError."""
    if config.models_file is None:
        return Abilities(vision=config.vision_model)
    try:
        return Abilities(overrides(orjson.loads(config.models_file.read_bytes())), config.vision_model)
    except (OSError, ValueError) as fault:
        raise ConfigError([f"GPT2GIGA_MODELS_FILE ({config.models_file}): {fault}"]) from fault


def _journal_failed(fault: OSError) -> None:
    LOGGER.warning(
        "the journal of uploaded files can't be kept: after a restart some will stay at GigaChat",
        extra=fields(
            error=fault.strerror or str(fault), remedy="make room in GPT2GIGA_STATE_DIR, and let it be written"
        ),
    )


def first_level(config: Config, session: aiohttp.ClientSession) -> tuple[OAuth | Login | None, Source]:
    """Where tokens of the first level come from."""
    proxy = config.upstream_proxy or None
    if config.credentials:
        credential: Credential = config.credentials[0]
        return OAuth(session, config.auth_url, credential, config.scope, proxy), "oauth"
    if config.user:
        return Login(session, f"{config.base_url}/v1/token", config.user, config.password, proxy), "password"
    return None, "mtls" if config.cert_file and not config.access_token else "none"


def _trust(config: Config, metrics: Metrics) -> Any:
    certificates, strangers = trust.find(config.state_dir)
    for path in strangers:
        LOGGER.warning("a certificate that is not pinned is ignored", extra=fields(file=str(path)))
    made = context(config, certificates)
    metrics.certificate_expiry.clear()
    for certificate in _watched(config.ca_bundle_file, certificates):
        metrics.certificate_expiry.labels(certificate.name).set(certificate.expires)
    return made


def _watched(bundle: Path | None, pinned: list[trust.Certificate]) -> list[trust.Certificate]:
    """The certificates whose ends operators are told: the pinned ones, or those of the bundle that replaces them."""
    if bundle is None:
        return pinned
    found = trust.bundled(bundle)
    if len(found) <= trust.MAX_BUNDLED:
        return found
    LOGGER.warning(
        "the bundle holds too many certificates: when they end is not watched",
        extra=fields(file=str(bundle), certificates=len(found)),
    )
    return []


def context(config: Config, certificates: list[trust.Certificate]) -> Any:
    """The TLS context of GigaChat's client, by these settings. Raises ConfigError when a file holds no certificate."""
    try:
        return trust.upstream_context(
            certificates,
            verify=config.verify_ssl_certs,
            ca_bundle=config.ca_bundle_file,
            client_cert=(config.cert_file, config.key_file, config.key_file_password) if config.cert_file else None,
        )
    except OSError as fault:  # ssl.SSLError is one
        named = [
            f"{name} ({path})"
            for name, path in (
                ("GIGACHAT_CA_BUNDLE_FILE", config.ca_bundle_file),
                ("GIGACHAT_CERT_FILE", config.cert_file),
                ("GIGACHAT_KEY_FILE", config.key_file),
            )
            if path is not None
        ]
        told = f"{', '.join(named)}: TLS cannot use what is in there: {fault}"
        if config.cert_file:
            told += ". A key that is encrypted needs its GIGACHAT_KEY_FILE_PASSWORD"
        raise ConfigError([told]) from fault


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """A background task, owned: named, cancelled and awaited at the end; if it dies of a bug, the log says so."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_told_if_dead)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _told_if_dead(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (fault := task.exception()) is not None:
        LOGGER.critical("a background task died", extra=fields(task=task.get_name()), exc_info=fault)
