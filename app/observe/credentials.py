"""How a credential does: whether its last use was accepted, and whether it is of any use at all."""

from __future__ import annotations

from app.observe.labels import FIRST_LEVEL, STATES
from app.observe.metrics import Metrics

# GigaChat's refusals that concern the credential and not the request: token, packages, rights.
_REFUSALS = frozenset({401, 402, 403})
_BEYOND_PROBES = frozenset({402, 403})


class CredentialObserver:
    """Told of each use of one credential. It is dead while OAuth refuses its key, or GigaChat its fresh tokens."""

    def __init__(self, metrics: Metrics, alias: str) -> None:
        self.alias = alias
        self.label = metrics.credential(alias)
        self._up = metrics.credential_up.labels(self.label)
        self._states = {state: metrics.credential_state.labels(self.label, state) for state in STATES}
        self._is_up: bool | None = None
        self._refused: int | None = None  # the status that put it down
        self._key_refused = False
        self._tokens_refused = False
        self._set_up(up=False)
        self._tell_state()

    def used(self, status: int | None, source: str, *, probe: bool = False) -> None:
        """GigaChat answered a use of it with this status; `source`: of the token that was sent.

        A `probe` asks for the list of models, which an account may read that has no tokens left, or no rights.
        """
        if status == 200:
            if not self._is_up and not (probe and self._refused in _BEYOND_PROBES):
                self._set_up(up=True)
            if self._tokens_refused and source in FIRST_LEVEL:
                self._tokens_refused = False
                self._tell_state()
        elif status in _REFUSALS:
            self._refused = status
            self._set_up(up=False)

    def condemned(self) -> None:
        """GigaChat refused a token right after OAuth had given it."""
        self._tokens_refused = True
        self._tell_state()

    def key_judged(self, *, taken: bool) -> None:
        """OAuth took the key or refused it."""
        self._key_refused = not taken
        self._tell_state()

    def source_changed(self, source: str) -> None:
        """Requests are sent with a token of this source from now on."""
        self._set_up(up=source != "none")

    def _set_up(self, *, up: bool) -> None:
        if up is not self._is_up:
            self._is_up = up
            self._refused = None if up else self._refused
            self._up.set(up)

    def _tell_state(self) -> None:
        dead = self._key_refused or self._tokens_refused
        self._states["active"].set(not dead)
        self._states["dead"].set(dead)
