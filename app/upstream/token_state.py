"""The states of a first-level token, and the events that move it from one to another.

    STARTING ──renewal failed──▶ MISSING
        │ renewed                   │ renewed
        ▼                           ▼
      LIVE ◀───────renewed──── any other state
        │ refused ──▶ SUSPECT
        │ refused fresh (SUSPECT and ENDED too) ──▶ DEAD
        │ its time is over (SUSPECT too) ──▶ ENDED

Everything that changes a token's state is in this table. The module knows no clock, no network and no ready token:
`tokens.TokenKeeper` sees the events and acts on the states.
"""

from __future__ import annotations

from enum import Enum, auto


class TokenState(Enum):
    """What is known of the token."""

    STARTING = auto()  # the first attempt is not over: nobody knows which level will serve
    MISSING = auto()  # no attempt has brought a token yet, or there is nothing to ask
    LIVE = auto()  # requests are sent with it
    SUSPECT = auto()  # GigaChat refused it once: a ready token goes first, without one it is still tried
    ENDED = auto()  # its time is over
    DEAD = auto()  # GigaChat refused it though it was fresh: the credential is of no use for a while


class TokenEvent(Enum):
    """What happens to the token."""

    RENEWED = auto()  # an attempt brought a token, which takes the place of the last one
    RENEWAL_FAILED = auto()  # an attempt brought none
    REFUSED = auto()  # GigaChat answered 401 to it
    REFUSED_FRESH = auto()  # GigaChat refused it, and it was itself the replacement of a refused one
    TIME_OVER = auto()  # the clock has passed the end that OAuth told


# The states in which a request may be sent with the token.
SERVING = frozenset({TokenState.LIVE, TokenState.SUSPECT})

_NEW = "whatever was known of the last token says nothing about the new one"
_KEPT = "a failed attempt takes nothing away: the old token goes on"
_NONE = "there is no token that this could happen to"
_KNOWN = "it is known already"
_DEAD_STAYS = "only a new token helps a dead credential"

# (state, event) -> (the next state, why).
TRANSITIONS: dict[tuple[TokenState, TokenEvent], tuple[TokenState, str]] = {
    (TokenState.STARTING, TokenEvent.RENEWED): (TokenState.LIVE, _NEW),
    (TokenState.STARTING, TokenEvent.RENEWAL_FAILED): (TokenState.MISSING, "the first attempt is over"),
    (TokenState.STARTING, TokenEvent.REFUSED): (TokenState.STARTING, _NONE),
    (TokenState.STARTING, TokenEvent.REFUSED_FRESH): (TokenState.STARTING, _NONE),
    (TokenState.STARTING, TokenEvent.TIME_OVER): (TokenState.STARTING, _NONE),
    (TokenState.MISSING, TokenEvent.RENEWED): (TokenState.LIVE, _NEW),
    (TokenState.MISSING, TokenEvent.RENEWAL_FAILED): (TokenState.MISSING, _KNOWN),
    (TokenState.MISSING, TokenEvent.REFUSED): (TokenState.MISSING, _NONE),
    (TokenState.MISSING, TokenEvent.REFUSED_FRESH): (TokenState.MISSING, _NONE),
    (TokenState.MISSING, TokenEvent.TIME_OVER): (TokenState.MISSING, _NONE),
    (TokenState.LIVE, TokenEvent.RENEWED): (TokenState.LIVE, _NEW),
    (TokenState.LIVE, TokenEvent.RENEWAL_FAILED): (TokenState.LIVE, _KEPT),
    (TokenState.LIVE, TokenEvent.REFUSED): (TokenState.SUSPECT, "it may have been revoked: a renewal will tell"),
    (TokenState.LIVE, TokenEvent.REFUSED_FRESH): (TokenState.DEAD, "the credential's tokens are refused, not this one"),
    (TokenState.LIVE, TokenEvent.TIME_OVER): (TokenState.ENDED, "it is used to its very end, and no longer"),
    (TokenState.SUSPECT, TokenEvent.RENEWED): (TokenState.LIVE, _NEW),
    (TokenState.SUSPECT, TokenEvent.RENEWAL_FAILED): (TokenState.SUSPECT, _KEPT),
    (TokenState.SUSPECT, TokenEvent.REFUSED): (TokenState.SUSPECT, _KNOWN),
    (TokenState.SUSPECT, TokenEvent.REFUSED_FRESH): (TokenState.DEAD, "it was the replacement of a refused one"),
    (TokenState.SUSPECT, TokenEvent.TIME_OVER): (TokenState.ENDED, "it is the last thing to try, and no longer there"),
    (TokenState.ENDED, TokenEvent.RENEWED): (TokenState.LIVE, _NEW),
    (TokenState.ENDED, TokenEvent.RENEWAL_FAILED): (TokenState.ENDED, _KEPT),
    (TokenState.ENDED, TokenEvent.REFUSED): (TokenState.ENDED, "an ended token is refused, as it should be"),
    (TokenState.ENDED, TokenEvent.REFUSED_FRESH): (TokenState.DEAD, "it was refused before it ended"),
    (TokenState.ENDED, TokenEvent.TIME_OVER): (TokenState.ENDED, _KNOWN),
    (TokenState.DEAD, TokenEvent.RENEWED): (TokenState.LIVE, _NEW),
    (TokenState.DEAD, TokenEvent.RENEWAL_FAILED): (TokenState.DEAD, _DEAD_STAYS),
    (TokenState.DEAD, TokenEvent.REFUSED): (TokenState.DEAD, _KNOWN),
    (TokenState.DEAD, TokenEvent.REFUSED_FRESH): (TokenState.DEAD, _KNOWN),
    (TokenState.DEAD, TokenEvent.TIME_OVER): (TokenState.DEAD, _DEAD_STAYS),
}


def next_state(state: TokenState, event: TokenEvent) -> TokenState:
    """The state after an event. Every event may come in every state."""
    return TRANSITIONS[state, event][0]
