"""GigaChat's models: fetched in the background, the last good list while GigaChat is down.

The same small request tells whether GigaChat is there at all, and whether it takes a ready token.
"""

from __future__ import annotations

from collections.abc import Iterable

from app.observe.credentials import CredentialObserver
from app.observe.logs import LOGGER, fields
from app.observe.metrics import Metrics
from app.translate.dialogue import Model
from app.translate.gigachat.models import read as read_models
from app.upstream.client import GigaChat
from app.upstream.failures import Refused, UpstreamFailure
from app.upstream.tokens import NoToken, Token, TokenKeeper

_PATH = "models"
_HEADERS = {"Accept": "application/json"}


class Catalog:
    """The list that `GET /v1/models` gives. `configured` are settings and the models that they name."""

    def __init__(
        self,
        gigachat: GigaChat,
        keeper: TokenKeeper,
        metrics: Metrics,
        health: CredentialObserver,
        configured: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.models: list[Model] = []
        self._configured = frozenset(configured)
        self.absent: frozenset[tuple[str, str]] = frozenset()  # of the configured ones
        self._gigachat = gigachat
        self._keeper = keeper
        self._metrics = metrics
        self._health = health

    async def refresh(self) -> None:
        """Fetch the list with the token in use. A failure keeps the last list; the pulse has heard of it."""
        try:
            token = await self._keeper.get()
        except NoToken:
            return
        pulse = self._gigachat.pulse
        try:
            models = read_models(await self._ask(token))
            self._health.used(200, token.source, probe=True)
        except Refused as refusal:
            self._health.used(refusal.status, token.source)
            if refusal.status in {401, 429} and not refusal.page:
                pulse.alive(success=False)
            else:
                pulse.gone(f"what answers at GIGACHAT_BASE_URL refuses its list of models ({refusal})")
            if refusal.status == 401:
                await self._keeper.replace(token)
            return
        except UpstreamFailure as failure:
            pulse.gone(str(failure))
            return
        if not models:
            pulse.gone("what answers at GIGACHAT_BASE_URL has no models: it is no GigaChat")
            return
        pulse.alive()
        if self._gigachat.sandbox and not self.models:
            LOGGER.warning("this is the sandbox: answers are invented, no GigaChat is asked")
        self.models = models
        self._tell_absent()
        self._metrics.allow_models(model.id for model in models)

    def _tell_absent(self) -> None:
        """A model that is configured and not in the list, once: requests for it are the client's 404, and no alert."""
        known = {model.id for model in self.models}
        absent = frozenset(one for one in self._configured if one[1] not in known)
        for setting, model in sorted(absent - self.absent):
            remedy = f"name in {setting} a model that GET /v1/models lists"
            LOGGER.warning("GigaChat has no such model", extra=fields(setting=setting, model=model, remedy=remedy))
        self.absent = absent

    async def takes(self, value: str) -> bool | None:
        """Does GigaChat take this ready token? None: it could not be asked."""
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
            body = await self._gigachat.get(_PATH, token, _HEADERS)
            code = "200"
        except Refused as refusal:
            code = self._metrics.code(refusal.status)
            raise
        finally:
            self._metrics.upstream_requests.labels("models", code, self._health.label).inc()
        return body
