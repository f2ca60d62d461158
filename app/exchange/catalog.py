"""GigaChat's models: fetched in the background, the last good list while GigaChat is down.

The same small request shows whether GigaChat answers at all, and whether it accepts a ready token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from app.exchange.credential import UpstreamCredential
from app.exchange.tries import CredentialLease
from app.observe.logs import LOGGER, fields
from app.observe.metrics import Metrics
from app.redaction import MASK, mask_model
from app.translate.dialogue import Model
from app.translate.gigachat import paths
from app.translate.gigachat.models import read as read_models
from app.translate.missing_models import Use, say_missing
from app.upstream.client import GigaChat
from app.upstream.failures import Refused, UpstreamFailure
from app.upstream.tokens import NoToken, Token

_HEADERS = {"Accept": "application/json"}


class Catalog:
    """The list that `GET /v1/models` gives. `configured`: each setting that names a model, and the model.

    `models` is empty before the first answer; `absent` are those of `configured` that GigaChat does not have.
    """

    def __init__(
        self,
        gigachat: GigaChat,
        credential: UpstreamCredential,
        metrics: Metrics,
        enter_idle: Callable[[], CredentialLease | None],
        configured: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.models: list[Model] = []
        self.kinds: dict[str, str | None] = {}  # GigaChat's words for what its models do, by their names
        self._configured = frozenset(configured)
        self.absent: frozenset[tuple[str, str]] = frozenset()
        self._gigachat = gigachat
        self._keeper = credential.keeper
        self._metrics = metrics
        self._health = credential.health
        self._enter_idle = enter_idle

    async def refresh(self) -> None:
        """Fetch the list with the token in use. A failure is reported to the monitor, and the last list stays.

        While requests have all slots, nothing is fetched: they tell whether GigaChat is there.
        """
        lease = self._enter_idle()
        if lease is not None:
            with lease:
                await self._refresh()

    async def _refresh(self) -> None:
        try:
            token = await self._keeper.get()
        except NoToken:
            return
        monitor = self._gigachat.monitor
        try:
            models = read_models(await self._ask(token))
            self._health.record_use(200, token.source, probe=True)
        except Refused as refusal:
            await self._report_refusal(refusal, token)
            return
        except UpstreamFailure as failure:
            monitor.mark_unavailable(str(failure))
            return
        if not models:
            monitor.mark_unavailable("what answers at GIGACHAT_BASE_URL has no models: it is no GigaChat")
            return
        monitor.mark_available()
        if self._gigachat.sandbox and not self.models:
            LOGGER.warning("this is the sandbox: answers are invented, no GigaChat is asked")
        self.models, self.kinds = models, {model.id: model.kind for model in models}
        self._warn_of_absent()
        self._metrics.allow_models(model.id for model in models)

    async def _report_refusal(self, refusal: Refused, token: Token) -> None:
        """A refusal of the token, or of so many requests, shows that GigaChat is there."""
        monitor = self._gigachat.monitor
        self._health.record_use(refusal.status, token.source)
        if refusal.status in {401, 429} and not refusal.page:
            monitor.mark_available(success=False)
        else:
            monitor.mark_unavailable(f"what answers at GIGACHAT_BASE_URL refuses its list of models ({refusal})")
        if refusal.status == 401:
            await self._keeper.replace(token)

    def _warn_of_absent(self) -> None:
        """Log each configured model that is not in the list, once: clients get a 404 for it, which raises no alert."""
        known = {model.id for model in self.models}
        absent = frozenset(one for one in self._configured if one[1] not in known)
        for setting, model in sorted(absent - self.absent):
            remedy = f"name in {setting} a model that GET /v1/models lists"
            told = None if (shown := mask_model(model)) == MASK else shown
            LOGGER.warning("GigaChat has no such model", extra=fields(setting=setting, model=told, remedy=remedy))
        self.absent = absent

    def say_missing(self, model: str, asked: str | None, use: Use) -> str:
        """What a client is told whose request GigaChat answers with "no such model"."""
        return say_missing(model, (name for name, kind in self.kinds.items() if kind in (use, None)), asked)

    async def accepts_token(self, value: str) -> bool | None:
        """Whether GigaChat accepts this ready token; None: it could not be asked, or did not say."""
        try:
            await self._ask(Token("ready", value))
        except Refused as refusal:
            return False if refusal.status in {401, 403} else None
        except UpstreamFailure:
            return None
        return True

    async def _ask(self, token: Token) -> bytes:
        code = "other"
        try:
            body = await self._gigachat.get(paths.MODELS, token, _HEADERS)
            code = "200"
        except Refused as refusal:
            code = self._metrics.code(refusal.status)
            raise
        finally:
            self._metrics.upstream_requests.labels("models", code, self._health.label).inc()
        return body
