"""Issues, checks and revokes access tokens. They expire by a monotonic clock.

Source: docs/gigachat-api.md, "OAuth": an opaque string of five parts, 1279 characters when recorded.
"""

from __future__ import annotations

import secrets
import time
from enum import Enum

LENGTH = 1279
KEPT = 10_000
ACCOUNT = "sandbox"  # of the key and of the user alike

_HEAD = "eyJjdHkiOiJqd3QiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIiwiYWxnIjoiUlNBLU9BRVAtMjU2In0"
_PARTS = (342, 22, 0, 43)


class TokenStatus(Enum):
    """The status of a token. The values of bad ones are the messages of refusals."""

    GOOD = "good"
    EXPIRED = "Token has expired"
    UNKNOWN = "Unauthorized"


class Tokens:
    """The tokens that this server has issued and not forgotten."""

    __slots__ = ("_accounts", "_ends", "issued")

    def __init__(self) -> None:
        self._ends: dict[str, float] = {}
        self._accounts: dict[str, str] = {}  # of tokens of other accounts than the usual one
        self.issued = 0

    def issue(self, ttl: float, account: str = ACCOUNT) -> str:
        """Issue a token that is valid for `ttl` seconds. Uploaded files belong to its account."""
        if len(self._ends) >= KEPT:
            self.revoke(next(iter(self._ends)))
        token = _make_token()
        self._ends[token] = time.monotonic() + ttl
        if account != ACCOUNT:
            self._accounts[token] = account
        self.issued += 1
        return token

    def check(self, token: str) -> TokenStatus:
        """The status of a token: good, expired or unknown."""
        end = self._ends.get(token)
        if end is None:
            return TokenStatus.UNKNOWN
        return TokenStatus.GOOD if time.monotonic() < end else TokenStatus.EXPIRED

    def account(self, token: str) -> str:
        """The account of a token."""
        return self._accounts.get(token, ACCOUNT)

    def revoke(self, token: str | None = None) -> int:
        """Revoke one token, or all tokens. Returns how many were revoked."""
        if token is not None:
            self._accounts.pop(token, None)
            return 0 if self._ends.pop(token, None) is None else 1
        count = len(self._ends)
        self._ends.clear()
        self._accounts.clear()
        return count


def _make_token() -> str:
    noise = secrets.token_urlsafe(LENGTH)
    key, vector, _, tag = _PARTS
    text = LENGTH - len(_HEAD) - key - vector - tag - 4
    ends = (key, key + vector, key + vector + text, key + vector + text + tag)
    return ".".join(
        (_HEAD, noise[: ends[0]], noise[ends[0] : ends[1]], noise[ends[1] : ends[2]], noise[ends[2] : ends[3]])
    )
