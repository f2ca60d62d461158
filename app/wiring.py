"""The rooms below the server, wired: each resource is one async context, and they end in reverse order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from app.admission import heap
from app.admission.circuits import CIRCUIT_TIMES, Circuits, CircuitTimes
from app.admission.gate import Gate
from app.admission.idempotency import IdempotencyStore
from app.admission.memory import Memory
from app.admission.retry_budget import RetryBudget
from app.admission.slots import Slots
from app.config import Config
from app.exchange.balance import Balance
from app.exchange.catalog import Catalog
from app.exchange.chat import Chat
from app.exchange.choices import Choices
from app.exchange.credential import UpstreamCredential
from app.exchange.embeddings import Embeddings
from app.exchange.request_files import RequestFiles
from app.exchange.runs import Runs
from app.exchange.sender import Sender
from app.exchange.tries import RETRY_PAUSES, RetryPauses, Tries
from app.exchange.unfinished import UnfinishedAnswers
from app.exchange.uploads import Uploads
from app.exchange.variants import Fallbacks
from app.media.fetch import open_fetcher
from app.model_abilities import read_abilities
from app.observe import sampler
from app.observe.credentials import CredentialObserver
from app.observe.logs import LOGGER, fields
from app.observe.metrics import Metrics
from app.observe.queue import QueueObserver
from app.observe.requests import RequestObserver
from app.observe.upstream import UpstreamObserver
from app.server.drain import Drain
from app.server.gateway import Gateway
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

_PERSONS_SCOPE = "GIGACHAT_API_PERS"
_PERSONS_SLOTS, _OTHER_SLOTS = 1, 10


@dataclass(frozen=True, slots=True)
class Times:
    """The waits and pauses of every gateway; tests pass shorter ones."""

    upstream: UpstreamTimes = TIMES
    circuits: CircuitTimes = CIRCUIT_TIMES
    pauses: RetryPauses = RETRY_PAUSES


USUAL_TIMES = Times()


@asynccontextmanager
async def open_gateway(
    config: Config,
    requests: RequestObserver,
    drain: Drain,
    memory: Memory,
    public: Callable[[str], bool],
    times: Times,
) -> AsyncIterator[Gateway]:
    """The rooms below the server, wired, with their background tasks running.

    `public` judges the addresses that clients' files may be fetched from.
    """
    metrics = requests.metrics
    observer = QueueObserver(metrics)
    _publish_settings(config, metrics)
    async with AsyncExitStack() as stack:
        gigachat, credential, ready, circuits = await _open_upstream(stack, config, requests, observer, times)
        gate = _make_gate(config, metrics, observer, credential)
        configured = [(setting, bare(model)) for setting, model in config.models()]
        catalog = Catalog(gigachat, credential, metrics, gate.enter_idle, configured)
        sender = Sender(gigachat, metrics)
        tries = Tries(gate, circuits, RetryBudget(), metrics, times.pauses)
        uploads = _make_uploads(config, sender, credential, gate)
        contract = contracts.make_chat(cached_contained=config.cached_tokens == "contained")
        unfinished = UnfinishedAnswers(contract, sender, gate.enter_idle, requests.report_late_usage)
        fetcher = await stack.enter_async_context(open_fetcher(config.fetch_hosts, public=public))
        abilities = read_abilities(config)
        choices = _make_choices(config, sender, unfinished)
        files = RequestFiles(contract, fetcher, uploads, memory)
        fallbacks = Fallbacks(config.structured_output, state_echo=config.state_echo)
        chat = Chat(contract, tries, choices, files, fallbacks, abilities, catalog, unfinished.ratios)
        tasks: dict[str, Coroutine[Any, Any, None]] = {
            "token-renewal": credential.keeper.run(),
            "gigachat-monitor": gigachat.monitor.run(catalog.refresh),
            "files": uploads.run(),
            "unfinished-answers": unfinished.run(),
            "sampler": sampler.watch(metrics, lambda: _find_source(credential.keeper)),
            "heap": heap.trim_after_peaks(memory),
        }
        if config.balance_seconds:
            tasks["balance"] = Balance(gigachat, credential, metrics, gate.enter_idle, config.balance_seconds).run()
        if ready is not None:
            tasks["ready-token"] = ready.run(catalog.accepts_token)
        for name, task in tasks.items():
            await stack.enter_async_context(supervise(task, name))
        runs = Runs(drain.writing, requests.report_run)
        stack.push_async_callback(runs.stop)
        names = ModelNames(config.model, config.embeddings_model, config.model_aliases)
        embedder, version = Embeddings(tries, sender, catalog), program_version()
        keys = _make_keys(config, metrics, observer)
        yield Gateway(
            config, names, abilities, chat, embedder, catalog, gigachat, credential, gate, circuits, runs, keys, version
        )


def _make_gate(
    config: Config, metrics: Metrics, observer: QueueObserver, credential: UpstreamCredential
) -> Gate[UpstreamCredential]:
    """The queue. The metrics show it, and the slots, whenever they are read."""
    gate = Gate(
        [credential],
        observer,
        length=config.queue_length,
        tenants=config.tenants,
        chat_only=config.slots == "chat",
    )
    slots, label = credential.slots, credential.health.label
    metrics.queue_oldest.set_function(gate.oldest_wait)
    metrics.slots_in_use.labels(label).set_function(lambda: slots.in_use)
    metrics.slots_limit.labels(label).set_function(lambda: slots.limit)
    return gate


def _make_choices(config: Config, sender: Sender, unfinished: UnfinishedAnswers) -> Choices:
    return Choices(sender, unfinished, first_byte_seconds=config.first_byte_seconds, silence_seconds=config.timeout)


def _make_keys(config: Config, metrics: Metrics, observer: QueueObserver) -> IdempotencyStore:
    keys = IdempotencyStore(config.idempotency_seconds, config.idempotency_bytes, observer)
    metrics.idempotency_bytes.set_function(lambda: keys.size)
    return keys


def _make_uploads(
    config: Config, sender: Sender, credential: UpstreamCredential, gate: Gate[UpstreamCredential]
) -> Uploads:
    return Uploads(
        sender,
        UploadJournal(config.state_dir, _report_journal_failure),
        config.file_seconds,
        credential=credential.alias,
        enter_idle=gate.enter_idle,
    )


def _count_slots(config: Config) -> int:
    """How many requests GigaChat takes at a time: of a person one, of others ten.

    Source: docs/gigachat-api.md, "Limits, models, prices".
    """
    if config.max_concurrency is not None:
        return config.max_concurrency
    scope = (config.credentials[0].scope if config.credentials else None) or config.scope
    return _PERSONS_SLOTS if scope == _PERSONS_SCOPE else _OTHER_SLOTS


def _publish_settings(config: Config, metrics: Metrics) -> None:
    """Set the metrics that the settings alone decide."""
    metrics.build_info.labels(program_version()).set(1)
    metrics.config_info.clear()
    metrics.config_info.labels(config.fingerprint()).set(1)
    metrics.allow_models(bare(model) for _, model in config.models())


async def _open_upstream(
    stack: AsyncExitStack, config: Config, requests: RequestObserver, queue: QueueObserver, times: Times
) -> tuple[GigaChat, UpstreamCredential, ReadyToken | None, Circuits]:
    """GigaChat's client, the credential and its tokens, over sessions that end with the stack.

    The second level of tokens is None without one.
    """
    metrics = requests.metrics
    alias = config.credentials[0].alias if config.credentials else "default"
    health = CredentialObserver(metrics, alias)
    observer = UpstreamObserver(metrics, health, requests.streak)
    circuits = Circuits(queue, times.circuits)
    context = make_watched_context(config, metrics)
    session = await stack.enter_async_context(open_session(context, config.connect_seconds))
    token_session = await stack.enter_async_context(open_session(context, config.connect_seconds, reuse=False))
    gigachat = GigaChat(
        session,
        config.base_url,
        HealthMonitor(observer, times=times.upstream, on_return=circuits.try_soon),
        timeout=config.timeout,
        proxy=config.proxy_for(config.base_url),
        times=times.upstream,
    )
    ready = None
    if config.access_token or config.access_token_file:
        ready = ReadyToken(config.access_token, config.access_token_file, observer.ready_judged, times=times.upstream)
    fetch, source = choose_token_source(config, token_session, times.upstream)
    keeper = TokenKeeper(fetch, ready, observer, source=source, times=times.upstream)
    return gigachat, UpstreamCredential(keeper, health, Slots(_count_slots(config))), ready, circuits


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
