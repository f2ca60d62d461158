"""Metrics of a credential: whether GigaChat accepted its last use, and whether it is active or dead."""

from __future__ import annotations

from app.observe.labels import CREDENTIAL_STATES, RENEWABLE_SOURCES
from app.observe.metrics import Metrics

# Statuses that concern the credential, not the request: a bad token, no tokens left in a package, no rights.
_CREDENTIAL_STATUSES = frozenset({401, 402, 403})
_UNSEEN_BY_PROBES = frozenset({402, 403})


class CredentialObserver:
    """Records each use of one credential. It is dead while OAuth refuses its key, or GigaChat refuses fresh tokens."""

    def __init__(self, metrics: Metrics, alias: str) -> None:
        self.alias = alias
        self.label = metrics.credential(alias)
        self._up = metrics.credential_up.labels(self.label)
        self._states = {state: metrics.credential_state.labels(self.label, state) for state in CREDENTIAL_STATES}
        self._is_up: bool | None = None
        self._refused_status: int | None = None  # the status of the last refusal, while the credential is not up
        self._key_refused = False
        self._tokens_refused = False
        self._set_up(up=False)
        self._update_state()

    def record_use(self, status: int | None, source: str, *, probe: bool = False) -> None:
        """Record GigaChat's status for a request with this credential. `source`: where its token came from.

        A `probe` requests the list of models. An account without tokens or rights can read it too.
        """
        if status == 200:
            if not self._is_up and not (probe and self._refused_status in _UNSEEN_BY_PROBES):
                self._set_up(up=True)
            if self._tokens_refused and source in RENEWABLE_SOURCES:
                self._tokens_refused = False
                self._update_state()
        elif status in _CREDENTIAL_STATUSES:
            self._refused_status = status
            self._set_up(up=False)

    def record_rejected_token(self) -> None:
        """Record that GigaChat refused a fresh token."""
        self._tokens_refused = True
        self._update_state()

    def record_key_verdict(self, *, accepted: bool) -> None:
        """Record whether OAuth accepted the key."""
        self._key_refused = not accepted
        self._update_state()

    def record_source(self, source: str) -> None:
        """Record where the tokens of the next requests come from; `none`: there is no token."""
        self._set_up(up=source != "none")

    def _set_up(self, *, up: bool) -> None:
        if up is not self._is_up:
            self._is_up = up
            self._refused_status = None if up else self._refused_status
            self._up.set(up)

    def _update_state(self) -> None:
        dead = self._key_refused or self._tokens_refused
        self._states["active"].set(not dead)
        self._states["dead"].set(dead)
