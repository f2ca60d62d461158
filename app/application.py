"""The wiring: settings in, a web.Application out. Each resource is one async context; they end in reverse order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from app.admission import heap
from app.admission.authenticator import Authenticator
from app.admission.memory import Memory
from app.config import Config
from app.exchange.balance import Balance
from app.exchange.catalog import Catalog
from app.exchange.chat import Chat
from app.exchange.embeddings import Embeddings
from app.exchange.request_files import RequestFiles
from app.exchange.sender import Sender
from app.exchange.uploads import Uploads
from app.exchange.variants import Fallbacks
from app.media.addresses import is_public
from app.media.fetch import open_fetcher
from app.model_abilities import read_abilities
from app.observe import metrics as families
from app.observe import sampler
from app.observe.credentials import CredentialObserver
from app.observe.logs import LOGGER, fields
from app.observe.metrics import Metrics
from app.observe.requests import RequestObserver
from app.observe.upstream import UpstreamObserver
from app.server import cors, handlers
from app.server import health as health_pages
from app.server.app_keys import AUTHENTICATOR, BODIES, BROWSERS, DRAIN, GATEWAY, REQUESTS
from app.server.bodies import BodyBudget
from app.server.browser_guard import BrowserGuard
from app.server.delivery import delivery
from app.server.drain import Drain
from app.server.gateway import Gateway
from app.server.middlewares import access, authenticate, browsers, failures, send_continue, tell_client
from app.server.routes import API_FORMS, OPEN
from app.server.scrape import Scrape
from app.storage.uploads import UploadJournal
from app.supervision import supervise
from app.tls_settings import make_watched_context
from app.token_sources import choose_token_source
from app.translate.gigachat import contracts
from app.translate.models import ModelNames, bare
from app.upstream.client import GigaChat, open_session
from app.upstream.health_monitor import HealthMonitor
from app.upstream.ready_token import ReadyToken
from app.upstream.times import TIMES, UpstreamTimes
from app.upstream.tokens import TokenKeeper
from app.version import program_version


def build(
    config: Config, *, public: Callable[[str], bool] = is_public, times: UpstreamTimes = TIMES
) -> web.Application:
    """The gateway for these settings. Its background tasks live while the application runs.

    `public` judges the addresses that clients' files may be fetched from; `times` are the waits and pauses upstream.
    """
    drain, memory = Drain(), Memory(config.max_bodies_bytes)
    around = [access, delivery(drain, memory), failures, browsers, authenticate]
    # Bodies are bounded by BodyBudget, whose error is in the envelope.
    app = web.Application(middlewares=around, client_max_size=0)
    app[REQUESTS] = RequestObserver(families.shared(), sample=config.log_sample)
    app[REQUESTS].metrics.bodies.set_function(lambda: memory.limit - memory.left)
    app[BROWSERS] = BrowserGuard(config)
    app[AUTHENTICATOR] = Authenticator(config.api_key)
    app[DRAIN] = drain
    app[BODIES] = BodyBudget(config.max_body_bytes, config.body_seconds, memory)
    app.on_response_prepare.append(tell_client)
    api = [
        app.router.add_route(row.method, row.template, getattr(handlers, row.handler), expect_handler=send_continue)
        for row in API_FORMS
    ]
    for row in OPEN:
        if row.handler != "metrics":
            app.router.add_get(row.path, getattr(health_pages, row.handler))
        elif config.metrics_port is None:
            app.router.add_get(row.path, Scrape().get)
    if config.cors_origins:
        cors.setup(app, api, config.cors_origins)

    async def upstream(app: web.Application) -> AsyncIterator[None]:
        async with open_gateway(config, app[REQUESTS], memory, public, times) as gateway:
            app[GATEWAY] = gateway
            yield

    app.cleanup_ctx.append(upstream)
    return app


@asynccontextmanager
async def open_gateway(
    config: Config,
    requests: RequestObserver,
    memory: Memory,
    public: Callable[[str], bool],
    times: UpstreamTimes,
) -> AsyncIterator[Gateway]:
    """The rooms below the server, wired, with their background tasks running."""
    metrics = requests.metrics
    credential = config.credentials[0].alias if config.credentials else "default"
    health = CredentialObserver(metrics, credential)
    observer = UpstreamObserver(metrics, health, requests.streak)
    names = ModelNames(config.model, config.embeddings_model, config.model_aliases)
    version = program_version()
    _publish_settings(config, metrics, version)
    async with AsyncExitStack() as stack:
        gigachat, keeper, ready = await _open_upstream(stack, config, metrics, observer, times)
        configured = [(setting, bare(model)) for setting, model in config.models()]
        catalog = Catalog(gigachat, keeper, metrics, health, configured)
        sender = Sender(gigachat, keeper, metrics, health)
        fetcher = await stack.enter_async_context(open_fetcher(config.fetch_hosts, public=public))
        uploads = Uploads(sender, UploadJournal(config.state_dir, _report_journal_failure), config.file_seconds)
        fallbacks = Fallbacks(config.structured_output, state_echo=config.state_echo)
        abilities = read_abilities(config)
        contract = contracts.make_chat(cached_contained=config.cached_tokens == "contained")
        chat = Chat(
            contract,
            sender,
            RequestFiles(contract, fetcher, uploads, memory),
            fallbacks,
            abilities,
            catalog,
            first_byte_seconds=config.first_byte_seconds,
            silence_seconds=config.timeout,
        )
        embeddings = Embeddings(sender, catalog)
        await stack.enter_async_context(supervise(keeper.run(), "token-renewal"))
        await stack.enter_async_context(supervise(gigachat.monitor.run(catalog.refresh), "gigachat-monitor"))
        await stack.enter_async_context(supervise(uploads.run(), "files"))
        await stack.enter_async_context(supervise(sampler.watch(metrics, lambda: _find_source(keeper)), "sampler"))
        await stack.enter_async_context(supervise(heap.trim_after_peaks(memory), "heap"))
        if config.balance_seconds:
            balance = Balance(gigachat, keeper, metrics, health, config.balance_seconds)
            await stack.enter_async_context(supervise(balance.run(), "balance"))
        if ready is not None:
            await stack.enter_async_context(supervise(ready.run(catalog.accepts_token), "ready-token"))
        yield Gateway(config, names, abilities, chat, embeddings, catalog, gigachat, keeper, version)


def _publish_settings(config: Config, metrics: Metrics, version: str) -> None:
    """Set the metrics that the settings alone decide."""
    metrics.build_info.labels(version).set(1)
    metrics.config_info.clear()
    metrics.config_info.labels(config.fingerprint()).set(1)
    metrics.allow_models(bare(model) for _, model in config.models())


async def _open_upstream(
    stack: AsyncExitStack, config: Config, metrics: Metrics, observer: UpstreamObserver, times: UpstreamTimes
) -> tuple[GigaChat, TokenKeeper, ReadyToken | None]:
    """GigaChat's client and its tokens, over sessions that end with the stack. The second level is None without one."""
    context = make_watched_context(config, metrics)
    session = await stack.enter_async_context(open_session(context, config.connect_seconds))
    token_session = await stack.enter_async_context(open_session(context, config.connect_seconds, reuse=False))
    gigachat = GigaChat(
        session,
        config.base_url,
        HealthMonitor(observer, times=times),
        timeout=config.timeout,
        proxy=config.proxy_for(config.base_url),
        times=times,
    )
    ready = None
    if config.access_token or config.access_token_file:
        ready = ReadyToken(config.access_token, config.access_token_file, observer.ready_judged, times=times)
    fetch, source = choose_token_source(config, token_session, times)
    return gigachat, TokenKeeper(fetch, ready, observer, source=source, times=times), ready


def _find_source(keeper: TokenKeeper) -> str | None:
    """Where the token in use came from; None before anybody knows which level will serve."""
    return keeper.status().source if keeper.settled else None


def _report_journal_failure(fault: OSError) -> None:
    LOGGER.warning(
        "the journal of uploaded files can't be kept: after a restart some will stay at GigaChat",
        extra=fields(
            error=fault.strerror or str(fault), remedy="make room in GPT2GIGA_STATE_DIR, and let it be written"
        ),
    )
