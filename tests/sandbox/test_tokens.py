"""Tokens: issued, expired, revoked, forgotten."""

from __future__ import annotations

import pytest

from app.sandbox import tokens
from app.sandbox.tokens import LENGTH, Tokens, TokenStatus


def test_token_looks_like_the_recorded_one() -> None:
    """Five parts, 1279 characters, never twice the same."""
    issuer = Tokens()
    first, second = issuer.issue(60), issuer.issue(60)
    assert first != second
    assert len(first) == LENGTH
    assert first.count(".") == 4
    assert issuer.issued == 2


def test_standing() -> None:
    """A token is good until its time is over; another's is unknown."""
    issuer = Tokens()
    assert issuer.check(issuer.issue(60)) is TokenStatus.GOOD
    assert issuer.check(issuer.issue(0)) is TokenStatus.EXPIRED
    assert issuer.check("none") is TokenStatus.UNKNOWN


def test_revoke_one_or_all() -> None:
    """A revoked token is unknown; the count tells how many were."""
    issuer = Tokens()
    one, two, three = (issuer.issue(60) for _ in range(3))
    assert issuer.revoke(one) == 1
    assert issuer.revoke(one) == 0
    assert issuer.check(two) is TokenStatus.GOOD
    assert issuer.revoke() == 2
    assert issuer.check(three) is TokenStatus.UNKNOWN


def test_accounts() -> None:
    """A token is of the usual account, or of another; a forgotten one is of no other."""
    issuer = Tokens()
    usual, other, third = issuer.issue(60), issuer.issue(60, "other"), issuer.issue(60, "third")
    assert [issuer.account(token) for token in (usual, other, third)] == ["sandbox", "other", "third"]
    issuer.revoke(other)
    assert issuer.account(other) == "sandbox"
    issuer.revoke()
    assert issuer.account(third) == "sandbox"


def test_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory is bounded."""
    monkeypatch.setattr(tokens, "KEPT", 2)
    issuer = Tokens()
    first, second, third = (issuer.issue(60) for _ in range(3))
    assert issuer.check(first) is TokenStatus.UNKNOWN
    assert issuer.check(second) is issuer.check(third) is TokenStatus.GOOD
